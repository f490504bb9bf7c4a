"""Opening the store of a data folder, for writing or, behind another server, for reading only."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.ports import Clock
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.database import check_readable, open_writer
from agor_jupyter.store.event_log import SqliteEventLog
from agor_jupyter.store.facade import Store
from agor_jupyter.store.folder import DataLock, make_private
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.records import SqliteRecords
from agor_jupyter.store.seal import Seal
from agor_jupyter.store.tokens import SqliteTokens
from agor_jupyter.store.wall_clock import wall_clock
from agor_jupyter.store.writer import Writer

DATABASE = "agor.db"
KEY = "credentials.key"
"""Beside the database, and never in it: a copy of the one without the other tells no credential."""

FIRST_START_SECONDS = 5.0
"""How long a second server waits for the first one to have made the database."""


def open_store(data_dir: Path, *, clock: Clock = wall_clock) -> Store:
    """Open the store in `data_dir`, making it if need be. Blocks: on a running loop, use a thread.

    While another process holds the folder the store is read-only: `read_only` says why, reads
    work, each write raises `ReadOnly`, and subscriptions stay silent. Raises `NetworkFolder`,
    `NewerDatabase`, `DamagedDatabase`, `StorageFull`; then nothing is held or changed.
    """
    make_private(data_dir)
    path = data_dir / DATABASE
    lock = DataLock(data_dir)
    bus = Bus()
    if not lock.acquire():
        reason = f"{lock.holder()} holds {data_dir}."
        _wait_readable(path)
        return _assemble(Writer(None, bus, reason), path, bus, lock, clock, reason)
    try:
        connection = open_writer(path)
    except BaseException:
        lock.release()
        raise
    return _assemble(Writer(connection, bus), path, bus, lock, clock, "")


def look_into(data_dir: Path, *, clock: Clock = wall_clock) -> Store:
    """Open the store for reading only, beside whatever server holds the folder, without its lock."""
    path = data_dir / DATABASE
    check_readable(path)
    bus = Bus()
    reason = "This is a look from outside."
    return _assemble(Writer(None, bus, reason), path, bus, DataLock(data_dir), clock, reason)


def _wait_readable(path: Path) -> None:
    """The first server may still be making the database: give it a moment."""
    deadline = time.monotonic() + FIRST_START_SECONDS
    while True:
        try:
            return check_readable(path)
        except AgorError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _assemble(writer: Writer, path: Path, bus: Bus, lock: DataLock, clock: Clock, reason: str) -> Store:
    readers = Readers(path)

    async def close() -> None:
        # Readers first: the last connection to close folds the write-ahead log back into the file.
        await asyncio.to_thread(readers.close)
        await asyncio.to_thread(writer.stop)
        lock.release()

    records = SqliteRecords(writer, readers, clock, Seal(path.with_name(KEY)))
    return Store(
        log=SqliteEventLog(writer, readers, bus),
        records=records,
        tokens=SqliteTokens(writer, readers, clock),
        bus=bus,
        read_only=reason,
        boards_now=records.boards_now,
        on_close=close,
    )
