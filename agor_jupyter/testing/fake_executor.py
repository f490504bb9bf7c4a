"""An executor whose runners are objects in memory: deterministic, killable, outliving a server.

For tests of what stands above the runner. A test is the agent: it says what the agent says with
`FakeRunner.say` and looks at what the agent was told in `FakeRunner.told`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from agor_jupyter.agents.base import Decision, ToolAnswer
from agor_jupyter.domain.content import Attachment, Mode, StopReason, Usage
from agor_jupyter.domain.errors import AgorError, InvalidRequest, RunnerLost, TimedOut
from agor_jupyter.domain.events import AgentMessageChunk, AgentUpdate, Steered, TurnEnded
from agor_jupyter.domain.ids import MessageId, RequestId, TaskId, UserId
from agor_jupyter.executors.base import Handle
from agor_jupyter.runner.protocol import (
    Frame,
    RunnerEnded,
    RunnerSpec,
    RunnerStarted,
    TaskAccepted,
    ToolAsked,
)

FRAME_BYTES = 100
"""Every frame of a fake log is this long, so that an offset is a count."""


class FakeRunner:
    """One runner: its log, what it was told, and whether it lives."""

    def __init__(self, spec: RunnerSpec) -> None:
        self.spec = spec
        self.alive = True
        self.closes_at_prompt = False
        """Close as an idle runner does, in the very moment of the next prompt."""
        self.hangs = False
        """Live without answering, as a stopped process does."""
        self.log: list[Frame] = []
        self.told: list[tuple[object, ...]] = []
        self.prompted: list[TaskId] = []
        self.connections = 0
        self.calls: dict[str, ToolAsked] = {}
        self.asked_times = 0
        """How often a server was asked for an answer to a tool call."""
        self.ahead_ms = 0
        """How far its clock is ahead."""
        self.task: TaskId | None = None
        self._changed = asyncio.Event()
        self._write(RunnerStarted(run_id=spec.run_id, session_id=spec.session.session_id, pid=1))

    def say(self, *updates: AgentUpdate) -> None:
        """Log what the agent says within its present task."""
        for update in updates:
            self._write(update)
            if isinstance(update, TurnEnded):
                self.task = None

    def say_text(self, text: str, message: str = "m1") -> None:
        self.say(AgentMessageChunk(message_id=MessageId(message), text=text))

    def call_tool(self, call: str, tool: str) -> None:
        """Call a tool of the house; it is asked for on each connection until it is answered."""
        self.calls[call] = ToolAsked(call=call, tool=tool)
        self._wake()

    def end_turn(self, stop_reason: StopReason = "end_turn", output_tokens: int = 1, error: str = "") -> None:
        self.say(TurnEnded(stop_reason=stop_reason, usage=Usage(output_tokens=output_tokens), error=error))

    def kill(self) -> None:
        """Die at once, as by `kill -9`."""
        self.alive = False
        self._wake()

    def end(self, ended: RunnerEnded) -> None:
        """End in order, with a last frame."""
        self._write(ended)
        self.kill()

    def accept(self, task_id: TaskId) -> bool:
        if task_id in self.prompted:
            return False
        self.prompted.append(task_id)
        self.task = task_id
        self._write(TaskAccepted())
        return True

    async def wait_told(self, kind: str, times: int = 1) -> tuple[object, ...]:
        """Wait until the runner was told `kind` so many times, and give the last one."""
        async with asyncio.timeout(5):
            while len(found := [item for item in self.told if item[0] == kind]) < times:
                await self._wait()
        return found[-1]

    def note(self, *what: object) -> None:
        self.told.append(what)
        self._wake()

    async def _wait(self) -> None:
        await self._changed.wait()

    def _write(self, update: AgentUpdate | RunnerStarted | TaskAccepted | RunnerEnded) -> None:
        self.log.append(Frame(at_ms=1_000 + len(self.log) + self.ahead_ms, task_id=self.task, update=update))
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def hang_up(self) -> None:
        """Break the connections of this moment; the runner lives on."""
        self.connections += 1
        self._wake()


class FakeLink:
    """A connection to a `FakeRunner`."""

    def __init__(self, runner: FakeRunner, offset: int) -> None:
        self._runner = runner
        self._next = offset // FRAME_BYTES
        self._open = True
        self._number = runner.connections

    async def frames(self) -> AsyncIterator[tuple[int, Frame] | ToolAsked]:
        asked: set[str] = set()
        while self._open and self._number == self._runner.connections:
            changed = self._runner._changed
            for call in [item for item in self._runner.calls.values() if item.call not in asked]:
                asked.add(call.call)
                self._runner.asked_times += 1
                yield call
            while self._next < len(self._runner.log) and self._open:
                frame = self._runner.log[self._next]
                self._next += 1
                yield self._next * FRAME_BYTES, frame
            if not self._runner.alive:
                return
            await changed.wait()

    def _tell(self, *what: object) -> None:
        if not self._runner.alive:
            raise RunnerLost("The runner is gone.")
        if self._runner.hangs:
            raise TimedOut("The runner did not acknowledge in time.")
        self._runner.note(*what)

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        if self._runner.closes_at_prompt:
            self._runner.end(RunnerEnded(reason="idle"))
        if not self._runner.alive:
            raise RunnerLost("The runner is gone.")
        if self._runner.accept(task_id):
            self._tell("prompt", task_id, text, attachments)

    async def interrupt(self) -> None:
        self._tell("interrupt")

    async def answer(self, request_id: RequestId, decision: Decision, *, by: str) -> None:
        self._tell("answer", request_id, decision, by)

    async def set_mode(self, mode: Mode, *, by: str) -> None:
        self._tell("mode", mode)

    async def set_model(self, model: str, *, by: str) -> None:
        self._tell("model", model)

    async def set_effort(self, effort: str, *, by: str) -> None:
        self._tell("effort", effort)

    async def steer(
        self,
        task_id: TaskId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> None:
        self._tell("steer", task_id, text)
        self._runner.say(Steered(by=by, by_name=by_name, text=text, attachments=attachments))

    async def answer_tool(self, call: str, answer: ToolAnswer) -> None:
        self._runner.calls.pop(call, None)
        self._tell("tool", call, answer)

    async def close_runner(self, *, finish_task: bool = False) -> None:
        self._tell("close", finish_task)
        self._runner.end(RunnerEnded(reason="closed"))

    async def disconnect(self) -> None:
        self._open = False
        self._runner._wake()


class FakeExecutor:
    """Starts `FakeRunner`s; keeps them, dead or alive, in `runners` in the order they were started."""

    def __init__(self) -> None:
        self.runners: list[FakeRunner] = []
        self.reaped: list[str] = []
        self.refuse: AgorError | OSError | None = None
        self.ends_at_start: RunnerEnded | None = None
        """How the next runners end before anybody has reached them."""
        self.unreachable = 0
        """How many of the next connections fail although the runner lives."""
        self.damaged = False
        """Whether the logs of dead runners cannot be read."""
        self._started = asyncio.Event()

    async def start(self, spec: RunnerSpec) -> Handle:
        if self.refuse is not None:
            raise self.refuse
        self.runners.append(FakeRunner(spec))
        if self.ends_at_start is not None:
            self.runners[-1].end(self.ends_at_start)
        self._started.set()
        return Handle(
            run_id=spec.run_id,
            session_id=spec.session.session_id,
            pid=len(self.runners),
            started=0.0,
            boot=0.0,
            socket_path=spec.socket_path,
            log_path=spec.log_path,
        )

    async def wait_runner(self, number: int = 0) -> FakeRunner:
        """Wait until runner `number` (from 0) has been started and has a prompt."""
        async with asyncio.timeout(5):
            while len(self.runners) <= number:
                self._started.clear()
                await self._started.wait()
        await self.runners[number].wait_told("prompt")
        return self.runners[number]

    def _of(self, handle: Handle) -> FakeRunner:
        return self.runners[handle.pid - 1]

    async def is_alive(self, handle: Handle) -> bool:
        return self._of(handle).alive

    async def connect(self, handle: Handle, offset: int) -> FakeLink:
        if not self._of(handle).alive:
            raise RunnerLost("The runner is gone.")
        if self._of(handle).hangs:
            raise TimedOut("The runner did not acknowledge in time.")
        if self.unreachable:
            self.unreachable -= 1
            raise RunnerLost("The runner does not answer.")
        return FakeLink(self._of(handle), offset)

    async def leftovers(self, handle: Handle, offset: int) -> list[tuple[int, Frame]]:
        if self.damaged:
            raise InvalidRequest("No line of the log begins here.")
        first = offset // FRAME_BYTES
        log = self._of(handle).log
        return [((index + 1) * FRAME_BYTES, log[index]) for index in range(first, len(log))]

    async def reap(self, handle: Handle) -> None:
        self.reaped.append(handle.run_id)
        self._of(handle).kill()
