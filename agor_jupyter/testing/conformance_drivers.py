"""The two ways to reach an agent: the adapter in this process, or a runner of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agor_jupyter.agents.base import AgentAdapter, AgentKind, Decision, SessionSpec, ToolAnswer
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, TaskId, UserId, make_id
from agor_jupyter.domain.policy import Policy
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.link import LocalLink
from agor_jupyter.executors.local import LocalExecutor
from agor_jupyter.executors.runtime import runtime_folder, socket_path
from agor_jupyter.runner.protocol import (
    RunnerEnded,
    RunnerSpec,
    RunnerStarted,
    TaskAccepted,
    ToolAsked,
    bridge_of,
    tools_socket_path,
)
from agor_jupyter.runner.toolbox import Toolbox
from agor_jupyter.testing.conformance import Bench, Case, Driver, Harness, Skipped, Talk

MUCH = 20_000_000


@runtime_checkable
class Placed(Protocol):
    """A harness that must name files by their whole paths: it is told the worktree before the case."""

    worktree: Path


async def answer_house_tool(tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    """What the bench answers in the house's place; of `agor_much`, twenty million characters."""
    if tool == "agor_much":
        return ToolAnswer(text="y" * MUCH)
    return ToolAnswer(text=f"{tool} says that you are under test ({json.dumps(dict(arguments))})")


class _Heard:
    """Collects updates; who waits for more is woken by each."""

    def __init__(self) -> None:
        self.updates: list[AgentUpdate] = []
        self._more = asyncio.Condition()
        self._ended = ""

    async def hear(self, update: AgentUpdate) -> None:
        async with self._more:
            self.updates.append(update)
            self._more.notify_all()

    async def end(self, why: str) -> None:
        async with self._more:
            self._ended = why
            self._more.notify_all()

    async def grown(self, count: int) -> None:
        async with self._more:
            await self._more.wait_for(lambda: len(self.updates) > count or self._ended)
            assert len(self.updates) > count, f"the conversation ended: {self._ended}"


class DirectTalk(_Heard):
    """The adapter in this process, without policy: every request comes through."""

    def __init__(self, adapter: AgentAdapter) -> None:
        super().__init__()
        self.adapter = adapter
        self._toolbox: Toolbox | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, kind: AgentKind, spec: SessionSpec) -> Talk:
        talk = cls(kind.make())
        try:
            await talk._start(spec)
        except AgorError:  # a case may want to see it refused
            await talk.close()
            raise
        talk._listening = asyncio.create_task(talk._listen())
        return talk

    async def _start(self, spec: SessionSpec) -> None:
        if not spec.tools:
            await self.adapter.start(spec)
            return
        # In the runner's place: the same calls, the same socket for a bridge.
        toolbox = self._toolbox = Toolbox(spec.tools, self._answer_tool)
        path = socket_path(runtime_folder(), make_id("run", secrets.token_bytes(ENTROPY_BYTES)))
        await toolbox.open(tools_socket_path(path))
        self.adapter.use_tools(toolbox.call)
        await self.adapter.start(spec.model_copy(update={"bridge": bridge_of(path)}))

    def _answer_tool(self, asked: ToolAsked) -> None:
        async def answer() -> None:
            assert self._toolbox is not None
            self._toolbox.answer(asked.call, await answer_house_tool(asked.tool, asked.input))

        job = asyncio.create_task(answer())
        self._answering.add(job)
        job.add_done_callback(self._answering.discard)

    async def _listen(self) -> None:
        async for update in self.adapter.events():
            await self.hear(update)
        await self.end("its updates ended")

    async def send(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...] = ()) -> None:
        await self.adapter.prompt(task_id, text, attachments)

    async def steer(self, text: str) -> None:
        await self.adapter.steer(text, ())

    async def interrupt(self) -> None:
        await self.adapter.interrupt()

    async def answer(self, request_id: str, decision: Decision) -> None:
        await self.adapter.answer(RequestId(request_id), decision)

    async def set_mode(self, mode: Mode) -> None:
        await self.adapter.set_mode(mode)

    async def set_model(self, model: str) -> None:
        await self.adapter.set_model(model)

    async def set_effort(self, effort: str) -> None:
        await self.adapter.set_effort(effort)

    async def close(self) -> None:
        if self._toolbox is not None:
            await self._toolbox.close()
        await self.adapter.close()
        if self._listening is not None:
            # The updates end with the agent; one that never ends them is a failure of its adapter.
            _, pending = await asyncio.wait([self._listening], timeout=5)
            if pending:
                self._listening.cancel()
                await asyncio.wait([self._listening])
            assert not pending, "`events` did not end after `close`"

    async def kill(self) -> None:
        raise Skipped("the adapter lives in this process")


class RunnerTalk(_Heard):
    """A detached runner of this machine, as the server has one."""

    def __init__(self, executor: LocalExecutor, handle: Handle, link: LocalLink) -> None:
        super().__init__()
        self.executor = executor
        self.handle = handle
        self.link = link
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, kind: AgentKind, spec: SessionSpec) -> Talk:
        executor = LocalExecutor()
        run_id = make_id("run", secrets.token_bytes(ENTROPY_BYTES))
        path = executor.socket_path(run_id)
        handle = await executor.start(
            RunnerSpec(
                run_id=run_id,
                agent=kind.kind,
                session=spec.model_copy(update={"bridge": bridge_of(path)}),
                policy=Policy(mode=spec.mode, worktree=spec.worktree),
                log_path=str(Path(spec.state_dir).parent / run_id / "events.jsonl"),
                socket_path=path,
            )
        )
        return cls(executor, handle, await executor.connect(handle, 0))

    async def _listen(self) -> None:
        why = "the runner is gone"
        async for item in self.link.frames():
            if isinstance(item, ToolAsked):
                await self.link.answer_tool(item.call, await answer_house_tool(item.tool, item.input))
                continue
            _, frame = item
            if isinstance(frame.update, RunnerEnded):
                why = f"{frame.update.reason}: {frame.update.error}"
            elif not isinstance(frame.update, RunnerStarted | TaskAccepted):
                await self.hear(frame.update)
        await self.end(why)

    async def send(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...] = ()) -> None:
        self._task_id = task_id
        await self.link.prompt(task_id, text, attachments)

    async def steer(self, text: str) -> None:
        await self.link.steer(self._task_id, text, (), by=UserId("tester"))

    async def interrupt(self) -> None:
        await self.link.interrupt()

    async def answer(self, request_id: str, decision: Decision) -> None:
        await self.link.answer(RequestId(request_id), decision, by="tester")

    async def set_mode(self, mode: Mode) -> None:
        await self.link.set_mode(mode, by="tester")

    async def set_model(self, model: str) -> None:
        await self.link.set_model(model, by="tester")

    async def set_effort(self, effort: str) -> None:
        await self.link.set_effort(effort, by="tester")

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await self.link.close_runner()
        await asyncio.wait([self._listening], timeout=10)
        await self.link.disconnect()
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self.executor.reap(self.handle)

    async def kill(self) -> None:
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.handle.pid).kill()
        await self.executor.reap(self.handle)
        await asyncio.wait([self._listening], timeout=10)


OPENERS = {"direct": DirectTalk.open, "runner": RunnerTalk.open}


async def run_case(case: Case, driver: Driver, harness: Harness, folder: Path) -> None:
    """Run one case in `folder` (empty, private). Raises `AssertionError`, or `Skipped`."""
    await harness.open()
    bench = Bench(harness, folder, OPENERS[driver], driver)
    for place in (bench.worktree, bench.folder / "state"):
        place.mkdir(mode=0o700, parents=True)
    if isinstance(harness, Placed):
        harness.worktree = bench.worktree
    try:
        await case.run(bench)
    finally:
        await bench.close()
        await harness.close()
