"""What stands in the way of a notebook is said; it is no fault of ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, cast

import pytest

from agor_jupyter.domain.errors import Conflict, StorageFull
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.extension.transcripts_of_house import HouseTranscripts
from agor_jupyter.service.house import Paths
from agor_jupyter.store.memory import open_memory
from agor_jupyter.transcripts.writer import TranscriptWriter


class Refusing:
    """A writer whose folder does not take what it writes."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def rebuild(self, session_id: SessionId) -> Path:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EISDIR, Conflict),
        (errno.EACCES, Conflict),
        (errno.EROFS, Conflict),
        (errno.ENOSPC, StorageFull),
    ],
)
async def test_a_folder_that_refuses(tmp_path: Path, number: int, said: Any) -> None:
    writer = cast(TranscriptWriter, Refusing(number))
    transcripts = HouseTranscripts(writer, open_memory().log, Paths(tmp_path, tmp_path, tmp_path), "/")
    with pytest.raises(said):
        await transcripts.rebuild(SessionId("ses_1"))
