"""Forks: a session that shares its beginning with another, and may begin with the files as they were then.

Where the agent itself can branch there, it does. Else, unless that is refused, its first prompt is preceded
by a transcript, which the fork's record and log say. So it is with another kind of agent, which never can.
"""

from __future__ import annotations

import dataclasses
import re

from agor_jupyter.agents.base import AgentKind, Probe
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.errors import AgorError, BranchInUse, Conflict, UnsupportedByAgent
from agor_jupyter.domain.events import TaskEnded, TaskStarted
from agor_jupyter.domain.genealogy import Cut, cut
from agor_jupyter.domain.ids import SessionId, WorktreeId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import ForkOrigin, ForkPoint, Session, Task
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import agents, repos, sessions, worktrees
from agor_jupyter.service.access import admit
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import MAX_LIMIT
from agor_jupyter.service.requests import CreateWorktree, ForkSession

MOST_NAMES = 100
_FORKED = re.compile(r"-fork(-\d+)?$")


async def create(house: House, actor: Actor, session_id: str, request: ForkSession) -> Session:
    """Fork a session; with a `prompt`, queue it too. Who forks owns the fork.

    Raises `UnsupportedByAgent` with `replay` False where the agent cannot branch there by itself.
    """
    admit(actor, "sessions.fork")
    house.check_writable()
    parent = await sessions.get(house, session_id)
    kind, probe = await agents.require_usable(house, actor.id, request.agent or parent.agent)
    tree = await worktrees.get(house, parent.worktree_id)
    where = cut(await _tasks(house, parent), request.at_task, request.position)
    fork, lack = await _memory(house, actor, kind, parent, where, tree)
    if lack is not None and not request.replay:
        raise lack
    # In this order, and each once: a repeated request must find what it made before.
    fork_id, tree_id = SessionId(house.new_id("ses")), WorktreeId(house.new_id("wt"))
    made = await house.log.session(fork_id)
    if made is None:
        sha = ""
        if request.worktree == "new":
            sha = await _commit(house, where, tree)
            tree = await _new_worktree(house, actor, tree, tree_id, sha)
        else:
            await worktrees.require_ready(house, tree.id)
        last = where.kept[-1].id if where.kept else None
        origin = ForkOrigin(task_id=last, sha=sha, replayed=lack is not None)
        new = _session(house, actor, fork_id, parent, kind, tree, request)
        taken = _taken(parent) if kind.kind == parent.agent else _own(kind, probe, parent.mode)
        made = await house.work.create_session(
            new.model_copy(update={**taken, "fork": fork, "origin": origin})
        )
    if request.prompt is not None:
        await sessions.queue_once(house, actor, made.id, request.prompt)
    return await sessions.get(house, made.id)


def _session(
    house: House,
    actor: Actor,
    fork_id: SessionId,
    parent: Session,
    kind: AgentKind,
    tree: Worktree,
    request: ForkSession,
) -> Session:
    """Begin the fork's record, without what its agent is set to."""
    now = house.clock()
    # With another agent there may soon be one of each: they are told apart by who goes on.
    told_by = "fork" if kind.kind == parent.agent else kind.title
    title = request.title.strip() or sessions.title_of(request.prompt) or f"{parent.title} ({told_by})"
    return Session(
        id=fork_id,
        worktree_id=tree.id,
        agent=kind.kind,
        title=title,
        owner=actor.id,
        owner_name=actor.by_name,
        created_ms=now,
        updated_ms=now,
        parent_id=parent.id,
        genealogy="fork",
    )


def _taken(parent: Session) -> dict[str, object]:
    """What a fork with the same kind of agent has of its parent, and what that agent told of itself."""
    fields = ("mode", "model", "effort", "efforts", "models", "model_labels", "commands", "unable")
    return {field: getattr(parent, field) for field in fields}


def _own(kind: AgentKind, probe: Probe, mode: Mode) -> dict[str, object]:
    """What another kind begins with: its own model and effort, and the mode unless it does not have it."""
    modes = kind.capabilities.modes
    # Nobody chose a freer one: the first of these that it has.
    order: tuple[Mode, ...] = (mode, "ask", "plan", "accept_edits", "full_auto")
    return {"mode": next((each for each in order if each in modes), mode), "model": probe.default_model}


async def _tasks(house: House, session: Session) -> list[Task]:
    found: list[Task] = []
    cursor: str | None = None
    while True:
        page = await house.log.tasks(session.id, limit=MAX_LIMIT, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


# --- what the agent remembers


async def _memory(
    house: House, actor: Actor, kind: AgentKind, parent: Session, where: Cut, tree: Worktree
) -> tuple[ForkPoint | None, AgorError | None]:
    """Say where the agent branches by itself, or why it cannot. Neither: it begins with nothing to know."""
    inherited = parent.origin is not None and parent.origin.replayed
    if not where.kept and parent.fork is None and not inherited:
        return None, None
    if kind.kind != parent.agent:
        return None, Conflict(
            f"{kind.title} does not remember what another agent was told.", hint="Let it be replayed."
        )
    if actor.id != parent.owner:
        name = parent.owner_name or parent.owner
        return None, Conflict(
            f"Only an agent of {name} remembers this conversation.", hint="Let it be replayed, or ask them."
        )
    able = kind.capabilities
    if not able.fork or "fork" in parent.unable:  # by its kind, or as the agent itself said
        return None, UnsupportedByAgent(kind.kind, "fork", hint="Let the conversation be replayed.")
    if not where.kept:
        return parent.fork, None if parent.fork is not None else UnsupportedByAgent(kind.kind, "fork")
    ref = await _last_message(house, where.kept[-1])
    if parent.native_ref and ref and able.fork_at_message:
        return ForkPoint(native_ref=parent.native_ref, worktree=tree.path, message_ref=ref), None
    if parent.native_ref and where.whole and parent.current_task is None:
        return ForkPoint(native_ref=parent.native_ref, worktree=tree.path), None
    if not able.fork_at_message:
        hint = "Fork at the end, when its turn has ended, or let the conversation be replayed."
        return None, UnsupportedByAgent(kind.kind, "fork_at_message", hint=hint)
    return None, Conflict(
        "Its agent named no place to branch at there.", hint="Let it be replayed, or fork at another task."
    )


async def _last_message(house: House, task: Task) -> str:
    """Give the vendor's own id of the last message of a task, if the agent named it."""
    events = await house.log.read(task.session_id, task_id=task.id, newest=True)
    ends = [event.update for event in events if isinstance(event.update, TaskEnded)]
    return (ends[-1].last_message_ref or "") if ends else ""


# --- the files of then


async def _commit(house: House, where: Cut, tree: Worktree) -> str:
    """Give the commit of the files as they were at the cut; where nothing ran yet, the HEAD of now.

    Where nothing was uncommitted that is the HEAD of then: no commit of ours begins the new branch.
    """
    if where.at is None:
        ready = await worktrees.require_ready(house, tree.id)
        return (await house.git.diffs.status(ready.path)).head_sha
    after = where.position == "after"
    head = where.at.head_sha if after else where.at.base_sha
    sha = where.at.checkpoint_sha if after else await _start_sha(house, where.at)
    if not sha:
        raise Conflict(
            "The files were not recorded there.", hint="Fork at another task, or in the same worktree."
        )
    repo = await repos.get(house, tree.repo_id)
    unchanged = head and not (await house.git.checkpoints.changes(repo.path, head, sha)).files
    return head if unchanged else sha


async def _start_sha(house: House, task: Task) -> str:
    events = await house.log.read(task.session_id, task_id=task.id)
    starts = [event.update for event in events if isinstance(event.update, TaskStarted)]
    checkpoint = starts[0].checkpoint if starts else None
    return checkpoint.sha if checkpoint is not None else ""


async def _new_worktree(
    house: House, actor: Actor, tree: Worktree, tree_id: WorktreeId, sha: str
) -> Worktree:
    """Make a worktree at `sha`, its card beside the parent's, its name and branch the first that are free."""
    board_id = tree.board_id
    if board_id is not None and await house.records.boards.get(board_id) is None:
        board_id = None
    once = dataclasses.replace(house, new_id=lambda prefix: tree_id)
    refused: AgorError | None = None
    for number in range(1, MOST_NAMES + 1):
        end = "-fork" if number == 1 else f"-fork-{number}"
        wish = CreateWorktree(
            repo_id=tree.repo_id,
            name=_FORKED.sub("", tree.name)[:50] + end,
            branch=_FORKED.sub("", tree.branch)[:200] + end,
            base=tree.branch,  # what it is named after; it begins at `sha`, which no branch may hold
            board_id=board_id,
        )
        try:
            return await worktrees.create(once, actor, wish, kin=worktrees.Kin(tree.id, sha))
        except Conflict as error:
            if type(error) not in (Conflict, BranchInUse):  # what git refuses is not about a name
                raise
            refused = error
    raise refused or Conflict("No name is free for the fork's worktree.", hint="Put some forks away.")
