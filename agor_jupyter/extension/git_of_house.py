"""The git room as the engine, the boards and the services ask for it."""

from __future__ import annotations

from typing import Literal

from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.git.room import GitRoom


class EngineCheckpoints:
    """`engine.parts.Checkpoints` over the git room."""

    def __init__(self, room: GitRoom) -> None:
        self._room = room

    async def record(
        self, worktree: str, session_id: SessionId, task_id: TaskId, kind: Literal["start", "end"]
    ) -> Checkpoint:
        return await self._room.checkpoints.record(worktree, session_id, task_id, kind)

    async def changes(self, worktree: str, from_sha: str, to_sha: str) -> tuple[int, int, int]:
        found = await self._room.checkpoints.changes(worktree, from_sha, to_sha)
        return (len(found.files), found.lines_added, found.lines_removed)


class CardChanges:
    """`board.changes.CountChanges` over the git room."""

    def __init__(self, room: GitRoom) -> None:
        self._room = room

    async def __call__(self, tree: Worktree) -> tuple[int, int, int]:
        found = await self._room.diffs.since(tree.path, tree.base_sha)
        return (len(found.files), found.lines_added, found.lines_removed)
