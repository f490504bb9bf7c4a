"""Starts of one person come one after the other; one that hangs does not keep the others out for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agor_jupyter.agents.codex import starting


async def test_one_start_at_a_time(tmp_path: Path) -> None:
    steps: list[str] = []

    async def start() -> None:
        async with starting.alone(tmp_path / "state"):
            steps.append("in")
            await asyncio.sleep(0.05)
            steps.append("out")

    await asyncio.gather(start(), start(), start())
    assert steps == ["in", "out"] * 3


async def test_a_start_that_hangs_is_not_waited_for_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "WAIT_SECONDS", 0.05)
    async with asyncio.timeout(5), starting.alone(tmp_path), starting.alone(tmp_path):
        pass
