"""Runners of the demo agent that are gone when the test is over."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.process import allowed_environment, marked
from agor_jupyter.domain.events import AgentMessageChunk, PermissionRequest, TurnEnded
from agor_jupyter.domain.ids import ENTROPY_BYTES, SessionId, TaskId, make_id
from agor_jupyter.domain.policy import Policy
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.link import LocalLink
from agor_jupyter.executors.local import LocalExecutor
from agor_jupyter.runner.host import RUN_MARKER
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerSpec


def new_task() -> TaskId:
    return TaskId(make_id("task", secrets.token_bytes(ENTROPY_BYTES)))


class Runners:
    """Starts runners in a folder, and ends them all."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.folder = folder
        self.executor = LocalExecutor(runtime)
        self.handles: list[Handle] = []

    def spec(self, **more: object) -> RunnerSpec:
        run_id = make_id("run", secrets.token_bytes(ENTROPY_BYTES))
        session = SessionSpec(
            session_id=SessionId(make_id("ses", secrets.token_bytes(ENTROPY_BYTES))),
            worktree=str(self.folder),
            environment=allowed_environment(os.environ),
            state_dir=str(self.folder / "state"),
        )
        base = RunnerSpec(
            run_id=run_id,
            agent="demo",
            session=session,
            policy=Policy(worktree=str(self.folder)),
            log_path=str(self.folder / "runs" / run_id / "events.jsonl"),
            socket_path="",
        )
        return base.model_copy(update=more)

    async def start(self, spec: RunnerSpec | None = None) -> Handle:
        handle = await self.executor.start(spec or self.spec())
        self.handles.append(handle)
        return handle

    async def open(self, **more: object) -> tuple[Handle, LocalLink]:
        handle = await self.start(self.spec(**more))
        return handle, await self.executor.connect(handle, 0)


@pytest.fixture
async def runners(tmp_path: Path) -> AsyncIterator[Runners]:
    # Not under tmp_path: pytest's folders are too long for a socket's path.
    runtime = tempfile.mkdtemp(prefix="agt-", dir="/tmp")
    found = Runners(tmp_path, runtime)
    yield found
    for handle in found.handles:
        await found.executor.reap(handle)
    shutil.rmtree(runtime)


async def until_end(
    link: LocalLink, *, answer: str | None = None, by: str = "robin"
) -> list[tuple[int, Frame]]:
    """Read frames to the end of the turn, answering requests with the option `answer`."""
    frames: list[tuple[int, Frame]] = []
    async for offset, frame in link.frames():
        frames.append((offset, frame))
        if isinstance(frame.update, PermissionRequest) and answer is not None:
            decision = Decision(outcome="selected", option_id=answer)
            await link.answer(frame.update.request_id, decision, by=by)
        if isinstance(frame.update, TurnEnded):
            return frames
    raise AssertionError("the runner ended in mid-turn")


def steps(*given: object) -> str:
    return f"```demo\n{json.dumps(given)}\n```\n"


def said(frames: list[tuple[int, Frame]]) -> str:
    return "".join(frame.update.text for _, frame in frames if isinstance(frame.update, AgentMessageChunk))


async def wait_gone(runners: Runners, seconds: float = 5.0) -> None:
    """Wait until no started runner lives, nor anything that carries its marker."""
    async with asyncio.timeout(seconds):
        while True:
            alive = [handle for handle in runners.handles if await runners.executor.is_alive(handle)]
            left = set().union(*(marked(f"{RUN_MARKER}={handle.run_id}") for handle in runners.handles))
            if not alive and not left:
                return
            await asyncio.sleep(0.02)


async def last(link: LocalLink) -> RunnerEnded:
    """Read to the runner's last frame."""
    async with asyncio.timeout(20):
        update = None
        async for _, frame in link.frames():
            update = frame.update
    assert isinstance(update, RunnerEnded)
    return update
