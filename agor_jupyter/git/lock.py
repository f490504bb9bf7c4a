"""One writer of a repository's metadata at a time, across processes.

git's own worktree commands race each other (`could not lock config file`, `failed to read
…/commondir`), so everything that adds, moves, removes, prunes, fetches or makes a branch holds
this lock, named by the common git folder. The lock file stands in a private folder of ours, never
in the repository. It does not stop a git that somebody runs by hand; retries do (`worktrees`).
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agor_jupyter.domain.errors import TimedOut
from agor_jupyter.git.disk import writing

_FIRST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 0.02


class RepoLocks:
    """The locks of all repositories of one server. One event loop uses one of these."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queues: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def hold(self, common: Path, *, timeout_seconds: float = 60.0) -> AsyncIterator[int]:
        """Hold the lock of the repository whose common git folder is `common` (resolved); not reentrant.

        Yields the lock's file descriptor: a git that inherits it keeps the lock until it has ended,
        even when this process is killed in the middle. Raises `TimedOut` at the deadline.
        """
        name = hashlib.sha256(os.fsencode(common)).hexdigest()[:32]
        queue = self._queues.setdefault(name, asyncio.Lock())
        deadline = time.monotonic() + timeout_seconds
        try:
            async with asyncio.timeout(timeout_seconds):
                await queue.acquire()
        except TimeoutError:
            raise _too_long(common, timeout_seconds) from None
        try:
            descriptor = self._open(name)
            try:
                await _lock(descriptor, deadline, common, timeout_seconds)
                yield descriptor
            finally:
                os.close(descriptor)
        finally:
            queue.release()

    def _open(self, name: str) -> int:
        file = self._folder / f"{name}.lock"
        with writing(file):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def _lock(descriptor: int, deadline: float, common: Path, timeout_seconds: float) -> None:
    """Poll: a blocking flock in a thread could not be given up at the deadline."""
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise _too_long(common, timeout_seconds) from None
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 # jitter, no secret
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def _too_long(common: Path, seconds: float) -> TimedOut:
    return TimedOut(
        f"Another operation has held the repository {common} for {seconds:g} s.",
        hint="Try again; if it stays so, look for a git process that hangs.",
        repository=str(common),
    )
