"""`Vault` in SQLite: what is written there is sealed before it comes near the database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable

from agor_jupyter.domain.credential import Credential
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Clock
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.seal import Seal
from agor_jupyter.store.writer import Done, Writer


class SqliteVault:
    """The credentials of a data folder."""

    def __init__(self, writer: Writer, readers: Readers, clock: Clock, seal: Seal) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._seal = seal

    async def listed(self, user: UserId) -> tuple[Credential, ...]:
        rows = await self._readers.run(
            lambda connection: connection.execute(
                "SELECT name, set_ms FROM credentials WHERE user = ? ORDER BY name", (user,)
            ).fetchall()
        )
        return tuple(Credential(name=name, set_ms=set_ms) for name, set_ms in rows)

    async def seal(self, user: UserId, name: str, value: str) -> None:
        stored = await self._readers.run(
            lambda connection: connection.execute("SELECT 1 FROM credentials LIMIT 1").fetchone()
        )
        sealed = await asyncio.to_thread(self._seal.close_up, user, name, value, first=stored is None)
        now = self._clock()

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute(
                "INSERT INTO credentials (user, name, sealed, set_ms) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (user, name) DO UPDATE SET sealed = excluded.sealed, set_ms = excluded.set_ms",
                (user, name, sealed, now),
            )
            return Done(None)

        await self._writer.run(work)

    async def unseal(self, user: UserId, names: Iterable[str]) -> dict[str, str]:
        wanted = set(names)
        rows = await self._readers.run(
            lambda connection: connection.execute(
                "SELECT name, sealed FROM credentials WHERE user = ?", (user,)
            ).fetchall()
        )
        chosen = [(name, sealed) for name, sealed in rows if name in wanted]
        if not chosen:
            return {}  # whoever has set nothing is not stopped by a key that is lost

        def opened() -> dict[str, str]:
            return {name: self._seal.open(user, name, sealed) for name, sealed in chosen}

        return await asyncio.to_thread(opened)

    async def forget(self, user: UserId, name: str) -> None:
        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM credentials WHERE user = ? AND name = ?", (user, name))
            return Done(None)

        await self._writer.run(work)
