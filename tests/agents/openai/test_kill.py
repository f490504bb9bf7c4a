"""A runner that is killed while a person is asked, or in mid-command, is taken up again rightly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agor_jupyter.agents.workbench.history import CUT_OFF, NOT_RUN
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.testing.conformance import Bench, Case, Recall, Run, Say, Write
from agor_jupyter.testing.conformance_cases import GONE_SECONDS, ended
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.harnesses.openai import ChatHarness

pytest.importorskip("agents")


def record_of(bench: Bench) -> str:
    (record,) = (bench.folder / "state" / "conversations").iterdir()
    return record.read_text(encoding="utf-8")


async def killed_while_asking(bench: Bench) -> None:
    talk = await bench.open()
    reference = (await talk.wait_ready()).native_ref
    await talk.prompt(Write("made.txt", "text\n"), Say("Never."), note="the-word-is-heron")
    await talk.wait_for(PermissionRequest)
    await talk.talk.kill()
    again = await bench.open(native_ref=reference)
    await again.wait_ready()
    await again.prompt(Recall())
    assert ended(await again.turn()).stop_reason == "end_turn"
    assert "the-word-is-heron" in again.said()
    assert NOT_RUN in record_of(bench)
    assert not (bench.worktree / "made.txt").exists()


async def killed_in_a_command(bench: Bench) -> None:
    talk = await bench.open()
    reference = (await talk.wait_ready()).native_ref
    await talk.prompt(Run("touch begun; sleep 65"), Say("Never."))
    await talk.choose(await talk.wait_for(PermissionRequest), "allow_once")
    async with asyncio.timeout(30):
        while not (bench.worktree / "begun").exists():
            await asyncio.sleep(0.02)
    await talk.talk.kill()
    await bench.wait_alone(GONE_SECONDS)
    (bench.worktree / "begun").unlink()
    again = await bench.open(native_ref=reference)
    await again.wait_ready()
    await again.prompt(Say("On we go."))
    assert ended(await again.turn()).stop_reason == "end_turn"
    assert CUT_OFF in record_of(bench)
    assert not (bench.worktree / "begun").exists(), "it was not done again by itself"


@pytest.mark.parametrize("act", [killed_while_asking, killed_in_a_command])
async def test_a_kill(act: object, tmp_path: Path) -> None:
    assert callable(act)
    await run_case(Case("kill", act, ("runner",)), "runner", ChatHarness(), tmp_path)
