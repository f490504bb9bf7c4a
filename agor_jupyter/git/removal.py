"""Remove a worktree's files without losing work.

Whatever is removed was saved first, as a commit on `refs/agor/kept/<name>-<ms>`: tracked and
untracked files, not ignored ones, and not the inside of a nested repository. Branches are never
deleted here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from agor_jupyter.domain.errors import Conflict, DirtyWorktree
from agor_jupyter.domain.repo import WorktreeStatus
from agor_jupyter.git.checkpoints import commit_tree, snapshot
from agor_jupyter.git.diffs import status
from agor_jupyter.git.journal import Entry
from agor_jupyter.git.layout import GitFolders, locate, stands, worktree_place
from agor_jupyter.git.parse import Linked
from agor_jupyter.git.trash import Trash
from agor_jupyter.git.worktrees import Worktrees, metadata_of

Files = Literal["keep", "clean", "delete"]
_NAMED_FILES = 20
_CLEAN_TIMEOUT_SECONDS = 600.0
_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")


class Removed(NamedTuple):
    """Where the work was saved; both empty when there was nothing to save."""

    kept_ref: str = ""
    kept_sha: str = ""


async def remove(
    worktrees: Worktrees,
    trash: Trash,
    repo: str,
    folder: str,
    *,
    files: Files = "keep",
    force: bool = False,
    only_check: bool = False,
) -> Removed:
    """Keep the files of a worktree, clean it of all that git does not track, or delete it.

    `clean` and `delete` save the work first. A folder that is gone already is a success. Raises
    `DirtyWorktree` (unless `force`) when what would be removed is not committed, and `Conflict`
    when the worktree is locked (unless `force`) or the folder is not a worktree of `repo`.
    `only_check` raises the same and removes nothing.
    """
    if files == "keep":
        return Removed()
    place = worktree_place(worktrees.root, folder)
    linked = await worktrees.find(repo, str(place))
    there = stands(place)
    if linked is None:
        if there:
            raise Conflict(
                f"{place} is not a worktree of {repo}; nothing was deleted.",
                hint="Look at the folder; delete it by hand if nobody needs it.",
                path=str(place),
            )
        return Removed()
    if linked.locked is not None and not force:
        raise Conflict(
            f"The worktree {place} is locked{': ' + linked.locked if linked.locked else ''}.",
            hint="Unlock it with `git worktree unlock`, or remove it by force.",
            path=str(place),
        )
    if not there:
        if only_check:
            return Removed()
        return await _remove_missing(worktrees, repo, linked) if files == "delete" else Removed()
    folders = locate(place)
    if folders.common != locate(repo).common:
        raise Conflict(f"{place} belongs to another repository; nothing was deleted.", path=str(place))
    if not force:
        _refuse_dirty(place, await status(worktrees.git, str(place)), folders, files)
    if only_check:
        return Removed()
    kept = await _save(worktrees, place)
    if files == "clean":
        # One -f: repositories nested in it stay, since they were not saved.
        await worktrees.git.run(
            "clean", "--quiet", "-f", "-d", "-x", cwd=place, timeout_seconds=_CLEAN_TIMEOUT_SECONDS
        )
    else:
        await _delete(worktrees, trash, repo, place, linked, folders)
    return kept


def _refuse_dirty(place: Path, found: WorktreeStatus, folders: GitFolders, files: Files) -> None:
    lost = [c.path for c in found.changes if files == "delete" or c.status == "untracked"]
    reasons = [f"{len(lost)} files that are not committed"] if lost else []
    if files == "delete" and any((folders.own / name).exists() for name in _UNDER_WAY):
        reasons.append("a merge or rebase under way")
    modules = list(_checked_out(folders.own / "modules")) if files == "delete" else []
    hint = "Commit the work, or remove it by force: a copy is kept under refs/agor/kept."
    if modules:
        reasons.append(f"submodules checked out ({', '.join(modules[:_NAMED_FILES])})")
        hint = (
            "Push what you did in the submodules, then remove it by force: no copy is kept of their inside."
        )
    if reasons:
        raise DirtyWorktree(
            f"{place.name} has {' and '.join(reasons)}.",
            hint=hint,
            path=str(place),
            files=lost[:_NAMED_FILES],
            count=len(lost),
            submodules=modules[:_NAMED_FILES],
        )


def _checked_out(modules: Path, name: str = "") -> Iterator[str]:
    """Name the submodules that have a repository of their own here; it goes with the worktree."""
    if not modules.is_dir():
        return
    for folder in sorted(modules.iterdir()):
        inner = f"{name}{folder.name}"
        if (folder / "objects").is_dir():
            yield inner
        else:
            yield from _checked_out(folder, f"{inner}/")


async def _save(worktrees: Worktrees, place: Path) -> Removed:
    ref = kept_ref(place.name)
    saved = await snapshot(worktrees.git, str(place), ref, f"Files of {place.name} when it was removed\n")
    return Removed(ref, saved.sha)


def kept_ref(name: str) -> str:
    return f"refs/agor/kept/{name}-{time.time_ns() // 1_000_000}"


async def _delete(
    worktrees: Worktrees, trash: Trash, repo: str, place: Path, linked: Linked, folders: GitFolders
) -> None:
    async with worktrees.git.locks.hold(folders.common):
        entry = Entry(
            "removing", repo, str(folders.common), str(place), linked.branch or "", False, linked.head_sha
        )
        worktrees.journal.write(entry)
        try:
            await asyncio.to_thread(trash.put, place, f"{place.name}-{time.time_ns()}")
        except OSError as error:
            worktrees.journal.drop(str(place))
            raise Conflict(
                f"{place} cannot be moved aside ({error.strerror}); nothing was deleted.",
                hint="End what uses the folder, then try again.",
                path=str(place),
            ) from error
        await worktrees.forget(repo, str(place))
        worktrees.journal.drop(str(place))
    trash.empty()


async def _remove_missing(worktrees: Worktrees, repo: str, linked: Linked) -> Removed:
    """Forget a worktree whose folder somebody deleted or moved; keep what git alone still knows.

    That is what was staged, and the commits of a detached HEAD.
    """
    common = locate(repo).common
    async with worktrees.git.locks.hold(common):
        kept = Removed()
        for metadata in await asyncio.to_thread(metadata_of, common, linked.path):
            kept = await _save_staged(worktrees, repo, linked, metadata)
        await worktrees.forget(repo, linked.path)
        worktrees.journal.drop(linked.path)
    return kept


async def _save_staged(worktrees: Worktrees, repo: str, linked: Linked, metadata: Path) -> Removed:
    if not linked.head_sha.strip("0") or not (metadata / "index").exists():
        return Removed()
    git = worktrees.git
    variables = {"GIT_INDEX_FILE": str(metadata / "index")}
    tree = await git.run("write-tree", cwd=repo, environment=variables, ok=(0, 128))
    if tree.code:
        return Removed()  # unmerged or unreadable: nothing that could be committed
    head_tree = (await git.run("rev-parse", "--verify", f"{linked.head_sha}^{{tree}}", cwd=repo)).line
    if tree.line == head_tree and linked.branch is not None:
        return Removed()
    name = Path(linked.path).name
    sha = await commit_tree(git, repo, tree.line, linked.head_sha, f"What was staged in {name}\n")
    ref = kept_ref(name)
    await git.run("update-ref", "--end-of-options", ref, sha, cwd=repo)
    return Removed(ref, sha)
