"""`OwnServers` in SQLite. No workspace event is written: they concern their owner alone."""

from __future__ import annotations

import sqlite3

from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.writer import Done, Writer


class SqliteOwnServers:
    """The MCP servers of a data folder's people."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def get(self, id: str) -> OwnServer | None:
        row = await self._readers.run(
            lambda connection: connection.execute(
                "SELECT body FROM own_servers WHERE id = ?", (id,)
            ).fetchone()
        )
        return OwnServer.model_validate_json(row[0]) if row else None

    async def of(self, owner: UserId) -> tuple[OwnServer, ...]:
        rows = await self._readers.run(
            lambda connection: connection.execute(
                "SELECT body FROM own_servers WHERE owner = ? ORDER BY number", (owner,)
            ).fetchall()
        )
        return tuple(OwnServer.model_validate_json(row[0]) for row in rows)

    async def put(self, server: OwnServer) -> None:
        row = (server.id, server.owner, server.model_dump_json())

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute(
                "INSERT INTO own_servers (id, owner, body) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                row,
            )
            return Done(None)

        await self._writer.run(work)

    async def delete(self, id: str) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM own_servers WHERE id = ?", (id,))
            return Done(None)

        await self._writer.run(work)
