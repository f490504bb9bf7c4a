"""Which sessions may have a task under way: so many for a server, so many for a person.

A session holds a *place* from the moment its next task is about to start until that task has ended.
Who finds none waits, in an order that is kept in the log (`Session.waits`) and survives the server.
An agent that is up without a task holds no place, and is closed when another needs its room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agor_jupyter.domain.ids import SessionId, UserId
from agor_jupyter.domain.ports import Clock
from agor_jupyter.domain.session import Session


@dataclass(frozen=True)
class Limits:
    """How many sessions may work at once. 0: as many as there are."""

    sessions: int = 0
    sessions_per_person: int = 0


@dataclass(frozen=True)
class Waiter:
    owner: UserId
    since_ms: int


def next_to_start(
    working: Mapping[SessionId, UserId], waiting: Mapping[SessionId, Waiter], limits: Limits
) -> list[SessionId]:
    """Choose who may start now, the first first.

    The one whose owner has the fewest at work goes first, so that nobody who fills a server keeps others
    out; among equals, who has waited longest. Who is at their own limit keeps nobody else waiting.
    """
    at_work = Counter(working.values())
    left = dict(waiting)
    chosen: list[SessionId] = []
    while left and (not limits.sessions or len(working) + len(chosen) < limits.sessions):
        may = [
            (at_work[waiter.owner], waiter.since_ms, session_id)
            for session_id, waiter in left.items()
            if not limits.sessions_per_person or at_work[waiter.owner] < limits.sessions_per_person
        ]
        if not may:
            break
        session_id = min(may)[2]
        at_work[left.pop(session_id).owner] += 1
        chosen.append(session_id)
    return chosen


class Admission:
    """The places of one server.

    `wake` makes a session look at its queue again; `make_room` closes an idle agent, if there are too many,
    for the session that has just got a place.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        *,
        wake: Callable[[SessionId], None],
        make_room: Callable[[SessionId], None],
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._wake = wake
        self._make_room = make_room
        self._working: dict[SessionId, UserId] = {}
        self._waiting: dict[SessionId, Waiter] = {}

    def is_working(self, session_id: SessionId) -> bool:
        return session_id in self._working

    def is_idle(self, session_id: SessionId) -> bool:
        """Say whether a session neither has a place nor waits for one."""
        return session_id not in self._working and session_id not in self._waiting

    def recall(self, session: Session) -> None:
        """Know a session as the server before left it, before any looks at its queue."""
        if session.current_task is not None:
            self._working[session.id] = session.owner
        elif session.waits is not None:
            self._waiting[session.id] = Waiter(session.owner, session.waits.since_ms)

    def enter(self, session: Session) -> str:
        """Take a place for a session whose next task is to start; else say what it waits for."""
        if session.id in self._working:
            return ""
        since = session.waits.since_ms if session.waits is not None else self._clock()
        if session.waits is None:  # a clock that was set back lets nobody in before who waits already
            since = max([since, *(waiter.since_ms + 1 for waiter in self._waiting.values())])
        self._waiting.setdefault(session.id, Waiter(session.owner, since))
        if session.id in next_to_start(self._working, self._waiting, self.limits):
            self._working[session.id] = self._waiting.pop(session.id).owner
            self._make_room(session.id)
            return ""
        return self._reason(session)

    def leave(self, session_id: SessionId) -> None:
        """Give the place back, or stop waiting for one; idempotent."""
        if self._working.pop(session_id, None) is None and self._waiting.pop(session_id, None) is None:
            return
        for next_id in next_to_start(self._working, self._waiting, self.limits):
            self._wake(next_id)

    def stop_waiting(self, session_id: SessionId) -> None:
        """Wait for no place any more: nothing is to be started. A place that is held stays held."""
        if session_id in self._waiting:
            self.leave(session_id)

    def _reason(self, session: Session) -> str:
        own = sum(owner == session.owner for owner in self._working.values())
        if self.limits.sessions_per_person and own >= self.limits.sessions_per_person:
            name = session.owner_name or session.owner
            return f"{_sessions(own)} of {name} run already" if own > 1 else f"one of {name} runs already"
        at_work = len(self._working)
        if at_work >= self.limits.sessions:
            return f"{_sessions(at_work)} run already" if at_work > 1 else "one session runs already"
        return "others have waited longer"


def _sessions(count: int) -> str:
    return f"{count} sessions"
