"""What the engine is made with: its collaborators, as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from agor_jupyter.agents.base import Capabilities, SessionSpec, ToolAnswer
from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.ids import SessionId, TaskId, WorktreeId
from agor_jupyter.domain.ports import Clock, EventLog, NewId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.engine.admission import Limits
from agor_jupyter.executors.base import Executor


class Checkpoints(Protocol):
    """Records a worktree's files on a private ref, and counts what changed between two of them."""

    async def record(
        self, worktree: str, session_id: SessionId, task_id: TaskId, kind: Literal["start", "end"]
    ) -> Checkpoint: ...

    async def changes(self, worktree: str, from_sha: str, to_sha: str) -> tuple[int, int, int]:
        """Count `(files, lines added, lines removed)` between two commits."""
        ...


Tools = Callable[[SessionId, str, str, Mapping[str, Any]], Awaitable[ToolAnswer]]
"""Answers a session's call (its id, the tool, its arguments); a failure is an answer.

The same id may come again after a crash of the server: it is the idempotency key.
"""


async def no_tools(session_id: SessionId, call: str, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
    """Answer where no tools were handed in."""
    return ToolAnswer(text="This server offers no tools.", failed=True)


@dataclass(frozen=True)
class Launch:
    """Where a runner keeps its things, and how long it lives alone."""

    log_path: Callable[[SessionId, str], str]
    socket_path: Callable[[str], str]
    orphan_hours: float = 12.0
    idle_seconds: float = 0.0


@dataclass(frozen=True)
class EngineParts:
    """All that the engine needs of others."""

    log: EventLog
    executor: Executor
    checkpoints: Checkpoints
    worktree: Callable[[WorktreeId], Awaitable[Worktree | None]]
    session_spec: Callable[[Session, Worktree], Awaitable[SessionSpec]]
    capabilities: Callable[[str], Capabilities]
    clock: Clock
    new_id: NewId
    launch: Launch
    tools: Tools = no_tools
    limits: Limits = field(default_factory=Limits)
    interrupt_seconds: float = 10.0
    """How long an interrupted agent may take to end its turn before it is killed."""
