"""The transcripts as the services ask for them: where a notebook is, and drawing it anew."""

from __future__ import annotations

import errno
from pathlib import Path
from urllib.parse import quote

from agor_jupyter.domain.errors import Conflict, NotFound, StorageFull
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import EventSource
from agor_jupyter.service.answers import TranscriptPlace
from agor_jupyter.service.house import Paths
from agor_jupyter.transcripts.writer import TranscriptWriter


class HouseTranscripts:
    """`service.house.Transcripts` over the job that draws them."""

    def __init__(self, writer: TranscriptWriter, log: EventSource, paths: Paths, base_url: str) -> None:
        self._writer, self._log, self._paths = writer, log, paths
        self._base_url = base_url

    async def place(self, session_id: SessionId) -> TranscriptPlace:
        session = await self._log.session(session_id)
        if session is None:
            raise NotFound(f"There is no session {session_id}.")
        return self._named(await self._writer.path_of(session))

    async def rebuild(self, session_id: SessionId) -> TranscriptPlace:
        try:
            return self._named(await self._writer.rebuild(session_id))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("The disk is full.", hint="Free some space, then try again.") from error
            raise Conflict(
                f"The notebook cannot be drawn: {error.strerror}.",
                hint="Look at its folder: something there is in the way. Nothing of the session is lost.",
            ) from error

    def _named(self, path: Path) -> TranscriptPlace:
        lab_path = self._paths.lab_path(str(path))
        url = f"{self._base_url}lab/tree/{quote(lab_path)}" if lab_path is not None else None
        return TranscriptPlace(path=str(path), lab_path=lab_path, url=url)
