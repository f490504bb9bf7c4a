"""After a crash: finish or undo what was being made or deleted.

The journal says what was under way; the caller says which folders it has records of. Nothing that
holds work is removed: what cannot be undone cleanly stays, and is reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.git.checkpoints import changed_files, head_of, snapshot
from agor_jupyter.git.diffs import status
from agor_jupyter.git.journal import Entry
from agor_jupyter.git.layout import locate, stands
from agor_jupyter.git.removal import kept_ref
from agor_jupyter.git.trash import Trash
from agor_jupyter.git.worktrees import Worktrees

Step = Literal["drop", "forget", "complete", "undo", "undo_if_clean"]


@dataclass(frozen=True)
class Reconciled:
    """Folders: `completed` have their files now, `removed` are gone with branch and metadata,
    `missing` have a record but no folder. `left` says why each was not touched."""

    completed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def decide(entry: Entry, *, recorded: bool, there: bool) -> Step:
    """Say what to do about a journal entry after a crash. Pure."""
    if entry.stage == "removing":
        return "drop" if there else "forget"
    if recorded:
        return "complete" if entry.stage == "making" and there else "drop"
    return "undo" if entry.stage == "making" else "undo_if_clean"


async def reconcile(worktrees: Worktrees, trash: Trash, repo: str, recorded: Collection[str]) -> Reconciled:
    """Mend what a crash left of `repo`. Call it at start, before anything is created.

    `recorded` are the folders of all worktree records that should have files. What a creation of
    this process has under way is not touched. Idempotent.
    """
    completed: list[str] = []
    removed: list[str] = []
    left: list[tuple[str, str]] = []
    for entry in worktrees.journal.entries(str(locate(repo).common)):
        if entry.folder in worktrees.making:
            continue
        there = stands(entry.folder)
        step = decide(entry, recorded=entry.folder in recorded, there=there)
        try:
            if step == "complete":
                await _complete(worktrees, entry)
                completed.append(entry.folder)
            elif step in ("undo", "undo_if_clean"):
                why = await _undo(worktrees, entry, there, only_clean=step == "undo_if_clean")
                if why:
                    left.append((entry.folder, why))
                else:
                    removed.append(entry.folder)
            else:
                await _settle(worktrees, entry, forget=step == "forget")
        except AgorError as error:
            left.append((entry.folder, error.detail))
    trash.empty()
    missing = [folder for folder in recorded if not stands(folder)]
    return Reconciled(tuple(completed), tuple(removed), tuple(missing), tuple(left))


async def _settle(worktrees: Worktrees, entry: Entry, *, forget: bool) -> None:
    async with worktrees.git.locks.hold(Path(entry.common)):
        if forget:
            await worktrees.forget(entry.repo, entry.folder)
        worktrees.journal.drop(entry.folder)


async def _complete(worktrees: Worktrees, entry: Entry) -> None:
    """Write the files of a worktree whose checkout never ended (there is no index yet)."""
    own = locate(entry.folder).own
    if not (own / "index").exists():
        (own / "index.lock").unlink(missing_ok=True)  # of the checkout that died
        await worktrees.check_out(entry.folder)
    worktrees.journal.drop(entry.folder)


async def _undo(worktrees: Worktrees, entry: Entry, there: bool, *, only_clean: bool) -> str:
    """Undo a creation; give the reason when it must stay."""
    if there:
        why = await _holds_work(worktrees, entry) if only_clean else await _save_surplus(worktrees, entry)
        if why:
            return why
    async with worktrees.git.locks.hold(Path(entry.common)):
        await worktrees.clear_away(entry)
        worktrees.journal.drop(entry.folder)
    return ""


async def _holds_work(worktrees: Worktrees, entry: Entry) -> str:
    found = await status(worktrees.git, entry.folder)
    if not found.clean:
        return f"it has no record, and {len(found.changes)} files that are not committed"
    if found.head_sha != entry.base_sha and entry.new_branch:
        return "it has no record, and commits of its own"
    return ""


async def _save_surplus(worktrees: Worktrees, entry: Entry) -> str:
    """Save what a half-made worktree holds beyond its base; nobody was given it, so that is rare."""
    folder = Path(entry.folder)
    if not (folder / ".git").exists():
        return "" if _is_empty(folder) else "it is not a worktree any more, and not empty"
    folders = locate(folder)
    if str(folders.common) != entry.common:
        return "it belongs to another repository"
    if not (folders.own / "HEAD").exists() or not await head_of(worktrees.git, entry.folder):
        return ""  # git died before it wrote a file
    ref = kept_ref(folder.name)
    saved = await snapshot(worktrees.git, entry.folder, ref, f"Files of the half-made {folder.name}\n")
    found = await changed_files(worktrees.git, entry.repo, saved.head_sha, saved.sha)
    if all(change.status == "deleted" for change in found):
        await asyncio.shield(
            worktrees.git.run("update-ref", "-d", "--end-of-options", ref, saved.sha, cwd=entry.repo)
        )
    return ""


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
