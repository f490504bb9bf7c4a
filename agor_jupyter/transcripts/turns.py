"""A turn: a task, what was said in it and where its files stood, folded from its events.

Not the session's record (`domain.snapshot.apply`) and not a drawing (`render`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from agor_jupyter.domain.blocks import PermissionBlock, TaskContent, apply_block
from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.events import SessionEvent, TaskEnded, TaskQueued, TaskStarted
from agor_jupyter.domain.session import Task
from agor_jupyter.domain.tasks import apply_task

TurnState = Literal["queued", "running", "waiting", "end_turn", "interrupted", "error"]


@dataclass(frozen=True)
class Turn:
    """`first_seq` is the seq of `task_started`, 0 while the task is queued: such a turn is not drawn.

    `before_ref` and `after_ref` are the agent's own ids of the last message before the prompt and
    of the last one of this turn: where a native fork would begin.
    """

    task: Task
    content: TaskContent = field(default_factory=TaskContent)
    start: Checkpoint | None = None
    end: Checkpoint | None = None
    before_ref: str | None = None
    after_ref: str | None = None
    first_seq: int = 0
    last_seq: int = 0

    @property
    def drawn(self) -> bool:
        return self.first_seq > 0

    @property
    def over(self) -> bool:
        return self.task.status in ("ended", "removed")

    @property
    def state(self) -> TurnState:
        if self.task.status == "queued" or self.task.status == "removed":
            return "queued"
        if self.task.status == "running":
            return "waiting" if self._waits() else "running"
        match self.task.stop_reason:
            case "cancelled":
                return "interrupted"
            case "failed" | "lost":
                return "error"
            case _:
                return "end_turn"

    def _waits(self) -> bool:
        blocks = reversed(self.content.blocks)
        return any(isinstance(block, PermissionBlock) and block.resolved is None for block in blocks)


def fold(turn: Turn | None, event: SessionEvent) -> Turn | None:
    """Fold one event into the turn of its task. None until the task's `task_queued` was seen."""
    task = apply_task(turn.task if turn is not None else None, event)
    if task is None:
        return None
    turn = Turn(task=task) if turn is None else turn
    update = event.update
    match update:
        case TaskQueued():
            return replace(turn, task=task, last_seq=event.seq)
        case TaskStarted(checkpoint=checkpoint):
            first = turn.first_seq or event.seq
            return replace(turn, task=task, start=checkpoint, first_seq=first, last_seq=event.seq)
        case TaskEnded(checkpoint=checkpoint, last_message_ref=ref):
            return replace(turn, task=task, end=checkpoint, after_ref=ref, last_seq=event.seq)
        case _:
            content = apply_block(turn.content, event)
            return replace(turn, task=task, content=content, last_seq=event.seq)
