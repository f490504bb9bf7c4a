"""`EventLog` in SQLite: the only write path for work, and its reading side.

Writes go through `writer` and `batch`; what is here is what callers see, and the queries.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from agor_jupyter.domain.events import Draft, SessionEvent, WorkspaceEvent
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId
from agor_jupyter.domain.ports import Appended, Page, RunnerMark, Subscription
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.store.batch import Order
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.fold import placed
from agor_jupyter.store.paging import cursor_of, key_of, page_size
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.session_rows import COLUMNS, OF_ONE_WORKTREE, SOURCE, json_of
from agor_jupyter.store.writer import Done, Writer

_EVENTS: TypeAdapter[list[SessionEvent]] = TypeAdapter(list[SessionEvent])
_WORKSPACE: TypeAdapter[list[WorkspaceEvent]] = TypeAdapter(list[WorkspaceEvent])
_SESSIONS: TypeAdapter[list[Session]] = TypeAdapter(list[Session])
_TASKS: TypeAdapter[list[Task]] = TypeAdapter(list[Task])

_EVENT = "SELECT s.id, e.seq, e.at_ms, e.task_id, e.body FROM"
_REQUEST = f"""{_EVENT} requests AS r JOIN sessions AS s ON s.number = r.session
    JOIN events AS e ON e.session = r.session AND e.seq = """


class SqliteEventLog:
    """The event log of a data folder. One object writes; readers may be many."""

    def __init__(self, writer: Writer, readers: Readers, bus: Bus) -> None:
        self._writer = writer
        self._readers = readers
        self._bus = bus

    # --- writing

    async def append(
        self,
        session_id: SessionId,
        drafts: Sequence[Draft],
        *,
        mark: RunnerMark | None = None,
        create: Session | None = None,
    ) -> Appended:
        return await self._writer.append(Order(session_id, tuple(drafts), mark, create))

    async def save_runner(self, run_id: str, session_id: SessionId, handle: str) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute(
                "INSERT INTO runners (id, session_id, handle) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET session_id = excluded.session_id, handle = excluded.handle",
                (run_id, session_id, handle),
            )
            return Done(None)

        await self._writer.run(work)

    async def runners(self) -> list[tuple[str, SessionId, str, int]]:
        return await self._readers.run(
            lambda connection: connection.execute(
                "SELECT id, session_id, handle, consumed FROM runners ORDER BY rowid"
            ).fetchall()
        )

    async def forget_runner(self, run_id: str) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM runners WHERE id = ?", (run_id,))
            return Done(None)

        await self._writer.run(work)

    # --- reading

    def subscribe(self, session_id: SessionId | None = None, *, bound: int = 256) -> Subscription:
        return self._bus.subscribe(session_id, bound=bound)

    async def session(self, session_id: SessionId) -> Session | None:
        known = self._writer.known(session_id)
        if known is not None:
            return known

        def query(connection: sqlite3.Connection) -> Session | None:
            return _one_session(connection, session_id)

        return await self._readers.run(query)

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
        source = SOURCE if worktree_id is None else OF_ONE_WORKTREE
        conditions, values = ["t.archived = ?"], []
        if worktree_id is not None:
            conditions.append("s.worktree_id = ?")
            values.append(worktree_id)
        if status is not None:
            conditions.append("t.status = ?")
            values.append(status)
        if cursor is not None:
            conditions.append("(t.updated_ms, t.session) < (?, ?)")
            values += key_of(cursor, int, int)  # type: ignore[arg-type]  # a key's parts, for the two marks
        statement = (
            f"SELECT t.updated_ms, t.session, {COLUMNS} FROM {source} "  # noqa: S608  # own words
            f"WHERE {' AND '.join(conditions)} ORDER BY t.updated_ms DESC, t.session DESC LIMIT ?"
        )
        # Both kinds at once would need an index of their own: two short lists are merged instead.
        kinds = (False, True) if archived is None else (archived,)

        def query(connection: sqlite3.Connection) -> Page[Session]:
            rows: list[tuple[Any, ...]] = []
            for kind in kinds:
                rows += connection.execute(statement, (int(kind), *values, size + 1))
            rows.sort(key=lambda row: row[:2], reverse=True)
            page = rows[:size]
            items = tuple(_SESSIONS.validate_json(_list(json_of(row[2:]) for row in page)))
            return Page(items=items, next=cursor_of(*page[-1][:2]) if len(rows) > size else None)

        return await self._readers.run(query)

    async def task(self, task_id: TaskId) -> Task | None:
        def query(connection: sqlite3.Connection) -> Task | None:
            row = connection.execute(
                "SELECT t.body, json_extract(s.body, '$.queue') FROM tasks AS t "
                "JOIN sessions AS s ON s.number = t.session WHERE t.id = ?",
                (task_id,),
            ).fetchone()
            return placed(Task.model_validate_json(row[0]), json.loads(row[1])) if row else None

        return await self._readers.run(query)

    async def tasks(
        self, session_id: SessionId, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Task]:
        size = page_size(limit)
        after = key_of(cursor, int)[0] if cursor is not None else 0

        def query(connection: sqlite3.Connection) -> Page[Task]:
            # One statement, so that the tasks and the queue are of one moment.
            rows = connection.execute(
                "SELECT t.queued_seq, t.body, json_extract(s.body, '$.queue') FROM tasks AS t "
                "JOIN sessions AS s ON s.number = t.session "
                "WHERE s.id = ? AND t.queued_seq > ? ORDER BY t.queued_seq LIMIT ?",
                (session_id, after, size + 1),
            ).fetchall()
            page = rows[:size]
            queue = json.loads(page[0][2]) if page else []
            items = tuple(placed(task, queue) for task in _TASKS.validate_json(_list(row[1] for row in page)))
            return Page(items=items, next=cursor_of(page[-1][0]) if len(rows) > size else None)

        return await self._readers.run(query)

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
        if limit <= 0:
            return []
        conditions = ["s.id = ?", "e.seq > ?"]
        values: list[object] = [session_id, after_seq]
        if before_seq is not None:
            conditions.append("e.seq < ?")
            values.append(before_seq)
        if task_id is not None:
            # A task's events begin where it was queued: that spares the index of all events by task.
            conditions += ["e.task_id = ?", "e.seq >= ifnull((SELECT queued_seq FROM tasks WHERE id = ?), 0)"]
            values += [task_id, task_id]
        statement = (
            f"{_EVENT} sessions AS s JOIN events AS e ON e.session = s.number "
            f"WHERE {' AND '.join(conditions)} ORDER BY e.seq {'DESC' if newest else 'ASC'} LIMIT ?"
        )

        def query(connection: sqlite3.Connection) -> list[SessionEvent]:
            rows = connection.execute(statement, (*values, limit)).fetchall()
            return _events(reversed(rows) if newest else rows)

        return await self._readers.run(query)

    async def read_workspace(self, *, after_seq: int = 0, limit: int = 500) -> list[WorkspaceEvent]:
        def query(connection: sqlite3.Connection) -> list[WorkspaceEvent]:
            rows = connection.execute(
                "SELECT body FROM workspace_events WHERE seq > ? ORDER BY seq LIMIT ?",
                (after_seq, max(0, limit)),
            ).fetchall()
            return _WORKSPACE.validate_json(_list(row[0] for row in rows))

        return await self._readers.run(query)

    async def request(self, request_id: RequestId) -> SessionEvent | None:
        return await self._first(f"{_REQUEST} r.asked_seq WHERE r.id = ?", request_id)

    async def resolution(self, request_id: RequestId) -> SessionEvent | None:
        return await self._first(f"{_REQUEST} r.resolved_seq WHERE r.id = ?", request_id)

    async def pending(self) -> list[SessionEvent]:
        statement = f"{_REQUEST} r.asked_seq WHERE r.resolved_seq IS NULL ORDER BY r.number"
        return await self._readers.run(lambda connection: _events(connection.execute(statement)))

    async def _first(self, statement: str, name: str) -> SessionEvent | None:
        found = await self._readers.run(lambda connection: _events(connection.execute(statement, (name,))))
        return found[0] if found else None


def _one_session(connection: sqlite3.Connection, session_id: SessionId) -> Session | None:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {SOURCE} WHERE s.id = ?",  # noqa: S608  # own words
        (session_id,),
    ).fetchone()
    return Session.model_validate_json(json_of(row)) if row else None


def _list(bodies: Iterable[str]) -> str:
    """Join JSON texts into one, which is validated in one go."""
    return f"[{','.join(bodies)}]"


def _events(rows: Iterable[Sequence[Any]]) -> list[SessionEvent]:
    return _EVENTS.validate_json(
        _list(
            f'{{"session_id":{json.dumps(session_id)},"seq":{seq},"at_ms":{at_ms},'
            f'"task_id":{json.dumps(task_id)},"update":{body}}}'
            for session_id, seq, at_ms, task_id, body in rows
        )
    )
