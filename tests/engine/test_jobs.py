"""Jobs that last: how long they rest after fault upon fault."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.engine import jobs
from agor_jupyter.engine.jobs import Jobs


async def test_a_job_that_fails_again_and_again_rests_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    ran = 0
    sleep = asyncio.sleep

    async def resting(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    async def work() -> None:
        nonlocal ran
        ran += 1
        if ran == 5:
            await sleep(1.1)  # a good while, as the bound below has it
        if ran == 8:
            enough.set()
        raise ZeroDivisionError

    enough = asyncio.Event()
    monkeypatch.setattr(jobs, "LONGEST_PAUSE", 1.0)
    monkeypatch.setattr(asyncio, "sleep", resting)
    held = Jobs()
    held.start_lasting(work, "work", pause_seconds=0.2)
    async with asyncio.timeout(5):
        await enough.wait()
    await held.close()
    assert pauses[:7] == [0.2, 0.4, 0.8, 1.0, 0.2, 0.4, 0.8]
