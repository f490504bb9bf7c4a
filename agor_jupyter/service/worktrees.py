"""Worktrees: made, shown, changed and put away.

Making one goes: record `creating` → git → record `ready` → card. A crash between two of these is
healed by `reconcile`; the record comes first, so that nothing on disk is ever unknown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from agor_jupyter.domain.errors import AgorError, Conflict, Unprocessable
from agor_jupyter.domain.ids import BoardId, WorktreeId
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.repo import RecordedCheckpoint, Repo, Worktree, WorktreeStatus, check_worktree_name
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import boards, repos
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.answers import Diff
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import MAX_LIMIT, check_limit, every, found
from agor_jupyter.service.places import free_folder
from agor_jupyter.service.requests import ChangeWorktree, CreateWorktree

Files = Literal["keep", "clean", "delete"]
RecordFate = Literal["archive", "delete"]
DELETING = "deleting files"
"""The `detail` of a record whose files are being taken away: `reconcile` finishes what began."""


@dataclass(frozen=True)
class Kin:
    """What a fork's worktree has of another: the commit that it begins at, and the place of its card."""

    id: WorktreeId | None = None
    sha: str = ""


NO_KIN = Kin()


async def browse(
    house: House,
    actor: Actor,
    *,
    repo_id: str | None = None,
    board_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Worktree]:
    admit(actor, "worktrees.browse")
    check_limit(limit, cursor)
    given = {"repo_id": repo_id, "board_id": board_id}
    where = {name: value for name, value in given.items() if value is not None}
    return await house.records.worktrees.list(limit=limit, cursor=cursor, **where)


async def show(house: House, actor: Actor, worktree_id: str) -> Worktree:
    admit(actor, "worktrees.show")
    return await get(house, worktree_id)


async def get(house: House, worktree_id: str) -> Worktree:
    """Give the worktree, or raise `NotFound`. Asks no one: for other verbs of the house."""
    return found(await house.records.worktrees.get(worktree_id), "worktree", worktree_id)


async def create(house: House, actor: Actor, request: CreateWorktree, *, kin: Kin = NO_KIN) -> Worktree:
    """Make a worktree; when this returns its files are there and its card is on the board."""
    admit(actor, "worktrees.create")
    house.check_writable()
    check_worktree_name(request.name)
    repo = await _known_repo(house, request.repo_id)
    if request.board_id is not None:
        await _known_board(house, request.board_id)
    worktree_id = WorktreeId(house.new_id("wt"))
    made = await house.records.worktrees.get(worktree_id)
    if made is not None and made.state != "failed":
        return made  # a retry, under its idempotency key, of a request that a crash cut off
    house.making.add(worktree_id)
    try:
        async with house.naming:
            worktree = await _claim(house, actor, repo, request, worktree_id)
        return await _make(house, actor, repo, request, worktree, kin)
    finally:
        house.making.discard(worktree_id)


async def _known_repo(house: House, repo_id: str) -> Repo:
    repo = await house.records.repos.get(repo_id)
    if repo is None:
        raise Unprocessable(
            f"There is no repository {repo_id[:80]!r}.",
            hint="Add the repository first.",
            repo_id=repo_id[:80],
        )
    return repo


async def _known_board(house: House, board_id: str) -> None:
    if await house.records.boards.get(board_id) is None:
        raise Unprocessable(
            f"There is no board {board_id[:80]!r}.",
            hint="Leave board_id out, or make the board first.",
            board_id=board_id[:80],
        )


async def _claim(
    house: House, actor: Actor, repo: Repo, request: CreateWorktree, worktree_id: WorktreeId
) -> Worktree:
    """Check the name and make the record `creating`, which holds the name from now on."""
    async for other in every(house.records.worktrees, repo_id=repo.id, name=request.name):
        if other.state != "archived":
            raise Conflict(
                f"{repo.name} has a worktree {request.name} already.",
                hint="Choose another name, or use the one that is there.",
                worktree_id=other.id,
            )
    path = await free_folder(house, repo, request.name)
    branch = request.branch or request.name
    worktree = Worktree(
        id=worktree_id,
        repo_id=repo.id,
        name=request.name,
        path=path,
        lab_path=house.paths.lab_path(path),
        branch=branch,
        base=request.base or repo.default_branch,
        base_sha="",
        board_id=BoardId(request.board_id) if request.board_id is not None else None,
        owner=actor.id,
        created_ms=house.clock(),
        state="creating",
        issue_url=request.issue_url,
        pull_request_url=request.pull_request_url,
        notes=request.notes,
    )
    return await house.records.worktrees.put(worktree, by=actor.id)


async def _make(
    house: House,
    actor: Actor,
    repo: Repo,
    request: CreateWorktree,
    worktree: Worktree,
    kin: Kin,
) -> Worktree:
    try:
        await house.git.repos.exclude(repo.path, str(house.paths.worktrees_root))
        made = await house.git.worktrees.create(
            repo.path,
            worktree.path,
            worktree.branch,
            kin.sha or worktree.base,
            create_branch=request.create_branch,
        )
    except AgorError:
        # git's room left nothing behind; neither does the record: the name is free again.
        await house.records.worktrees.delete(worktree.id, by=actor.id)
        raise
    ready = worktree.model_copy(update={"state": "ready", "detail": "", "base_sha": made.base_sha})
    await house.records.worktrees.put(ready, by=actor.id)
    if ready.board_id is not None:
        await house.boards.place_card(ready.board_id, ready.id, request.pos, beside=kin.id)
    return ready


async def change(house: House, actor: Actor, worktree_id: str, request: ChangeWorktree) -> Worktree:
    """Change what is given. Another `board_id` moves the card."""
    admit(actor, "worktrees.change")
    house.check_writable()
    worktree = await get(house, worktree_id)
    changes = request.model_dump(exclude_unset=True)
    if not request.model_fields_set & {"board_id"} and all(value is None for value in changes.values()):
        return worktree
    kept = {name: value for name, value in changes.items() if value is not None or name == "board_id"}
    if kept.get("board_id") is not None:
        await _known_board(house, str(kept["board_id"]))
    changed = await house.records.worktrees.put(worktree.model_copy(update=kept), by=actor.id)
    await boards.rehang(house, worktree, changed)
    return changed


async def delete(
    house: House,
    actor: Actor,
    worktree_id: str,
    *,
    files: Files = "keep",
    record: RecordFate = "archive",
    force: bool = False,
) -> Worktree | None:
    """Put a worktree away: its sessions end, its card goes. Gives the archived record, or None if deleted.

    `files=delete` and `clean` refuse uncommitted work (`DirtyWorktree`) and a locked worktree, unless
    `force`; what goes is saved on `refs/agor/kept` first. The branch always stays.
    """
    worktree = await get(house, worktree_id)
    admit_owner(actor, "worktrees.delete", worktree.owner)
    house.check_writable()
    if worktree.state == "creating":
        raise Conflict(f"{worktree.name} is being made.", hint="Try again when it is ready.")
    repo = await repos.get(house, worktree.repo_id)
    # Refused before any session is ended: whoever is told no finds everything as it was.
    await house.git.worktrees.check_removable(repo.path, worktree.path, files=files, force=force)
    await _end_sessions(house, actor, worktree)
    if files == "delete":
        await house.records.worktrees.put(worktree.model_copy(update={"detail": DELETING}), by=actor.id)
    try:
        await house.git.worktrees.remove(repo.path, worktree.path, files=files, force=force)
    except AgorError:
        if files == "delete":
            await house.records.worktrees.put(worktree, by=actor.id)
        raise
    if worktree.board_id is not None:
        await house.boards.remove_card(worktree.board_id, worktree.id)
    if record == "delete":
        await house.records.worktrees.delete(worktree.id, by=actor.id)
        return None
    detail = "files deleted" if files == "delete" else ""
    archived = worktree.model_copy(update={"state": "archived", "detail": detail})
    return await house.records.worktrees.put(archived, by=actor.id)


async def _end_sessions(house: House, actor: Actor, worktree: Worktree) -> None:
    """Put away its sessions, and wait for agents of those that were: their end is stored before they stop."""
    cursor: str | None = None
    while True:
        page = await house.log.sessions(
            worktree_id=worktree.id, archived=None, limit=MAX_LIMIT, cursor=cursor
        )
        live = [one for one in page.items if not one.archived or house.work.agent_state(one.id) != "none"]
        # Side by side: the end of each is stored at once, whichever agent takes long to stop.
        await asyncio.gather(
            *(house.work.update_session(session.id, by=actor.id, archived=True) for session in live)
        )
        cursor = page.next
        if cursor is None:
            return


async def require_ready(house: House, worktree_id: str) -> Worktree:
    """Give the worktree if its files can be worked on, else say why not."""
    worktree = await house.records.worktrees.get(worktree_id)
    if worktree is None:
        raise Unprocessable(
            f"There is no worktree {worktree_id[:80]!r}.",
            hint="Make one first.",
            worktree_id=worktree_id[:80],
        )
    worktree = await note_missing(house, worktree)
    if worktree.state != "ready":
        raise Conflict(
            f"The worktree {worktree.name} is {worktree.state}.",
            hint="Make a new worktree from its branch." if worktree.state == "missing" else "",
            worktree_id=worktree.id,
            state=worktree.state,
        )
    return worktree


async def note_missing(house: House, worktree: Worktree) -> Worktree:
    """Give the worktree as its folder is now: deleted by hand → `missing`; back again → `ready`."""
    if worktree.state not in ("ready", "missing"):
        return worktree
    there = await asyncio.to_thread(house.paths.exists, worktree.path)
    state = "ready" if there else "missing"
    if state == worktree.state:
        return worktree
    detail = "" if there else f"The folder {worktree.path} is gone; its branch {worktree.branch} is not."
    changed = worktree.model_copy(update={"state": state, "detail": detail})
    if house.read_only:
        return changed
    return await house.records.worktrees.put(changed, by=worktree.owner)


async def status(house: House, actor: Actor, worktree_id: str) -> WorktreeStatus:
    admit(actor, "worktrees.status")
    worktree = await require_ready(house, (await get(house, worktree_id)).id)
    return await house.git.diffs.status(worktree.path, worktree.base_sha)


async def checkpoints(house: House, actor: Actor, worktree_id: str) -> Page[RecordedCheckpoint]:
    """List what was recorded of the files at the start and end of each task, oldest first."""
    admit(actor, "worktrees.checkpoints")
    worktree = await get(house, worktree_id)
    repo = await repos.get(house, worktree.repo_id)
    sessions = await house.log.sessions(worktree_id=worktree.id, archived=None, limit=MAX_LIMIT)
    lists = await asyncio.gather(
        *(house.git.checkpoints.list(repo.path, session.id) for session in sessions.items)
    )
    items = sorted((item for found in lists for item in found), key=lambda item: item.at_ms)
    return Page[RecordedCheckpoint](items=tuple(items))


async def diff(house: House, actor: Actor, worktree_id: str, *, against: str = "base") -> Diff:
    """Compare the files as they are with the worktree's base, its HEAD, or a checkpoint's sha."""
    admit(actor, "worktrees.diff")
    worktree = await require_ready(house, (await get(house, worktree_id)).id)
    files = await house.git.diffs.diff(worktree.path, against, base_sha=worktree.base_sha)
    return Diff(against=against, files=tuple(files))
