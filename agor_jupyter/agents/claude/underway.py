"""The prompt under way, and the words that were put into it. No I/O.

Claude Code takes words that come in mid-turn at the next boundary of a tool and answers all at once,
with one result. When no boundary is left it begins another turn for them: then the task goes on,
and ends with the result that has taken in the last of its words.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Collection

from claude_agent_sdk import ResultMessage

from agor_jupyter.agents.claude import turns
from agor_jupyter.domain.events import TurnEnded
from agor_jupyter.domain.ids import TaskId


class UnderWay:
    """One task at the agent. `owed` are the uuids of words that no result has named yet."""

    def __init__(self, task_id: TaskId) -> None:
        self.task_id = task_id
        self.owed: list[str] = []
        self.interrupted = False
        self.moved = asyncio.Event()
        """Set whenever an interrupt may find something else than before."""
        self.over = False
        self._cancelled = False

    def owe(self) -> str:
        """Make the uuid of a message that is about to be sent."""
        fresh = str(uuid.uuid4())
        self.owed.append(fresh)
        return fresh

    def forget(self, sent: str) -> None:
        """A message was never sent after all."""
        if sent in self.owed:
            self.owed.remove(sent)

    def take(self, result: ResultMessage) -> bool:
        """Strike what a result has taken in; say whether it was about this task at all."""
        taken = turns.taken(result, self.owed)
        self.owed = [sent for sent in self.owed if sent not in taken]
        return bool(taken)

    def begins(self, uuids: Collection[str]) -> None:
        """Claude Code begins a turn of these messages: an interrupt before this may have missed it."""
        if any(sent in self.owed for sent in uuids):
            self.moved.set()

    def conclude(self, ended: TurnEnded) -> TurnEnded | None:
        """Take one turn's end. None while words are still owed a turn; else how the task ended."""
        self._cancelled = self._cancelled or ended.stop_reason == "cancelled"
        if self.owed:
            self.moved.set()
            return None
        if self._cancelled and ended.stop_reason != "cancelled":
            # Somebody stopped the task; what was left of it was quicker than the second stop.
            return ended.model_copy(update={"stop_reason": "cancelled", "error": "", "hint": ""})
        return ended

    def end(self) -> None:
        self.over = True
        self.moved.set()
