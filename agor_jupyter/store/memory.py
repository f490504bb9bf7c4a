"""The ports of the store in memory: for the engine's tests and for a server that must keep nothing.

It promises what the SQLite store promises, except that it forgets when the process ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agor_jupyter.domain.events import (
    Draft,
    PermissionRequest,
    PermissionResolved,
    SessionEvent,
    WorkspaceEvent,
)
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId
from agor_jupyter.domain.ports import Appended, Clock, Page, RunnerMark, Subscription
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.facade import Store
from agor_jupyter.store.fold import fold, placed, starting_point
from agor_jupyter.store.memory_records import MemoryRecords, MemoryTokens, Workspace
from agor_jupyter.store.paging import cursor_of, key_of, page_size
from agor_jupyter.store.wall_clock import wall_clock


@dataclass
class _Asked:
    request: SessionEvent
    resolution: SessionEvent | None = None


@dataclass
class _Runner:
    session_id: SessionId
    handle: str
    offset: int = 0


class MemoryEventLog:
    """`EventLog` in dictionaries."""

    def __init__(self, bus: Bus, workspace: Workspace) -> None:
        self._bus = bus
        self._workspace = workspace
        self._sessions: dict[SessionId, Session] = {}
        self._events: dict[SessionId, list[SessionEvent]] = {}
        self._tasks: dict[TaskId, Task] = {}  # in the order they were queued
        self._requests: dict[RequestId, _Asked] = {}
        self._runners: dict[str, _Runner] = {}

    # --- reading

    async def session(self, session_id: SessionId) -> Session | None:
        return self._sessions.get(session_id)

    async def sessions(
        self,
        *,
        worktree_id: str | None = None,
        status: str | None = None,
        archived: bool | None = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Session]:
        size = page_size(limit)
        # Of two that were updated in one millisecond, the one made later comes first.
        found = [
            ((session.updated_ms, number), session)
            for number, session in enumerate(self._sessions.values())
            if (worktree_id is None or session.worktree_id == worktree_id)
            and (status is None or session.status == status)
            and (archived is None or session.archived is archived)
        ]
        found.sort(key=lambda entry: entry[0], reverse=True)
        if cursor is not None:
            last = key_of(cursor, int, int)
            found = [entry for entry in found if entry[0] < last]
        items = tuple(session for _, session in found[:size])
        return Page(items=items, next=cursor_of(*found[size - 1][0]) if len(found) > size else None)

    async def task(self, task_id: TaskId) -> Task | None:
        task = self._tasks.get(task_id)
        return None if task is None else placed(task, self._sessions[task.session_id].queue)

    async def tasks(
        self, session_id: SessionId, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Task]:
        size = page_size(limit)
        session = self._sessions.get(session_id)
        if session is None:
            return Page(items=())
        # The cursor counts the session's tasks: none is ever taken out of the list.
        start = int(key_of(cursor, int)[0]) if cursor is not None else 0
        found = [task for task in self._tasks.values() if task.session_id == session_id]
        items = tuple(placed(task, session.queue) for task in found[start : start + size])
        more = len(found) > start + size
        return Page(items=items, next=cursor_of(start + size) if more else None)

    async def read(
        self,
        session_id: SessionId,
        *,
        after_seq: int = 0,
        before_seq: int | None = None,
        limit: int = 500,
        task_id: TaskId | None = None,
        newest: bool = False,
    ) -> list[SessionEvent]:
        found = [
            event
            for event in self._events.get(session_id, ())
            if event.seq > after_seq
            and (before_seq is None or event.seq < before_seq)
            and (task_id is None or event.task_id == task_id)
        ]
        if limit <= 0:
            return []
        return found[-limit:] if newest else found[:limit]

    async def read_workspace(self, *, after_seq: int = 0, limit: int = 500) -> list[WorkspaceEvent]:
        return self._workspace.read(after_seq, limit)

    async def request(self, request_id: RequestId) -> SessionEvent | None:
        asked = self._requests.get(request_id)
        return asked.request if asked else None

    async def resolution(self, request_id: RequestId) -> SessionEvent | None:
        asked = self._requests.get(request_id)
        return asked.resolution if asked else None

    async def pending(self) -> list[SessionEvent]:
        return [asked.request for asked in self._requests.values() if asked.resolution is None]

    def subscribe(self, session_id: SessionId | None = None, *, bound: int = 256) -> Subscription:
        return self._bus.subscribe(session_id, bound=bound)

    # --- writing

    async def append(
        self,
        session_id: SessionId,
        drafts: Sequence[Draft],
        *,
        mark: RunnerMark | None = None,
        create: Session | None = None,
    ) -> Appended:
        start = starting_point(session_id, self._sessions.get(session_id), create, drafts)
        folded = fold(start, drafts, self._tasks.get)
        # Nothing above changed anything, nothing below can fail: that is the transaction.
        self._sessions[session_id] = folded.session
        self._events.setdefault(session_id, []).extend(folded.events)
        self._tasks.update(folded.tasks)
        for event in folded.events:
            self._note_request(event)
        if mark is not None and mark.run_id in self._runners:
            self._runners[mark.run_id].offset = mark.offset
        appended = Appended(session=folded.session, events=folded.events)
        if folded.events:
            self._bus.publish(appended)
        # A durable append lets others run before it returns; so does this one.
        await asyncio.sleep(0)
        return appended

    def _note_request(self, event: SessionEvent) -> None:
        match event.update:
            case PermissionRequest(request_id=request_id):
                self._requests.setdefault(request_id, _Asked(event))
            case PermissionResolved(request_id=request_id):
                asked = self._requests.get(request_id)
                if asked is not None and asked.resolution is None:
                    asked.resolution = event

    async def save_runner(self, run_id: str, session_id: SessionId, handle: str) -> None:
        known = self._runners.get(run_id)
        self._runners[run_id] = _Runner(session_id, handle, known.offset if known else 0)

    async def runners(self) -> list[tuple[str, SessionId, str, int]]:
        return [(run, kept.session_id, kept.handle, kept.offset) for run, kept in self._runners.items()]

    async def forget_runner(self, run_id: str) -> None:
        self._runners.pop(run_id, None)


def open_memory(clock: Clock = wall_clock) -> Store:
    """Make an empty store in memory. Opening another one begins anew."""
    bus = Bus()
    workspace = Workspace(bus, clock)
    return Store(
        log=MemoryEventLog(bus, workspace),
        records=MemoryRecords(workspace, clock),
        tokens=MemoryTokens(),
        bus=bus,
    )
