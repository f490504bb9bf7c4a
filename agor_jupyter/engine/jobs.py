"""Owners of asyncio jobs: each job has one, is awaited when it closes, and cannot fail in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

logger = logging.getLogger("agor_jupyter.engine")

LONGEST_PAUSE = 30.0
"""How many seconds a job that fails again and again rests at most."""


class Jobs:
    """A set of jobs that are cancelled and awaited together."""

    def __init__(self) -> None:
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        job = asyncio.create_task(self._supervised(coroutine, name), name=name)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(lambda _: coroutine.close())  # one that was cancelled before it began
        return job

    def start_lasting(
        self, make: Callable[[], Coroutine[object, object, None]], name: str, *, pause_seconds: float
    ) -> asyncio.Task[None]:
        """Start a job that goes on after a fault: the fault is reported, then `make` is called again.

        The pause doubles with each fault up to `LONGEST_PAUSE`, and is short again after a good while.
        """
        clock = asyncio.get_running_loop().time

        async def last() -> None:
            pause = pause_seconds
            while True:
                began = clock()
                await self._supervised(make(), name)
                if clock() - began > LONGEST_PAUSE:
                    pause = pause_seconds
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

        return self.start(last(), name)

    async def close(self) -> None:
        """Cancel what runs and wait until it has ended."""
        jobs = [job for job in self._jobs if job is not asyncio.current_task()]
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    async def _supervised(self, coroutine: Coroutine[object, object, None], name: str) -> None:
        try:
            await coroutine
        except asyncio.CancelledError:
            raise
        except Exception:
            logger.exception("the job %s failed", name)
