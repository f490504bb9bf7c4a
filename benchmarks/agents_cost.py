"""What an agent costs here, and how much of it is ours: each kind beside its bare SDK or command line.

`python -m benchmarks.agents_cost` prints its figures. Ours is a detached runner with its log and its
socket, as the server has one; bare is the vendor's own, driven by as little as it takes (`bare_agents`), in
a process of its own, by the same scripts from the same server. Prompts go to both in random turn. What is
judged is the time to the first words of a model that thinks 0.3 s first, as a quick one does; that of a
model that answers at once is told beside it: there is nothing in it but overhead.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

from agor_jupyter.testing.conformance import Harness, Say
from agor_jupyter.testing.harness_book import harness_of, look
from agor_jupyter.testing.harnesses import HARNESSES
from benchmarks.agents_house import bare, ours
from benchmarks.bare_agents import BARE

SAMPLES = 15
WARM_UP = 5
"""Programs get faster with their first turns."""

THINKING_SECONDS = 0.3
TOKENS = 1000
STREAM_SECONDS = 5.0
SETTLE_SECONDS = 1.0
CHARACTERS = 4
"""Of a token, as one reckons; what is counted are characters."""

MODELLESS = ("acp", "demo")
"""Here a script without a model plays them: what they do before the first words is all theirs."""

WORDS = " ".join(f"w{number}" for number in range(TOKENS))[: TOKENS * CHARACTERS]
"""No two alike: Gemini CLI ends an answer that goes round in circles."""

Found = dict[str, Any]


class Weighed(Protocol):
    def memory_mb(self) -> float: ...


async def weigh(agent: Weighed, stream: Awaitable[object]) -> Found:
    """Weigh an agent that has settled, and (its most) while it streams."""
    await asyncio.sleep(SETTLE_SECONDS)
    idle = await asyncio.to_thread(agent.memory_mb)
    running = [idle]
    job = asyncio.ensure_future(stream)
    while not job.done():
        await asyncio.wait([job], timeout=0.5)
        running.append(await asyncio.to_thread(agent.memory_mb))
    await job
    return {"idle_mb": idle, "running_mb": max(running)}


async def alone(harness: Harness, folder: Path, name: str) -> tuple[Found, Found]:
    """Start each by itself, so that they share no memory; give what ours and bare cost."""
    text = harness.prompt([Say(WORDS, STREAM_SECONDS)], "")
    found: Found = {}
    async with ours(harness, folder / "ours") as agent:
        await agent.prompt(Say("One two three."))
        before = agent.log_bytes()
        found = await weigh(agent, agent.prompt(Say(WORDS, STREAM_SECONDS)))
        found |= {"ready_seconds": agent.ready_seconds, "log_bytes": agent.log_bytes() - before}
    if name not in BARE:
        return found, {}
    async with bare(harness, folder / "bare") as floor:
        await floor.prompt(harness.prompt([Say("One two three.")], ""))
        weighed = await weigh(floor, floor.prompt(text))
        return found, {**weighed, "ready_seconds": floor.ready_seconds}


async def first_words(
    harness: Harness, folder: Path, kind: str, samples: int
) -> dict[str, dict[str, list[float]]]:
    """Time the first words of both, prompt by prompt in random turn; of ours alone where nothing is bare."""
    names = ["ours", "bare"] if kind in BARE else ["ours"]
    waits = [0.0] if kind in MODELLESS else [0.0, THINKING_SECONDS]
    rounds = [(name, wait) for name in names for wait in waits]
    times: dict[str, dict[str, list[float]]] = {f"{wait:g}": {name: [] for name in names} for wait in waits}
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(ours(harness, folder / "ours"))
        floor = await stack.enter_async_context(bare(harness, folder / "bare")) if kind in BARE else None
        for turn in range(samples + WARM_UP):
            for name, wait in random.sample(rounds, len(rounds)):
                act = Say("One two three four.", after_seconds=wait)
                if name == "ours" or floor is None:
                    seconds = await agent.prompt(act)
                else:
                    seconds = await floor.prompt(harness.prompt([act], ""))
                if turn >= WARM_UP:
                    times[f"{wait:g}"][name].append(1000 * seconds)
    return times


async def measure_kind(kind: str, samples: int) -> Found:
    make = harness_of(kind)
    _, version, missing = await look(make)
    if missing:
        return {"missing": missing}
    harness = make()
    await harness.open()
    try:
        with tempfile.TemporaryDirectory(prefix="agor-cost-", ignore_cleanup_errors=True) as folder:
            own, floor = await alone(harness, Path(folder) / "alone", kind)
            found: Found = {"version": version, "ours": own, "bare": floor}
            times = await first_words(harness, Path(folder) / "both", kind, samples)
            found["first_ms"] = {
                wait: {name: statistics.median(taken) for name, taken in both.items()}
                for wait, both in times.items()
            }
            return {**found, "times_ms": times}
    finally:
        await harness.close()


def run(samples: int = SAMPLES, kinds: Sequence[str] = tuple(sorted(HARNESSES))) -> Found:
    """Measure, print the figures, and give them. About half a minute a kind."""
    found: Found = {}
    for kind in kinds:
        found[kind] = asyncio.run(measure_kind(kind, samples))
        shown = {name: part for name, part in found[kind].items() if name != "times_ms"}
        print(kind, shown, flush=True)
    return {"kinds": found, "tokens": TOKENS, "seconds": STREAM_SECONDS}


if __name__ == "__main__":
    run()
