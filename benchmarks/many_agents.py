"""Twenty sessions at once over four kinds of agent, through a real server, each against its scripted model.

`python -m benchmarks.many_agents` prints its figures. All get a prompt at the same moment: once with some
output, once with ten times as much, and that again. What a session said is compared with its script, word
for word; its events are counted, without gaps, in the log and at a second client. Bare agents, as many of
each at once, are weighed first, after the same prompts. About five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from agor_jupyter.testing.conformance import Harness, Say
from agor_jupyter.testing.harness_book import harness_of, look
from benchmarks.agents_house import bare, memory_mb, tree
from benchmarks.bare_agents import PROGRAMS
from benchmarks.stream_house import House, Pinger, Reader, running
from benchmarks.streaming import share

KINDS = ("claude", "codex", "openai", "acp")
EACH = 5
FIRST_WORDS = 20
WORDS = {"1x": 60, "10x": 600, "10x again": 600}
WORDS_PER_SECOND = 50
READY_SECONDS = 120.0
TURN_SECONDS = 90.0
ALLOWED_MB = 8.0
"""What the server may hold more after ten times the output than after once: noise of its allocator."""

Found = dict[str, Any]
Json = dict[str, Any]


def words(count: int) -> str:
    return " ".join(f"w{number}" for number in range(count))


def saying(count: int) -> Say:
    return Say(words(count), count / WORDS_PER_SECOND)


@asynccontextmanager
async def harnesses(kinds: tuple[str, ...]) -> AsyncIterator[dict[str, Harness]]:
    """Open the scripted servers of those kinds that can be tried here."""
    async with AsyncExitStack() as stack:
        opened = {}
        for kind in kinds:
            make = harness_of(kind)
            _, _, missing = await look(make)
            if missing:
                print(f"{kind} is left out: {missing}")
                continue
            harness = opened[kind] = make()
            await harness.open()
            stack.push_async_callback(harness.close)
        yield opened


def traits(opened: dict[str, Harness]) -> Json:
    """Lead the server's agents to the scripted models."""
    return {
        "agent_environment": {kind: harness.environment() for kind, harness in opened.items()},
        "agent_options": {kind: harness.options() for kind, harness in opened.items()},
    }


async def weigh_bare(
    opened: dict[str, Harness], folder: Path, each: int, outputs: Mapping[str, int] = WORDS
) -> dict[str, float]:
    """Run as many bare agents of a kind as there will be sessions; give the memory of one.

    It is weighed after the prompts that the sessions get: a program grows with what it has said.
    """
    found = {}
    for kind, harness in opened.items():
        async with AsyncExitStack() as stack:
            agents = [
                await stack.enter_async_context(bare(harness, folder / f"{kind}-{number}"))
                for number in range(each)
            ]
            for count in (FIRST_WORDS, *outputs.values()):
                prompt = harness.prompt([saying(count)], "")
                await asyncio.gather(*(agent.prompt(prompt) for agent in agents))
            weights = [await asyncio.to_thread(agent.memory_mb) for agent in agents]
        found[kind] = statistics.mean(weights)
    return found


async def begin(house: House, kinds: list[str]) -> dict[str, str]:
    """Make a session of each kind in the list, a worktree each; give their kinds by id, all idle."""
    repo = await house.ask("POST", "/repos", {"path": str(house.lab.folder / "work" / "summary")})
    made = {}
    for number, kind in enumerate(kinds):
        tree_ = await house.ask("POST", "/worktrees", {"repo_id": repo["id"], "name": f"many-{number}"})
        session = await house.ask("POST", "/sessions", {"worktree_id": tree_["id"], "agent": kind})
        made[str(session["id"])] = kind
    return made


async def wait_idle(house: House, sessions: list[str], seconds: float) -> list[str]:
    """Wait until none is at work; give those that ended well."""
    deadline = time.monotonic() + seconds
    states: dict[str, str] = {}
    while time.monotonic() < deadline:
        for session in sessions:
            states[session] = (await house.ask("GET", f"/sessions/{session}"))["status"]
        if all(state in ("idle", "failed", "lost") for state in states.values()):
            break
        await asyncio.sleep(0.25)
    return [session for session, state in states.items() if state == "idle"]


async def events_of(house: House, session: str) -> list[Json]:
    """Read a session's log to its end."""
    found: list[Json] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = (await house.ask("GET", f"/sessions/{session}/events?after_seq={after}&limit=200"))["items"]
        if not page:
            return found
        found += page


class Watch(Reader):
    """A second client: which seqs of which session it heard."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.heard: dict[str, list[int]] = {}
        self.on_frame = self._note

    def _note(self, frame: str) -> None:
        said = json.loads(frame)
        if said.get("events") and said.get("session"):
            self.heard.setdefault(said["session"], []).extend(event["seq"] for event in said["events"])


def count_lost(events: list[Json], heard: list[int], said: list[str]) -> int:
    """Count what is missing: gaps in the log, what the client did not hear, words that were not said."""
    seqs = [event["seq"] for event in events]
    gaps = len(set(range(1, len(seqs) + 1)) ^ set(seqs))
    deaf = len(set(seqs) ^ set(heard)) + len(heard) - len(set(heard))
    by_task: dict[str, str] = {}
    for event in events:
        if event["update"]["type"] == "agent_message_chunk":
            by_task[event["task_id"]] = by_task.get(event["task_id"], "") + event["update"]["text"]
    told = [text.split() for text in by_task.values()]
    unsaid = sum(text.split() != words for text, words in zip(said, told, strict=False)) + abs(
        len(said) - len(told)
    )
    return gaps + deaf + unsaid


async def prompt_all(
    house: House, opened: dict[str, Harness], sessions: dict[str, str], count: int
) -> list[str]:
    """Prompt all at the same moment; give those that ended well."""
    prompts = {kind: harness.prompt([saying(count)], "") for kind, harness in opened.items()}
    await asyncio.gather(*(house.prompt(session, prompts[kind]) for session, kind in sessions.items()))
    return await wait_idle(house, list(sessions), TURN_SECONDS + count / WORDS_PER_SECOND)


def runner_memory(house: House, kinds: list[str], sessions: dict[str, str]) -> dict[str, float]:
    """Weigh each runner with its agent; give the mean of a kind."""
    weights: dict[str, list[float]] = {kind: [] for kind in kinds}
    for process in house.process.children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "agor_jupyter.runner" in process.cmdline():
                kind = sessions.get(process.environ().get("AGOR_SESSION", ""))
                if kind is not None:
                    weights[kind].append(memory_mb(tree(process.pid)))
    return {kind: statistics.mean(taken) for kind, taken in weights.items() if taken}


async def measure(each: int, kinds: tuple[str, ...]) -> Found:
    with tempfile.TemporaryDirectory(prefix="agor-many-", ignore_cleanup_errors=True) as place:
        folder = Path(place).resolve()
        async with harnesses(kinds) as opened:
            weights = await weigh_bare(opened, folder / "bare", each)
            (folder / "house").mkdir()
            async with running(folder / "house", traits(opened)) as house:
                found = await measure_house(house, opened, each)
        for kind, weight in weights.items():
            found["memory_mb"][kind] |= {"bare": weight, "program": kind in PROGRAMS - {"acp"}}
    return found


async def measure_house(
    house: House, opened: dict[str, Harness], each: int, outputs: Mapping[str, int] = WORDS
) -> Found:
    """Prompt all together, once for each of `outputs` (words a session); judge what was said and heard."""
    sessions = await begin(house, [kind for _ in range(each) for kind in opened])
    watch = Watch(await house.connect("events"))
    watch.follow(list(sessions), 0)
    before = await _server_mb(house)
    # The first prompt starts the runners; its cost is theirs, and the server's growth counts from before it.
    ended = [await prompt_all(house, opened, sessions, FIRST_WORDS)]
    warm = await _server_mb(house)
    pinger, growth = Pinger(await house.connect("events")), {}
    for name, count in outputs.items():
        began = await _server_mb(house)
        ended.append(await prompt_all(house, opened, sessions, count))
        growth[name] = await _server_mb(house) - began
    lag = share(pinger.take(), 0.99)
    await pinger.close()
    own = await asyncio.to_thread(runner_memory, house, list(opened), sessions)
    after = await _server_mb(house)
    await asyncio.sleep(1)  # what was sent last is heard
    said = [words(count) for count in (FIRST_WORDS, *outputs.values())]
    lost, events = 0, 0
    for session in sessions:
        log = await events_of(house, session)
        lost += count_lost(log, watch.heard.get(session, []), said)
        events += len(log)
    await watch.close()
    return {
        "kinds": list(opened),
        "sessions": len(sessions),
        "finished": min(len(well) for well in ended),
        "events": events,
        "lost": lost,
        "lag_p99_ms": lag,
        "server_growth_mb": after - before,
        "server_mb": {"before": before, "warm": warm, "after": after},
        "growth_mb": growth,
        "allowed_mb": ALLOWED_MB,
        "words": dict(outputs),
        "memory_mb": {kind: {"ours": weight} for kind, weight in own.items()},
    }


async def _server_mb(house: House) -> float:
    return await asyncio.to_thread(memory_mb, [house.process])


def run(each: int = EACH, kinds: tuple[str, ...] = KINDS) -> Found:
    """Measure, print the figures, and give them."""
    found = asyncio.run(measure(each, kinds))
    for name, part in found.items():
        print(f"  {name:<18} {round(part, 3) if isinstance(part, float) else part}")
    return found


if __name__ == "__main__":
    run()
