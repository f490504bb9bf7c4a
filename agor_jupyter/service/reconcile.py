"""Mends at start what a crash left half done, and notes what was done by hand meanwhile.

It runs before the first request. git's room knows what git was doing (its journal), the records
know what was asked; here both meet. Each step may be repeated: a crash while healing is healed next.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import every
from agor_jupyter.service.worktrees import DELETING, note_missing


@dataclass
class Healed:
    """What was found and done, by path, for the log. `left`: why something was not touched."""

    completed: list[str] = field(default_factory=list)
    rolled_back: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


async def reconcile(house: House) -> Healed:
    """Bring records, folders, branches and cards into agreement. A read-only house changes nothing.

    What a request is making meanwhile is left to it.
    """
    healed = Healed()
    if house.read_only:
        return healed
    async for board in every(house.records.boards):
        await house.boards.opened(board)
    async for repo in every(house.records.repos):
        try:
            await _mend(house, repo, healed)
        except AgorError as error:
            # One repository that git cannot read must not keep the server from starting.
            healed.left.append((repo.path, error.detail))
    return healed


async def _mend(house: House, repo: Repo, healed: Healed) -> None:
    worktrees = [worktree async for worktree in every(house.records.worktrees, repo_id=repo.id)]
    for worktree in [item for item in worktrees if item.state != "creating"]:
        await _settle(house, worktree, healed)
    await _finish(house, repo, worktrees, healed)
    async for worktree in every(house.records.worktrees, repo_id=repo.id, state="ready"):
        if worktree.board_id is not None:
            await house.boards.place_card(worktree.board_id, worktree.id, None)


async def _settle(house: House, worktree: Worktree, healed: Healed) -> None:
    """Note a folder that is gone, or back; end a deletion that was begun."""
    if worktree.detail == DELETING:
        there = await asyncio.to_thread(house.paths.exists, worktree.path)
        # Still there: it had not begun, and stays as if nobody had asked.
        changes = {"detail": ""} if there else {"state": "archived", "detail": "files deleted"}
        await house.records.worktrees.put(worktree.model_copy(update=changes), by=worktree.owner)
        if not there:
            healed.archived.append(worktree.path)
            if worktree.board_id is not None:
                await house.boards.remove_card(worktree.board_id, worktree.id)
        return
    noted = await note_missing(house, worktree)
    if noted.state == "missing" and worktree.state != "missing":
        healed.missing.append(worktree.path)


async def _finish(house: House, repo: Repo, worktrees: list[Worktree], healed: Healed) -> None:
    """Complete what git can complete; take back the rest, with its branch and its record."""
    kept = [item.path for item in worktrees if item.state in ("ready", "missing", "archived")]
    half = [item for item in worktrees if item.state == "creating" and item.id not in house.making]
    begun = [item for item in half if await asyncio.to_thread(house.paths.exists, item.path)]
    report = await house.git.worktrees.reconcile(repo.path, [*kept, *(item.path for item in begun)])
    healed.left.extend(report.left)
    healed.rolled_back.extend(report.removed)
    undone = [item for item in half if not await _complete(house, item, begun, healed)]
    if undone:
        # Without a record git's room undoes them: folder, metadata, and a branch that was new.
        await house.git.worktrees.reconcile(
            repo.path, [path for path in [*kept, *healed.completed] if path not in {i.path for i in undone}]
        )
    for worktree in undone:
        await house.records.worktrees.delete(worktree.id, by=worktree.owner)
        healed.rolled_back.append(worktree.path)


async def _complete(house: House, worktree: Worktree, begun: list[Worktree], healed: Healed) -> bool:
    if worktree not in begun:
        return False
    try:
        found = await house.git.diffs.status(worktree.path)
    except AgorError:
        return False
    if not found.clean or found.branch != worktree.branch:
        return False
    ready = worktree.model_copy(update={"state": "ready", "detail": "", "base_sha": found.head_sha})
    await house.records.worktrees.put(ready, by=worktree.owner)
    healed.completed.append(worktree.path)
    return True
