"""Keeping a document on disk: one row that holds all of it, written a moment after it changed.

The whole and not the updates: nothing to squash, nothing fire-and-forget, and a stop writes what is
left before it returns. The time between two writes grows with what encoding costs, so that a large
board never spends more than a twentieth of the loop on it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from agor_jupyter.domain.errors import AgorError

THROTTLE_SECONDS = 0.25
MAX_SHARE = 20
RETRY_SECONDS = 5.0

Keep = Callable[[str, bytes], Awaitable[None]]


class Snapshots:
    """Keeps one document. `touch` it after each change; `flush` before it is let go."""

    def __init__(self, room_id: str, encode: Callable[[], bytes], keep: Keep, log: logging.Logger) -> None:
        self.size = 0
        self._room_id = room_id
        self._encode = encode
        self._keep = keep
        self._log = log
        self._dirty = False
        self._pause = THROTTLE_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._job: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def touch(self) -> None:
        """Note that the document changed."""
        self._dirty = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._job is None or self._job.done():
            self._job = asyncio.create_task(self._save(), name=f"agor-snapshot-{self._room_id}")
        else:
            self.touch()  # the last one is still being written

    async def _save(self) -> None:
        async with self._lock:
            if not self._dirty:
                return
            self._dirty = False
            started = time.perf_counter()
            update = self._encode()
            self.size = len(update)
            self._pause = max(THROTTLE_SECONDS, MAX_SHARE * (time.perf_counter() - started))
            try:
                await self._keep(self._room_id, update)
            except AgorError as error:
                self._dirty = True
                self._log.error("%s is not saved: %s %s", self._room_id, error.detail, error.hint)
                self._pause = RETRY_SECONDS
                self.touch()

    async def flush(self) -> None:
        """Write what is not written yet, and stop the timer."""
        await self._save()
        await self.stop()

    async def stop(self) -> None:
        """Write nothing more: the document is deleted, or everything is written."""
        self._dirty = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._job is not None:
            await asyncio.wait({self._job})
