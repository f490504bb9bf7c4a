"""The data folder: private to its owner, on a local disk, and held by one server at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from agor_jupyter.domain.errors import NetworkFolder

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "davfs", "gpfs", "glusterfs", "lustre", "ncpfs",
        "nfs", "nfs4", "orangefs", "pvfs2", "smb2", "smb3", "smbfs", "webdav",
        "fuse.ceph", "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
    }
)  # fmt: skip
"""Where one machine does not see another's locks or shared memory: WAL would lose data there."""

Mounts = Callable[[], Iterable[tuple[str, str]]]


def _mounts() -> list[tuple[str, str]]:
    return [(entry.mountpoint, entry.fstype) for entry in psutil.disk_partitions(all=True)]


def file_system_of(folder: Path, mounts: Mounts = _mounts) -> str:
    """Name the type of the file system that holds `folder` (which need not exist yet)."""
    place = folder.resolve()
    kind, depth = "", -1
    for mountpoint, fstype in mounts():
        mounted = Path(mountpoint)
        # Of two mounts on one point the later one is seen, hence >=.
        if place.is_relative_to(mounted) and len(mounted.parts) >= depth:
            kind, depth = fstype.lower(), len(mounted.parts)
    return kind


def make_private(folder: Path, mounts: Mounts = _mounts) -> None:
    """Make `folder` (0700) unless a network file system would hold it: then raise `NetworkFolder`."""
    kind = file_system_of(folder, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise NetworkFolder(
            f"{folder} is on a network file system ({kind}), where the database could be damaged.",
            hint="Set AgorApp.data_dir to a folder on a local disk (`c.AgorApp.data_dir = …`).",
            trait="AgorApp.data_dir",
            path=str(folder),
            file_system=kind,
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def make_private_path(folder: Path) -> None:
    """Make `folder` and what is missing above it, all 0700.

    `mkdir(parents=True)` gives its mode to the last one only.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)


class DataLock:
    """Who may write in a data folder: an flock on its file `lock`, which names the holder's pid.

    The kernel lets go of it when the holder dies, however it dies; the file stays.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; never waits. True when this object holds it."""
        if self._file is not None:
            return True
        # Opened close-on-exec (Python's default): a runner must not inherit it and outlive us with it.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        # A full disk takes no pid: the lock holds all the same, only without a name.
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> str:
        """Name who holds it, as far as the file says."""
        try:
            pid = self._path.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            pid = ""
        return f"the process {pid}" if pid.isdecimal() else "another process"

    def release(self) -> None:
        """Let go of it. Idempotent."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
