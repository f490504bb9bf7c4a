"""A small pool of threads, each with a read-only connection: reads never run on the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from agor_jupyter.domain.errors import Conflict, DamagedDatabase, InvalidRequest
from agor_jupyter.store.database import open_reader, translated

T = TypeVar("T")

Query = Callable[[sqlite3.Connection], T]
THREADS = 3


class Readers:
    """Runs queries. Each sees all that was committed before it began."""

    def __init__(self, path: Path, threads: int = THREADS) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="agor-read")
        self._own = threading.local()
        self._closed = False
        self._opened: list[sqlite3.Connection] = []
        self._opening = threading.Lock()

    async def run(self, query: Query[T]) -> T:
        if self._closed:
            raise Conflict("The server is stopping.", hint="Try again once it is back.")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._query, query)

    def run_now(self, query: Query[T]) -> T:
        """Run a query and wait for it. Blocks: for what must be known before there is a loop."""
        return self._pool.submit(self._query, query).result()

    def _query(self, query: Query[T]) -> T:
        try:
            return query(self._connection())
        except sqlite3.Error as error:
            raise translated(error) from error
        except (ValidationError, UnicodeDecodeError) as error:
            # Only what is stored is parsed in a query. The words of it are nobody's to read in a log.
            raise DamagedDatabase(
                "A stored record cannot be read.",
                hint="Stop the server and restore agor.db from a backup.",
            ) from error
        except (UnicodeEncodeError, OverflowError) as error:
            # Half a surrogate pair, or a number beyond 64 bits: nothing is stored under it.
            raise InvalidRequest("The database cannot hold a value that was sent.") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = open_reader(self._path)
            self._own.connection = connection
            with self._opening:
                self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Wait for the queries under way, then close all connections. Blocks: call it in a thread."""
        self._closed = True
        self._pool.shutdown(wait=True)
        with self._opening:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
