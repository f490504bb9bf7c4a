"""`Records` in SQLite: nouns with their workspace events, answers, room snapshots, settings."""

from __future__ import annotations

import sqlite3
from typing import Any, Generic, cast

from pydantic import TypeAdapter

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Answer, Clock, OwnServers, Page, Table, Vault, WorkspaceAppended
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.store.answers import KEPT_MS, require_same
from agor_jupyter.store.nouns import T, Thing, Verb, noun_of, workspace_event
from agor_jupyter.store.own_servers import SqliteOwnServers
from agor_jupyter.store.paging import cursor_of, filters_of, key_of, page_size
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.seal import Seal
from agor_jupyter.store.vault import SqliteVault
from agor_jupyter.store.writer import Done, Writer


def _say(
    connection: sqlite3.Connection, at_ms: int, verb: Verb, thing: Thing, by: UserId
) -> WorkspaceAppended:
    """Write a workspace event. There is one writer, so the next number is nobody else's."""
    last = connection.execute("SELECT ifnull(max(seq), 0) FROM workspace_events").fetchone()[0]
    event = workspace_event(last + 1, at_ms, verb, thing, by)
    connection.execute(
        "INSERT INTO workspace_events (seq, body) VALUES (?, ?)", (event.seq, event.model_dump_json())
    )
    return WorkspaceAppended(events=(event,))


class SqliteTable(Generic[T]):
    """`Table` of one noun. The names in its statements are ours or were checked to be fields."""

    def __init__(self, kind: type[T], writer: Writer, readers: Readers, clock: Clock) -> None:
        self._kind = kind
        self._name = f"{noun_of(kind)}s"
        self._many: TypeAdapter[list[T]] = TypeAdapter(list[kind])  # type: ignore[valid-type]  # a class at run time
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def get(self, id: str) -> T | None:
        return await self._readers.run(lambda connection: self._get(connection, id))

    def every_now(self) -> tuple[T, ...]:
        """Give all of them, in the order they were made. Blocks."""
        statement = f"SELECT body FROM {self._name} ORDER BY number"  # noqa: S608  # our own name

        def query(connection: sqlite3.Connection) -> tuple[T, ...]:
            rows = connection.execute(statement).fetchall()
            return tuple(self._many.validate_json(f"[{','.join(row[0] for row in rows)}]"))

        return self._readers.run_now(query)

    async def list(self, *, limit: int = 100, cursor: str | None = None, **where: str | None) -> Page[T]:
        size = page_size(limit)
        after = key_of(cursor, int)[0] if cursor is not None else 0
        conditions, values = ["number > ?"], [after]
        for name, wanted in filters_of(self._kind, where).items():
            conditions.append(f"json_extract(body, '$.{name}') = ?")
            values.append(self._stored_form(name, wanted))
        statement = (
            f"SELECT number, body FROM {self._name} WHERE {' AND '.join(conditions)} "  # noqa: S608  # checked names
            "ORDER BY number LIMIT ?"
        )

        def query(connection: sqlite3.Connection) -> Page[T]:
            rows = connection.execute(statement, (*values, size + 1)).fetchall()
            page = rows[:size]
            items = tuple(self._many.validate_json(f"[{','.join(row[1] for row in page)}]"))
            return Page(items=items, next=cursor_of(page[-1][0]) if len(rows) > size else None)

        return await self._readers.run(query)

    async def put(self, thing: T, *, by: UserId) -> T:
        body = thing.model_dump_json()

        def work(connection: sqlite3.Connection) -> Done[T]:
            changed = connection.execute(
                f"UPDATE {self._name} SET body = ? WHERE id = ?",  # noqa: S608  # our own name
                (body, thing.id),
            )
            verb: Verb = "updated" if changed.rowcount else "created"
            if verb == "created":
                connection.execute(
                    f"INSERT INTO {self._name} (id, body) VALUES (?, ?)",  # noqa: S608  # our own name
                    (thing.id, body),
                )
            return Done(thing, _say(connection, self._clock(), verb, thing, by))

        return await self._writer.run(work)

    async def delete(self, id: str, *, by: UserId) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            thing = self._get(connection, id)
            if thing is None:
                return Done(None)
            connection.execute(f"DELETE FROM {self._name} WHERE id = ?", (id,))  # noqa: S608  # our own name
            return Done(None, _say(connection, self._clock(), "deleted", thing, by))

        await self._writer.run(work)

    def _get(self, connection: sqlite3.Connection, id: str) -> T | None:
        row = connection.execute(
            f"SELECT body FROM {self._name} WHERE id = ?",  # noqa: S608  # our own name
            (id,),
        ).fetchone()
        return cast(T, self._kind.model_validate_json(row[0])) if row else None

    def _stored_form(self, name: str, wanted: str) -> int | str:
        """Write a filter as json_extract gives the field: a truth as 0 or 1, a number as one."""
        kind = self._kind.model_fields[name].annotation
        if kind is bool and wanted in ("true", "false"):
            return int(wanted == "true")
        if kind is int and wanted.isdecimal() and len(wanted) < 19:
            return int(wanted)
        return wanted


class SqliteRecords:
    """`Records` of a data folder."""

    def __init__(self, writer: Writer, readers: Readers, clock: Clock, seal: Seal) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._vault = SqliteVault(writer, readers, clock, seal)
        self._own_servers = SqliteOwnServers(writer, readers)
        self._repos = SqliteTable(Repo, writer, readers, clock)
        self._worktrees = SqliteTable(Worktree, writer, readers, clock)
        self._boards = SqliteTable(Board, writer, readers, clock)

    @property
    def vault(self) -> Vault:
        return self._vault

    @property
    def own_servers(self) -> OwnServers:
        return self._own_servers

    @property
    def repos(self) -> Table[Repo]:
        return self._repos

    @property
    def worktrees(self) -> Table[Worktree]:
        return self._worktrees

    @property
    def boards(self) -> Table[Board]:
        return self._boards

    def boards_now(self) -> tuple[Board, ...]:
        """Give all boards. Blocks: for the start of a server, before its loop runs."""
        return self._boards.every_now()

    async def answer_of(self, actor: UserId, key: str) -> Answer | None:
        row = await self._row(
            "SELECT status, body FROM answers WHERE actor = ? AND key = ? AND at_ms > ?",
            (actor, key, self._clock() - KEPT_MS),
        )
        return Answer(row[0], row[1]) if row else None

    async def fingerprint_of(self, actor: UserId, key: str) -> str | None:
        row = await self._row(
            "SELECT fingerprint FROM answers WHERE actor = ? AND key = ? AND at_ms > ?",
            (actor, key, self._clock() - KEPT_MS),
        )
        return row[0] if row else None

    async def keep_answer(self, actor: UserId, key: str, fingerprint: str, answer: Answer) -> None:
        now = self._clock()

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM answers WHERE at_ms <= ?", (now - KEPT_MS,))
            kept = connection.execute(
                "SELECT fingerprint FROM answers WHERE actor = ? AND key = ?", (actor, key)
            ).fetchone()
            if kept is not None:
                require_same(kept[0], fingerprint)
                return Done(None)
            connection.execute(
                "INSERT INTO answers (actor, key, fingerprint, status, body, at_ms) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (actor, key, fingerprint, answer.status, answer.body, now),
            )
            return Done(None)

        await self._writer.run(work)

    async def snapshot(self, room_id: str) -> bytes | None:
        row = await self._row("SELECT content FROM snapshots WHERE room_id = ?", (room_id,))
        return row[0] if row else None

    async def keep_snapshot(self, room_id: str, update: bytes) -> None:
        await self._write(
            "INSERT INTO snapshots (room_id, content) VALUES (?, ?) "
            "ON CONFLICT (room_id) DO UPDATE SET content = excluded.content",
            (room_id, update),
        )

    async def setting(self, user: UserId, name: str) -> str | None:
        row = await self._row("SELECT value FROM settings WHERE user = ? AND name = ?", (user, name))
        return row[0] if row else None

    async def keep_setting(self, user: UserId, name: str, value: str) -> None:
        await self._write(
            "INSERT INTO settings (user, name, value) VALUES (?, ?, ?) "
            "ON CONFLICT (user, name) DO UPDATE SET value = excluded.value",
            (user, name, value),
        )

    async def _row(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        return await self._readers.run(lambda connection: connection.execute(statement, values).fetchone())

    async def _write(self, statement: str, values: tuple[object, ...]) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute(statement, values)
            return Done(None)

        await self._writer.run(work)
