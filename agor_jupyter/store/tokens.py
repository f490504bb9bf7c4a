"""`TokenIssuer` in SQLite: scoped tokens, of which only the digest is kept."""

from __future__ import annotations

import sqlite3
from hmac import compare_digest

from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Clock
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.secret import digest_of, new_token
from agor_jupyter.store.writer import Done, Writer


class SqliteTokens:
    """Mints and checks tokens. A minted token outlives the server; revoke it."""

    def __init__(self, writer: Writer, readers: Readers, clock: Clock) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def mint(self, user: UserId, purpose: str) -> str:
        token = new_token()
        row = (digest_of(token), user, purpose, self._clock())

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute(
                "INSERT INTO tokens (digest, user, purpose, created_ms) VALUES (?, ?, ?, ?)", row
            )
            return Done(None)

        await self._writer.run(work)
        return token

    async def check(self, token: str) -> UserId | None:
        digest = digest_of(token)
        row = await self._readers.run(
            lambda connection: connection.execute(
                "SELECT digest, user FROM tokens WHERE digest = ?", (digest,)
            ).fetchone()
        )
        return UserId(row[1]) if row and compare_digest(row[0], digest) else None

    async def revoke(self, token: str) -> None:
        digest = digest_of(token)

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM tokens WHERE digest = ?", (digest,))
            return Done(None)

        await self._writer.run(work)

    async def revoke_all(self, purpose: str) -> None:
        """Revoke every token of a purpose: those that a killed server left behind."""

        def work(connection: sqlite3.Connection) -> Done[None]:
            connection.execute("DELETE FROM tokens WHERE purpose = ?", (purpose,))
            return Done(None)

        await self._writer.run(work)
