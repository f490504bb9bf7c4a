"""Opening: privacy, versions, migrations, and files that must not be touched."""

from __future__ import annotations

import random
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import AgorError, DamagedDatabase, NetworkFolder, NewerDatabase
from agor_jupyter.store.database import check_readable, open_writer
from agor_jupyter.store.folder import DataLock, file_system_of, make_private
from agor_jupyter.store.opening import open_store
from agor_jupyter.store.schema import STEPS
from agor_jupyter.store.session_rows import COLUMNS, OF_ONE_WORKTREE, SOURCE
from tests.store.making import open_session, said, session_id


async def filled(folder: Path) -> Path:
    """Make a database of some pages, closed in order."""
    store = open_store(folder)
    await open_session(store.log)
    for _ in range(20):
        await store.log.append(session_id(), [said("words " * 200)] * 5)
    await store.close()
    return folder / "agor.db"


async def test_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    store = open_store(folder)
    await open_session(store.log)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in folder.iterdir()}
    assert {"agor.db", "agor.db-wal", "agor.db-shm", "lock"} <= set(names)
    assert set(names.values()) == {0o600}
    await store.close()


async def test_durable_settings(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "agor.db")) as connection:
        values = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        ]
    assert values == ["wal", 2, 1, len(STEPS)]


async def test_lists_go_by_an_index(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "agor.db")) as connection:

        def plan(source: str, where: str) -> str:
            rows = connection.execute(
                f"EXPLAIN QUERY PLAN SELECT {COLUMNS} FROM {source} WHERE t.archived = 0 {where} "
                "ORDER BY t.updated_ms DESC, t.session DESC LIMIT 100"
            )
            return " ".join(row[3] for row in rows)

        first = plan(SOURCE, "")
        assert "tails_by_update" in first
        assert "TEMP B-TREE" not in first
        assert "tails_by_status" in plan(SOURCE, "AND t.status = 'idle'")
        assert "sessions_by_worktree" in plan(OF_ONE_WORKTREE, "AND s.worktree_id = 'x'")


async def test_a_newer_database_is_refused_and_never_touched(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerDatabase) as raised:
        open_store(tmp_path)
    assert "Upgrade" in raised.value.hint
    assert path.read_bytes() == before
    # The folder is free again for the server that can read it.
    lock = DataLock(tmp_path)
    assert lock.acquire()
    lock.release()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage(path: Path) -> None:
    path.write_bytes(b"this was never a database" * 100)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # The headers of all pages but the first: whatever is stored there, its tree is broken.
    for page in range(4096, len(content), 4096):
        content[page] ^= 0xFF
    path.write_bytes(bytes(content))


def cross(path: Path) -> None:
    content = bytearray(path.read_bytes())
    # In each leaf two entries point to one cell: SQLite opens it without a word, only a check sees it.
    for page in range(4096, 10 * 4096, 4096):
        if content[page] in (10, 13):
            content[page + 8 : page + 10] = content[page + 10 : page + 12]
    path.write_bytes(bytes(content))


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE holidays (day TEXT)")
        connection.commit()


@pytest.mark.parametrize("harm", [cut, garbage, flip, cross, foreign])
async def test_a_damaged_database_is_said_copied_and_left(tmp_path: Path, harm: object) -> None:
    path = await filled(tmp_path)
    assert callable(harm)
    harm(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(DamagedDatabase) as raised:
            open_store(tmp_path)
        assert raised.value.hint
    assert path.read_bytes() == before
    copies = list(tmp_path.glob("agor.db.damaged-*"))
    assert [copy.read_bytes() for copy in copies] == [before]
    assert stat.S_IMODE(copies[0].stat().st_mode) == 0o600
    path.unlink()
    store = open_store(tmp_path)
    await open_session(store.log)
    await store.close()


async def test_any_flipped_bit_is_a_clear_error_or_harmless(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    whole = path.read_bytes()
    dice = random.Random(7)
    for number in range(60):
        content = bytearray(whole)
        for _ in range(1 + number % 4):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(content))
        try:
            store = open_store(tmp_path)
        except AgorError:
            assert path.read_bytes() == bytes(content)
            continue
        try:
            await store.log.sessions()
            await store.log.read(session_id())
        except AgorError:
            pass  # a flipped letter of the JSON itself: said when it is read
        finally:
            await store.close()


async def test_migrations_go_step_by_step_with_a_backup(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    later = (*STEPS, ("CREATE TABLE extra (a INTEGER)", "INSERT INTO extra VALUES (1)"))
    with closing(open_writer(path, later)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(STEPS) + 1
        assert connection.execute("SELECT a FROM extra").fetchall() == [(1,)]
    backup = path.with_name(f"agor.db.v{len(STEPS)}.backup")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(STEPS)
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == 101
    with pytest.raises(NewerDatabase):
        open_writer(path)


async def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    broken = (*STEPS, ("CREATE TABLE extra (a INTEGER)", "THIS IS NOT SQL"))
    with pytest.raises(AgorError):
        open_writer(path, broken)
    with closing(open_writer(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(STEPS)
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []


async def test_a_reader_refuses_another_schema(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    check_readable(path)
    with pytest.raises(NewerDatabase, match="older version"):
        check_readable(path, known=len(STEPS) + 1)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs", "NFS"])
def test_network_file_systems_are_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "home" / "agor"
    mounts = [("/", "ext4"), (str(tmp_path / "home"), kind), (str(tmp_path), "ext4")]
    with pytest.raises(NetworkFolder) as raised:
        make_private(folder, lambda: mounts)
    assert "AgorApp.data_dir" in raised.value.hint
    assert raised.value.problem()["trait"] == "AgorApp.data_dir"
    assert not folder.exists()


def test_local_file_systems_are_fine(tmp_path: Path) -> None:
    mounts = [("/", "nfs"), (str(tmp_path), "ext4"), (str(tmp_path / "a"), "nfs")]
    assert file_system_of(tmp_path / "ab", lambda: mounts) == "ext4"
    make_private(tmp_path / "ab" / "c", lambda: mounts)
    assert stat.S_IMODE((tmp_path / "ab" / "c").stat().st_mode) == 0o700
    # Of two mounts on one point the later is seen.
    assert file_system_of(tmp_path, lambda: [*mounts, (str(tmp_path), "nfs")]) == "nfs"
    assert file_system_of(tmp_path) != ""


def test_the_lock_is_taken_once_and_given_back(tmp_path: Path) -> None:
    first, second = DataLock(tmp_path), DataLock(tmp_path)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert second.holder().startswith("the process ")
    first.release()
    first.release()
    assert second.acquire()
    second.release()
