"""The room's door: one object that a server makes, and hands to the engine and the services."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal

from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.repo import FileDiff, ProjectFile, RecordedCheckpoint, WorktreeStatus
from agor_jupyter.git import checkpoints, diffs, inventory, programs, recovery, removal, repos
from agor_jupyter.git.journal import Journal
from agor_jupyter.git.parse import Linked
from agor_jupyter.git.run import Git
from agor_jupyter.git.trash import Trash
from agor_jupyter.git.worktrees import Created, Worktrees


class Checkpoints:
    """See `git.checkpoints`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def record(
        self,
        worktree: str,
        session_id: SessionId,
        task_id: TaskId,
        kind: Literal["start", "end"] = "end",
        *,
        prompted_by: str = "",
    ) -> Checkpoint:
        return await checkpoints.record(
            self._git, worktree, session_id, task_id, kind, prompted_by=prompted_by
        )

    async def list(self, repo: str, session_id: SessionId) -> list[RecordedCheckpoint]:
        return await checkpoints.list_recorded(self._git, repo, session_id)

    async def changes(self, repo: str, from_sha: str, to_sha: str) -> checkpoints.Changes:
        return await checkpoints.changes(self._git, repo, from_sha, to_sha)


class Diffs:
    """See `git.diffs`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def status(self, worktree: str, base_sha: str = "") -> WorktreeStatus:
        return await diffs.status(self._git, worktree, base_sha)

    async def diff(self, worktree: str, against: str, *, base_sha: str = "") -> list[FileDiff]:
        return await diffs.diff(self._git, worktree, against, base_sha=base_sha)

    async def since(self, worktree: str, base_sha: str = "") -> checkpoints.Changes:
        return await diffs.since(self._git, worktree, base_sha)

    async def compare(self, repo: str, from_sha: str, to_sha: str) -> list[FileDiff]:
        return await diffs.compare(self._git, repo, from_sha, to_sha)


class Repos:
    """See `git.repos`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def inspect(self, path: str) -> repos.RepoFacts:
        return await repos.inspect(self._git, path)

    async def branches(self, repo: str) -> list[repos.Branch]:
        return await repos.branches(self._git, repo)

    async def suggest(self, root_dir: str) -> list[repos.Suggestion]:
        return await repos.suggest(root_dir)

    def look(self, top: str, wanted: Iterable[ProjectFile]) -> inventory.Inventory:
        """See `git.inventory`. Blocking: call it in a thread."""
        return inventory.look(top, wanted)

    async def named_programs(self, top: str) -> list[programs.Named]:
        return await programs.named_programs(self._git, top)

    async def harmless_variables(self, top: str) -> dict[str, str]:
        return await programs.harmless_variables(self._git, top)

    async def exclude(self, repo: str, folder: str) -> bool:
        return await repos.exclude(self._git, repo, folder)

    async def fetch(self, repo: str, remote: str = "origin") -> None:
        await repos.fetch(self._git, repo, remote)


class WorktreeVerbs:
    """See `git.worktrees`, `git.removal` and `git.recovery`."""

    def __init__(self, worktrees: Worktrees) -> None:
        self._worktrees = worktrees
        self._trash = Trash(worktrees.root)

    async def create(
        self, repo: str, folder: str, branch: str, base: str = "", *, create_branch: bool = True
    ) -> Created:
        return await self._worktrees.create(repo, folder, branch, base, create_branch=create_branch)

    async def remove(
        self, repo: str, folder: str, *, files: removal.Files = "keep", force: bool = False
    ) -> removal.Removed:
        return await removal.remove(self._worktrees, self._trash, repo, folder, files=files, force=force)

    async def check_removable(
        self, repo: str, folder: str, *, files: removal.Files, force: bool = False
    ) -> None:
        """Raise what `remove` would raise now; remove nothing."""
        await removal.remove(
            self._worktrees, self._trash, repo, folder, files=files, force=force, only_check=True
        )

    async def reconcile(self, repo: str, recorded: Collection[str]) -> recovery.Reconciled:
        return await recovery.reconcile(self._worktrees, self._trash, repo, recorded)

    async def list(self, repo: str) -> list[Linked]:
        return await self._worktrees.list(repo)

    async def move(self, repo: str, folder: str, target: str) -> str:
        return await self._worktrees.move(repo, folder, target)

    async def repair(self, repo: str, folder: str) -> None:
        await self._worktrees.repair(repo, folder)

    async def close(self) -> None:
        await self._trash.close()


class GitRoom:
    """All of git for one server and one event loop. Close it.

    `state_dir` is a private folder in the data folder (locks, the journal of what is being made);
    `worktrees_root` is where worktrees stand, each strictly inside it.
    """

    def __init__(self, state_dir: str | Path, worktrees_root: str | Path) -> None:
        self.git = Git(Path(state_dir))
        self.journal = Journal(Path(state_dir) / "journal")
        self.repos = Repos(self.git)
        self.checkpoints = Checkpoints(self.git)
        self.diffs = Diffs(self.git)
        self.worktrees = WorktreeVerbs(Worktrees(self.git, str(worktrees_root), self.journal))

    async def close(self) -> None:
        """Wait (at most 30 s) for folders that are being deleted."""
        await self.worktrees.close()
