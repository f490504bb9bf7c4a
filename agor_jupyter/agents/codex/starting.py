"""One start at a time: Codex makes its databases at its first start, and two at once trip over each other."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

WAIT_SECONDS = 20.0
STEP_SECONDS = 0.02


@asynccontextmanager
async def alone(state_dir: Path) -> AsyncIterator[None]:
    """Hold the lock of this person's starts. A start that takes too long is not waited for any longer."""
    lock = await asyncio.to_thread(_open, state_dir / "start.lock")
    try:
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not _taken(lock) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  (a lock of another process has no event)
            await asyncio.sleep(STEP_SECONDS)
        yield
    finally:
        os.close(lock)


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
