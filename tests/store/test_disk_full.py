"""A full disk: callers are told, reads go on, nothing is torn, and the same process recovers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import StorageFull
from agor_jupyter.store.opening import open_store
from tests import disks
from tests.disks import fill
from tests.store.making import ADA, board, open_session, said, seqs, session_id


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with disks.small_disk(6) as place:
        yield place


async def test_a_full_disk_is_said_and_survived(small_disk: Path) -> None:
    filler = small_disk / "filler"
    folder = small_disk / "data"
    store = open_store(folder)
    await open_session(store.log)
    filler.write_bytes(b"x" * 3_000_000)
    acked = [1]
    with pytest.raises(StorageFull) as raised:
        for _ in range(2000):
            appended = await store.log.append(session_id(), [said("y" * 4000)])
            acked += seqs(appended.events)
    assert raised.value.status == 507
    assert raised.value.hint
    assert len(acked) > 100
    # Reads go on, and hold what was acknowledged and no more.
    assert seqs(await store.log.read(session_id(), limit=10_000)) == acked
    record = await store.log.session(session_id())
    assert record is not None
    assert record.last_seq == acked[-1]
    with pytest.raises(StorageFull):
        await store.records.keep_snapshot("room", b"z" * 4_000_000)
    filler.unlink()
    # The same process goes on, where it was.
    appended = await store.log.append(session_id(), [said("again")])
    assert seqs(appended.events) == [acked[-1] + 1]
    await store.records.boards.put(board(), by=ADA)
    await store.close()
    with closing(sqlite3.connect(folder / "agor.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


async def test_no_room_for_a_database_at_all(small_disk: Path) -> None:
    folder = small_disk / "data"
    folder.mkdir()
    fill(small_disk)
    with pytest.raises(StorageFull):
        open_store(folder)
    (small_disk / "filler").unlink()
    store = open_store(folder)
    assert store.read_only == ""
    await open_session(store.log)
    await store.close()


async def test_a_server_that_starts_on_a_full_disk_says_so(small_disk: Path) -> None:
    folder = small_disk / "data"
    store = open_store(folder)
    await open_session(store.log)
    await store.close()
    fill(small_disk)
    with pytest.raises(StorageFull):
        open_store(folder)
    (small_disk / "filler").unlink()
    store = open_store(folder)
    assert seqs(await store.log.read(session_id())) == [1]
    await store.close()
