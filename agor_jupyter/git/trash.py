"""Let folders go fast: renamed aside at once, deleted in the background, swept after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
from pathlib import Path

TRASH = ".agor-trash"
"""Below the worktrees root, so that a rename stays on one file system; never a worktree's name."""


class Trash:
    """Owns the deletions that still run. `close` waits for them."""

    def __init__(self, root: str) -> None:
        self._folder = Path(root) / TRASH
        self._jobs: set[asyncio.Task[None]] = set()

    def put(self, folder: Path, name: str) -> Path:
        """Rename `folder` into the trash; `name` must be new. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._folder / name
        os.rename(folder, target)  # noqa: PTH104 # one system call, and it must not follow a link
        return target

    def empty(self) -> None:
        """Start to delete everything that lies in the trash."""
        job = asyncio.create_task(asyncio.to_thread(remove_inside, self._folder))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def close(self, timeout_seconds: float = 30.0) -> None:
        """Wait for what is being deleted; what is left then is swept at the next start."""
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=timeout_seconds)


def remove_inside(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        for entry in list(os.scandir(folder)):
            remove_tree(Path(entry.path))


def remove_tree(folder: Path) -> None:
    """Delete a folder, folders without write permission too (package caches are made so)."""
    if folder.is_symlink():
        folder.unlink()
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for path, _, _ in os.walk(folder):
            with contextlib.suppress(OSError):
                os.chmod(path, stat.S_IRWXU)  # noqa: PTH101 # a folder: os.walk follows no link
        shutil.rmtree(folder, ignore_errors=True)
