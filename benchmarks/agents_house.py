"""What the agents' benchmarks measure with: a bare agent in a process, ours in a runner, their memory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.domain.events import AgentMessageChunk
from agor_jupyter.testing.conformance import Bench, Conversation, Harness, Say
from agor_jupyter.testing.conformance_drivers import RunnerTalk
from benchmarks.bare_agents import PROGRAMS

ANSWER_SECONDS = 120.0
GEMINI_SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
}


def tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_mb(processes: Iterable[psutil.Process]) -> float:
    """Sum the proportional memory: what processes share is counted once, between them."""
    total = 0
    for process in processes:
        try:
            full = process.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20


class BareAgent:
    """A bare SDK or command line in a process of its own."""

    def __init__(self, kind: str, process: asyncio.subprocess.Process, ready_seconds: float) -> None:
        self.kind = kind
        self.process = process
        self.ready_seconds = ready_seconds

    async def prompt(self, text: str) -> float:
        """Send a prompt; give the seconds to its first words, when the turn has ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"prompt": text}).encode() + b"\n")
        return float((await _line(self.process))["first"])

    def memory_mb(self) -> float:
        """Weigh the agent's own program; where there is none, the process with the SDK."""
        processes = tree(self.process.pid)
        return memory_mb(processes[1:] if self.kind in PROGRAMS else processes)


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), ANSWER_SECONDS)
    if not line:
        raise RuntimeError("the bare agent ended")
    found: dict[str, Any] = json.loads(line)
    return found


@asynccontextmanager
async def bare(harness: Harness, folder: Path) -> AsyncIterator[BareAgent]:
    """Start a bare agent against the harness's scripted server; it ends with the block."""
    kind = harness.kind.kind
    command = harness.options().get("command") or []
    environment = {**allowed_environment(os.environ), **harness.environment()}
    if kind == "gemini":
        settings = Path(environment["HOME"]) / ".gemini" / "settings.json"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text(json.dumps(GEMINI_SETTINGS), encoding="utf-8")
        environment["GEMINI_CLI_NO_RELAUNCH"] = "true"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bare_agents", kind, str(folder), *_words(command)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        await _line(process)
        yield BareAgent(kind, process, time.perf_counter() - began)
    finally:
        left = tree(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        for each in left:
            if each.is_running():
                each.kill()


def _words(command: object) -> Sequence[str]:
    return [str(word) for word in command] if isinstance(command, list | tuple) else []


class OurAgent:
    """The same agent as the server has it: a detached runner, its log and its socket."""

    def __init__(self, talk: RunnerTalk, conversation: Conversation, ready_seconds: float) -> None:
        self.talk = talk
        self.conversation = conversation
        self.ready_seconds = ready_seconds

    async def prompt(self, act: Say) -> float:
        """Send a prompt; give the seconds to its first words, when the turn has ended."""
        began = time.perf_counter()
        await self.conversation.prompt(act)
        await self.conversation.wait_for(AgentMessageChunk)
        first = time.perf_counter() - began
        await self.conversation.turn()
        return first

    def memory_mb(self) -> float:
        return memory_mb(tree(self.talk.handle.pid))

    def log_bytes(self) -> int:
        return Path(self.talk.handle.log_path).stat().st_size


@asynccontextmanager
async def ours(harness: Harness, folder: Path) -> AsyncIterator[OurAgent]:
    """Start ours against the same scripted server; it ends with the block."""
    bench = Bench(harness, folder, RunnerTalk.open, "runner")
    for place in (bench.worktree, bench.folder / "state"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    began = time.perf_counter()
    conversation = await bench.open()
    try:
        await conversation.wait_ready()
        talk = conversation.talk
        assert isinstance(talk, RunnerTalk)
        yield OurAgent(talk, conversation, time.perf_counter() - began)
    finally:
        await bench.close()
