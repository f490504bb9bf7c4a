"""What those hear who watch the whole workspace: its events, and sessions' records as they change.

A record whose state changed goes out with the next tick; one where only the last words moved, at
most twice a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from agor_jupyter.domain.events import WorkspaceEvent
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor, Resource
from agor_jupyter.server.frame_writer import frame
from agor_jupyter.service.house import House

if TYPE_CHECKING:
    from agor_jupyter.server.hub import Listener

TICK_SECONDS = 0.033
WORDS_SECONDS = 0.5
PAGE = 200
RESOURCE_OF: dict[str, Resource] = {
    "repo": "agor:worktrees",
    "worktree": "agor:worktrees",
    "board": "agor:boards",
    "session": "agor:sessions",
}
_MUTED = {"last_words", "last_seq", "updated_ms", "context_used"}
_state_of = attrgetter(*(name for name in Session.model_fields if name not in _MUTED))


@dataclass
class Watching:
    """How far a listener is in the workspace. `cursor` None: from now on, and nothing came yet."""

    actor: Actor
    cursor: int | None
    stale: set[SessionId] = field(default_factory=set)
    job: asyncio.Task[None] | None = None


class Overview:
    """The watchers of the workspace. The hub feeds it from the bus."""

    def __init__(self, house: House, supervised: Callable[..., asyncio.Task[None]]) -> None:
        self._log = house.log
        self._supervised = supervised
        self._watchers: dict[Listener, Watching] = {}
        self._changed: dict[SessionId, Session] = {}
        self._shown: dict[SessionId, tuple[Session, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._seen = 0

    def watch(self, listener: Listener, actor: Actor, after_seq: int | None) -> None:
        """Send what happens from `after_seq` on (None: from now on)."""
        self.leave(listener)
        watching = self._watchers[listener] = Watching(actor, after_seq)
        if after_seq is not None:
            self._catch_up(listener, watching)

    def update(self, listener: Listener, actor: Actor) -> None:
        """Take note of what the listener may see from now on."""
        if listener in self._watchers:
            self._watchers[listener].actor = actor

    def leave(self, listener: Listener) -> None:
        watching = self._watchers.pop(listener, None)
        if watching is not None and watching.job is not None:
            watching.job.cancel()
        if not self._watchers:
            self._changed.clear()
            self._shown.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    # --- workspace events

    def happened(self, events: tuple[WorkspaceEvent, ...]) -> None:
        self._seen = max(self._seen, events[-1].seq)
        for listener, watching in tuple(self._watchers.items()):
            if watching.job is not None:
                continue
            fresh = [event for event in events if watching.cursor is None or event.seq > watching.cursor]
            gap = fresh and watching.cursor is not None and fresh[0].seq != watching.cursor + 1
            if gap or not _tell(listener, watching, fresh):
                self._catch_up(listener, watching)

    def refold(self) -> None:
        """The bus left the hub behind: everything is read again."""
        self._changed.clear()
        for listener, watching in self._watchers.items():
            watching.stale.update(self._shown)
            if watching.cursor is None:
                watching.cursor = self._seen or None
            self._catch_up(listener, watching, everything=True)

    def _catch_up(self, listener: Listener, watching: Watching, *, everything: bool = False) -> None:
        if watching.job is None:
            work = self._read_on(listener, watching, everything)
            job = asyncio.create_task(work, name="agor-catch-up-workspace")
            watching.job = self._supervised(job, listener)

    async def _read_on(self, listener: Listener, watching: Watching, everything: bool) -> None:
        if everything:
            page = await self._log.sessions(limit=PAGE)
            watching.stale.update(session.id for session in page.items)
        while await listener.drained():
            events: list[WorkspaceEvent] = []
            if watching.cursor is not None:
                events = await self._log.read_workspace(after_seq=watching.cursor, limit=PAGE)
            if not _tell(listener, watching, events) or not await self._tell_stale(listener, watching):
                continue
            if len(events) < PAGE and (watching.cursor is None or watching.cursor >= self._seen):
                watching.job = None
                return

    async def _tell_stale(self, listener: Listener, watching: Watching) -> bool:
        while watching.stale:
            session_id = watching.stale.pop()
            session = await self._log.session(session_id)
            if session is not None and not listener.send(_sessions_frame([session])):
                watching.stale.add(session_id)
                return False
        return True

    # --- sessions' records

    def session(self, session: Session) -> None:
        """Note a record that changed."""
        if not self._watchers:
            return
        self._changed[session.id] = session
        now = asyncio.get_running_loop().time()
        self._wake(now + TICK_SECONDS if self._is_news(session) else now + WORDS_SECONDS)

    def _is_news(self, session: Session) -> bool:
        shown = self._shown.get(session.id)
        return shown is None or _state_of(shown[0]) != _state_of(session)

    def _wake(self, when: float) -> None:
        if self._timer is not None and self._timer.when() <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._flush)

    def _flush(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        due: list[Session] = []
        for session_id, session in tuple(self._changed.items()):
            shown = self._shown.get(session_id)
            if shown is None or self._is_news(session) or now - shown[1] >= WORDS_SECONDS:
                due.append(session)
                self._shown[session_id] = (session, now)
                del self._changed[session_id]
            else:
                self._wake(shown[1] + WORDS_SECONDS)
        if due:
            self._show(due)

    def _show(self, sessions: list[Session]) -> None:
        framed = _sessions_frame(sessions)
        for listener, watching in tuple(self._watchers.items()):
            if not watching.actor.may("read", "agor:sessions"):
                continue
            if watching.job is not None or not listener.send(framed):
                watching.stale.update(session.id for session in sessions)
                self._catch_up(listener, watching)


def _tell(listener: Listener, watching: Watching, events: Iterable[WorkspaceEvent]) -> bool:
    """Send the events that this listener may see; the cursor passes those that it may not."""
    listed = list(events)
    allowed = [event for event in listed if watching.actor.may("read", RESOURCE_OF[event.noun])]
    if allowed:
        texts = ",".join(event.model_dump_json() for event in allowed)
        if not listener.send(frame(f'{{"workspace":[{texts}]}}')):
            return False
    if listed:
        watching.cursor = listed[-1].seq
    return True


def _sessions_frame(sessions: list[Session]) -> bytes:
    return frame(f'{{"sessions":[{",".join(session.outline().model_dump_json() for session in sessions)}]}}')
