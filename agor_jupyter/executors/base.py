"""Where a runner runs: the seam between the engine and processes (or other machines)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from agor_jupyter.agents.base import Decision, ToolAnswer
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.model import Value
from agor_jupyter.runner.protocol import Frame, RunnerSpec, ToolAsked


class Handle(Value):
    """How to find a runner again. It is the same process only if pid, start and boot all match."""

    run_id: str
    session_id: SessionId
    executor: str = "local"
    pid: int
    started: float  # seconds since the epoch, of the process (psutil)
    boot: float  # seconds since the epoch, of the machine's boot
    socket_path: str
    log_path: str


class RunnerLink(Protocol):
    """A live connection to a runner. Each command returns when the runner has acknowledged it."""

    def frames(self) -> AsyncIterator[tuple[int, Frame] | ToolAsked]:
        """Yield `(offset, frame)` from where it was attached, and the calls of tools in between.

        Ends when the runner is gone. A call that was not answered is there again after attaching anew.
        """
        ...

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None: ...

    async def interrupt(self) -> None: ...

    async def answer(self, request_id: RequestId, decision: Decision, *, by: str) -> None: ...

    async def set_mode(self, mode: Mode, *, by: str) -> None: ...

    async def set_model(self, model: str, *, by: str) -> None: ...

    async def set_effort(self, effort: str, *, by: str) -> None: ...

    async def steer(
        self,
        task_id: TaskId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> None:
        """Put words into the running turn. Raises `Conflict` when that task is not under way."""
        ...

    async def answer_tool(self, call: str, answer: ToolAnswer) -> None: ...

    async def close_runner(self, *, finish_task: bool = False) -> None:
        """Ask the runner to end; the frames end when it has."""
        ...

    async def disconnect(self) -> None:
        """Leave the runner running."""
        ...


class Executor(Protocol):
    async def start(self, spec: RunnerSpec) -> Handle:
        """Start a detached runner; returns when its socket listens.

        Raises `RunnerLost` or `AgentUnavailable`.
        """
        ...

    async def is_alive(self, handle: Handle) -> bool: ...

    async def connect(self, handle: Handle, offset: int) -> RunnerLink:
        """Attach after `offset`. Raises `RunnerLost` when it is gone."""
        ...

    async def leftovers(self, handle: Handle, offset: int) -> list[tuple[int, Frame]]:
        """Read what a dead runner logged after `offset`."""
        ...

    async def reap(self, handle: Handle) -> None:
        """End the runner and every process of its tree (by group and by marker), then clean its socket."""
        ...
