"""The appends of one group: folded one after another, then written together.

`stage` works an append out without writing, so that a bad one leaves no trace and needs no
savepoint; `write` puts down all that was staged, a session's record once for the whole group.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import PydanticSerializationError

from agor_jupyter.domain.events import Draft, PermissionRequest, PermissionResolved, SessionEvent
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.ports import Appended, RunnerMark
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.store.fold import fold, starting_point
from agor_jupyter.store.rows import Insert, Row
from agor_jupyter.store.session_rows import (
    BODIES,
    COLUMNS,
    SOURCE,
    TAILS,
    body_row,
    json_of,
    same_body,
    tail_row,
)

_EVENTS = Insert("events", ("session", "seq", "at_ms", "task_id", "body"))
_TASKS = Insert(
    "tasks",
    ("id", "session", "queued_seq", "body"),
    "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
)
_REQUESTS = Insert("requests", ("id", "session", "asked_seq"), "ON CONFLICT (id) DO NOTHING")


@dataclass(slots=True)
class Order:
    """What `EventLog.append` was asked."""

    session_id: SessionId
    drafts: tuple[Draft, ...]
    mark: RunnerMark | None = None
    create: Session | None = None


Kept = tuple[int, Session]
"""A session's number in the database, and its record."""


class Batch:
    """What a group will write, on top of what is committed. `known` are committed records."""

    def __init__(self, connection: sqlite3.Connection, known: Mapping[SessionId, Kept]) -> None:
        self._connection = connection
        self._known = known
        self.sessions: dict[SessionId, Kept] = {}
        self._new_bodies: set[SessionId] = set()
        self._last_number: int | None = None
        self._tasks: dict[TaskId, tuple[int, int, Task]] = {}  # session's number, queued_seq, task
        self._events: list[Row] = []
        self._asked: list[Row] = []
        self._resolved: list[tuple[int, RequestId]] = []
        self._marks: dict[str, int] = {}

    def stage(self, order: Order) -> Appended:
        """Work an append out on top of those staged before. When it raises, nothing was staged."""
        session_id = order.session_id
        kept = self.sessions.get(session_id) or self._known.get(session_id) or self._stored(session_id)
        start = starting_point(session_id, kept[1] if kept else None, order.create, order.drafts)
        number = kept[0] if kept else self._new_number()
        folded = fold(start, order.drafts, self._task)
        try:
            rows = [_event_row(number, event) for event in folded.events]
        except PydanticSerializationError:
            # Vendor JSON may hold half a surrogate pair, which no UTF-8 file can keep.
            folded = fold(start, [_mended(draft) for draft in order.drafts], self._task)
            rows = [_event_row(number, event) for event in folded.events]
        self._events += rows
        self.sessions[session_id] = (number, folded.session)
        if kept is None or not same_body(start, folded.session):
            self._new_bodies.add(session_id)
        for task_id, task in folded.tasks.items():
            self._note_task(number, task_id, task, folded.events)
        for event in folded.events:
            update = event.update
            if type(update) is PermissionRequest:
                self._asked.append((update.request_id, number, event.seq))
            elif type(update) is PermissionResolved:
                self._resolved.append((event.seq, update.request_id))
        if order.mark is not None:
            self._marks[order.mark.run_id] = order.mark.offset
        return Appended(session=folded.session, events=folded.events)

    def _note_task(self, number: int, task_id: TaskId, task: Task, events: Sequence[SessionEvent]) -> None:
        staged = self._tasks.get(task_id)
        # Of a task that is in the database already, the seq there stands (see `_TASKS`).
        queued_seq = staged[1] if staged else next(e.seq for e in events if e.task_id == task_id)
        self._tasks[task_id] = (number, queued_seq, task)

    def _stored(self, session_id: SessionId) -> Kept | None:
        row = self._connection.execute(
            f"SELECT t.session, {COLUMNS} FROM {SOURCE} WHERE s.id = ?",  # noqa: S608  # own words
            (session_id,),
        ).fetchone()
        return (row[0], Session.model_validate_json(json_of(row[1:]))) if row else None

    def _new_number(self) -> int:
        if self._last_number is None:
            last = self._connection.execute("SELECT ifnull(max(number), 0) FROM sessions").fetchone()
            self._last_number = int(last[0])
        self._last_number += 1
        return self._last_number

    def _task(self, task_id: TaskId) -> Task | None:
        if task_id in self._tasks:
            return self._tasks[task_id][2]
        row = self._connection.execute("SELECT body FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return Task.model_validate_json(row[0]) if row else None

    def write(self) -> None:
        """Put down all that was staged, inside the transaction that is open."""
        connection = self._connection
        bodies = [body_row(*self.sessions[session_id]) for session_id in self._new_bodies]
        BODIES.run(connection, bodies)
        TAILS.run(connection, [tail_row(number, session) for number, session in self.sessions.values()])
        _EVENTS.run(connection, self._events)
        tasks: list[Row] = [
            (task.id, number, queued_seq, _json(task)) for number, queued_seq, task in self._tasks.values()
        ]
        _TASKS.run(connection, tasks)
        _REQUESTS.run(connection, self._asked)
        if self._resolved:
            # The first answer stands.
            connection.executemany(
                "UPDATE requests SET resolved_seq = ? WHERE id = ? AND resolved_seq IS NULL", self._resolved
            )
        if self._marks:
            connection.executemany(
                "UPDATE runners SET consumed = ? WHERE id = ?",
                [(offset, run_id) for run_id, offset in self._marks.items()],
            )


def _json(value: Value) -> str:
    """Give `value.model_dump_json()`, without the time it takes to pass on fifteen defaults."""
    return value.__pydantic_serializer__.to_json(value).decode()


def _event_row(number: int, event: SessionEvent) -> Row:
    return (number, event.seq, event.at_ms, event.task_id, _json(event.update))


def _mended(draft: Draft) -> Draft:
    """Replace what UTF-8 cannot hold in any text of the draft."""
    text = json.dumps(draft.model_dump(mode="python"), ensure_ascii=False)
    return Draft.model_validate_json(text.encode("utf-8", "replace"))
