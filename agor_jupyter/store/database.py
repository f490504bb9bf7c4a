"""Opening the database: checks that come before any write, pragmas, and migrations.

A file that is newer than this version, damaged, or another program's is looked at through a
read-only connection and left byte for byte as it is. Not here: who may write (`folder.DataLock`)
and what is written (`writer`).
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from agor_jupyter.domain.errors import AgorError, DamagedDatabase, NewerDatabase, StorageFull, TimedOut
from agor_jupyter.store.schema import STEPS, Step

BUSY_SECONDS = 5.0
CHECK_LIMIT = 64 * 2**20
"""Up to this size the whole file is checked at each start (well below a second)."""

_MAGIC = b"SQLite format 3\x00"
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def open_writer(path: Path, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Open the database for its one writer: make it, or check it and bring it up to date.

    Raises `NewerDatabase`, `DamagedDatabase` (a copy is kept beside it), `StorageFull`.
    """
    if path.exists() and path.stat().st_size > 0:
        version = _probe(path, len(steps))
    else:
        # Made by us, so that it is private from its first byte on; SQLite's -wal and -shm take its mode.
        _touch_private(path)
        version = 0
    path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: else the disk may still hold it in its cache
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -16384")
        if 0 < version < len(steps):
            _back_up(connection, path.with_name(f"{path.name}.v{version}.backup"))
        _migrate(connection, version, steps)
    except sqlite3.Error as error:
        connection.close()
        raise translated(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write. It may be used from any one thread at a time."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def check_readable(path: Path, known: int = len(STEPS)) -> None:
    """For a server that only reads: raise unless the file has exactly the schema we know."""
    version = _probe(path, known) if path.exists() and path.stat().st_size > 0 else 0
    if version != known:
        raise NewerDatabase(
            f"Another server uses {path} with an older version of agor-jupyter "
            f"(schema {version}, not {known}).",
            hint="Stop that server, then start this one again: it brings the database up to date.",
            path=str(path),
            found=version,
            known=known,
        )


def translated(error: sqlite3.Error) -> AgorError:
    """Say in the house's words what SQLite refused. Its primary code is the low byte."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL:
        return StorageFull(
            f"The disk took no more data: {error}.",
            hint="Free some space on the disk of AgorApp.data_dir; what was stored is safe and can be read.",
        )
    if code in _DAMAGED or any(word in str(error) for word in ("malformed", "decode")):
        return DamagedDatabase(
            f"The database is damaged: {error}.",
            hint="Stop the server and restore agor.db from a backup.",
        )
    if code in _BUSY:
        return TimedOut(
            "Another program holds the database.",
            hint="Close whatever has agor.db open for writing, then try again.",
        )
    return AgorError(f"The database refused: {error}.")


def _probe(path: Path, known: int) -> int:
    """Give the schema's version after having looked, without a write, whether the file may be used."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise _damaged(path, "it is not an SQLite database")
        with closing(open_reader(path)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > known:
                raise NewerDatabase(
                    f"{path} was written by a newer version of agor-jupyter (schema {version}; this one "
                    f"knows {known}).",
                    hint="Upgrade agor-jupyter, or set AgorApp.data_dir to another folder.",
                    path=str(path),
                    found=version,
                    known=known,
                )
            if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise _damaged(path, "it is the database of another program")
            if path.stat().st_size <= CHECK_LIMIT:
                verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise _damaged(path, verdict)
    except UnicodeDecodeError as error:
        # SQLite's own words quote the damaged bytes.
        raise _damaged(path, "its schema cannot be read") from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED or code == sqlite3.SQLITE_ERROR:
            raise _damaged(path, str(error)) from error
        raise translated(error) from error
    return version


def _damaged(path: Path, why: str) -> DamagedDatabase:
    copy = _keep_copy(path)
    kept = f"A copy was kept as {copy.name}. " if copy else ""
    backups = sorted(found.name for found in path.parent.glob(f"{path.name}.v*.backup"))
    older = f" Older backups: {', '.join(backups)}." if backups else ""
    return DamagedDatabase(
        f"{path} cannot be used: {why}. It was left as it is.",
        hint=f"{kept}Restore {path.name} from a backup, or move it (with its -wal file) away to begin anew."
        f"{older}",
        path=str(path),
        copy=str(copy) if copy else None,
    )


def _keep_copy(path: Path) -> Path | None:
    """Copy a damaged file (once for each state of it), so that no attempt at a repair loses it."""
    state = path.stat()
    copy = path.with_name(f"{path.name}.damaged-{state.st_mtime_ns:x}-{state.st_size:x}")
    if copy.exists():
        return copy
    try:
        _copy_private(path, copy)
        wal = path.with_name(f"{path.name}-wal")
        if wal.exists() and wal.stat().st_size > 0:
            _copy_private(wal, copy.with_name(f"{copy.name}-wal"))
    except OSError:
        copy.unlink(missing_ok=True)
        return None
    return copy


def _copy_private(source: Path, target: Path) -> None:
    _touch_private(target)
    shutil.copyfile(source, target)


def _touch_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"{path} cannot be made: the disk is full.", hint="Free some space.") from error
        raise


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the whole database, as of its last commit. A half-made copy never gets the name."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    _touch_private(part)
    with closing(sqlite3.connect(part)) as copy:
        connection.backup(copy)
    part.replace(target)


def _migrate(connection: sqlite3.Connection, version: int, steps: Sequence[Step]) -> None:
    """Take the steps that are missing, each whole or not at all."""
    for number in range(version, len(steps)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in steps[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
