"""What those hear who watch their inbox: what waits for an answer, what was answered, what ended.

The first frame is the whole of what waits now. A listener that is behind gets the whole anew, so
nothing is kept for it but one flag. Who reads sessions sees the requests of all of them, as in
`permissions.browse`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, SessionEvent, TaskEnded
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.server.frame_writer import frame
from agor_jupyter.server.outline import cut
from agor_jupyter.service.house import House

if TYPE_CHECKING:
    from agor_jupyter.server.hub import Listener

NEWS = (PermissionRequest, PermissionResolved, TaskEnded)


@dataclass
class _Waiting:
    """What a listener knows. `stale`: something happened while its `job` read the whole."""

    told: set[RequestId] = field(default_factory=set)
    stale: bool = False
    job: asyncio.Task[None] | None = None


class Inbox:
    """The watchers of what waits. The hub feeds it from the bus."""

    def __init__(self, house: House, supervised: Callable[..., asyncio.Task[None]]) -> None:
        self._log = house.log
        self._supervised = supervised
        self._watchers: dict[Listener, _Waiting] = {}

    def watch(self, listener: Listener) -> None:
        """Send all that waits, then what comes. Again: all that waits, anew."""
        self.leave(listener)
        self._watchers[listener] = _Waiting()
        self._tell_whole(listener)

    def leave(self, listener: Listener) -> None:
        waiting = self._watchers.pop(listener, None)
        if waiting is not None and waiting.job is not None:
            waiting.job.cancel()

    def happened(self, events: tuple[SessionEvent, ...]) -> None:
        """Tell what concerns an inbox."""
        news = [event for event in events if isinstance(event.update, NEWS)] if self._watchers else []
        if not news:
            return
        for listener, waiting in tuple(self._watchers.items()):
            if waiting.job is not None:
                waiting.stale = True
                continue
            fresh = [event for event in news if _request_of(event) not in waiting.told]
            if not all(listener.send(framed) for framed in _frames(fresh)):
                self._tell_whole(listener)

    def refold(self) -> None:
        """The bus left the hub behind: everybody hears the whole."""
        for listener in self._watchers:
            self._tell_whole(listener)

    def _tell_whole(self, listener: Listener) -> None:
        waiting = self._watchers[listener]
        waiting.stale = True
        if waiting.job is None:
            job = asyncio.create_task(self._read(listener, waiting), name="agor-catch-up-inbox")
            waiting.job = self._supervised(job, listener)

    async def _read(self, listener: Listener, waiting: _Waiting) -> None:
        while await listener.drained():
            waiting.stale = False
            pending = await self._log.pending()
            if not all(listener.send(framed) for framed in _frames(pending, whole=True)):
                continue
            # The bus may still bring what was read here already.
            waiting.told = {request for event in pending if (request := _request_of(event)) is not None}
            if not waiting.stale:
                # Nothing was published since the look; no await before the flag is down.
                waiting.job = None
                return


def _request_of(event: SessionEvent) -> RequestId | None:
    return event.update.request_id if isinstance(event.update, PermissionRequest) else None


def _frames(events: list[SessionEvent], *, whole: bool = False) -> list[bytes]:
    """Make the frames: of the whole, the first says so, and is there even when nothing waits."""
    texts = [text for _, text in cut(events)]
    if not whole:
        return [frame(f'{{"inbox":[{text}]}}') for text in texts]
    first, *rest = texts or [""]
    return [frame(f'{{"inbox":[{first}],"whole":true}}'), *(frame(f'{{"inbox":[{text}]}}') for text in rest)]
