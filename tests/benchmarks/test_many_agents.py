"""Many agents at once through a real server: all finish, and not a word or an event is lost.

The benchmark `many_agents` in small, without its figures: six sessions of three kinds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from agor_jupyter.testing.conformance import Harness, Say
from benchmarks import many_agents
from benchmarks.many_agents import count_lost
from benchmarks.stream_house import running

KINDS = ("acp", "codex", "openai")


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_six_sessions_at_once_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    async with many_agents.harnesses(KINDS) as opened:
        if len(opened) < len(KINDS):
            pytest.skip(f"only {', '.join(opened)} can be tried here")
        async with running(tmp_path / "house", many_agents.traits(opened)) as house:
            found = await many_agents.measure_house(house, opened, 2, {"1x": 30, "10x": 150})
    assert found["sessions"] == 6
    assert found["finished"] == 6
    assert found["lost"] == 0
    assert found["events"] > 6 * 3 * 3  # a queue, a start and an end of each task at the least


class Scripted:
    """As much of a harness as is asked for: a prompt is the words that are to be said."""

    def prompt(self, acts: list[Say], _words: str) -> str:
        return acts[0].text


class Growing:
    """A bare agent that holds a megabyte for each word that it has said."""

    words = 0

    async def prompt(self, text: str) -> float:
        self.words += len(text.split())
        return 0.0

    def memory_mb(self) -> float:
        return self.words


async def test_bare_agents_are_weighed_after_the_same_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def bare(_harness: Scripted, _folder: Path) -> AsyncIterator[Growing]:
        yield Growing()

    monkeypatch.setattr(many_agents, "bare", bare)
    opened = {"scripted": cast(Harness, Scripted())}
    found = await many_agents.weigh_bare(opened, tmp_path, 3, {"1x": 5, "10x": 50})
    assert found == {"scripted": many_agents.FIRST_WORDS + 5 + 50}


def event(seq: int, text: str = "", task: str = "one") -> dict[str, object]:
    kind = "agent_message_chunk" if text else "task_started"
    return {"seq": seq, "task_id": task, "update": {"type": kind, "text": text}}


@pytest.mark.parametrize(
    ("seqs", "heard", "texts", "lost"),
    [
        ([1, 2, 3], [1, 2, 3], ["a ", "b"], 0),
        ([1, 3, 4], [1, 3, 4], ["a ", "b"], 2),  # 2 is not there, and 4 is one too many
        ([1, 2, 3], [1, 3], ["a ", "b"], 1),  # the client did not hear one
        ([1, 2, 3], [1, 2, 2, 3], ["a ", "b"], 1),  # it heard one twice
        ([1, 2, 3], [1, 2, 3], ["a ", "c"], 1),  # other words
        ([1, 2, 3], [1, 2, 3], [], 1),  # none at all
    ],
)
def test_what_is_lost_is_counted(seqs: list[int], heard: list[int], texts: list[str], lost: int) -> None:
    padded = ["", *texts, *[""] * (2 - len(texts))]
    log = [event(seq, text) for seq, text in zip(seqs, padded, strict=True)]
    assert count_lost(log, heard, ["a b"]) == lost
