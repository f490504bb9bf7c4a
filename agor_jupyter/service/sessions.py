"""Sessions: begun, shown, changed, stopped and resumed. The engine does the work."""

from __future__ import annotations

from agor_jupyter.agents.base import AgentKind, Probe
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.errors import Conflict, UnsupportedByAgent
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.ports import Page, Prompt
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import agents, mcp_servers, worktrees
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import check_limit, found
from agor_jupyter.service.requests import ChangeSession, CreateSession, SendPrompt

TITLE_LENGTH = 80


async def browse(
    house: House,
    actor: Actor,
    *,
    worktree_id: str | None = None,
    status: str | None = None,
    archived: bool | None = False,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Session]:
    """List sessions, last updated first. `archived=None` lists both kinds.

    They come as outlines: what a session's agent offers is shown with the session itself.
    """
    admit(actor, "sessions.browse")
    check_limit(limit, cursor)
    page = await house.log.sessions(
        worktree_id=worktree_id, status=status, archived=archived, limit=limit, cursor=cursor
    )
    return Page[Session](items=tuple(item.outline() for item in page.items), next=page.next)


async def show(house: House, actor: Actor, session_id: str) -> Session:
    admit(actor, "sessions.show")
    return await get(house, session_id)


async def get(house: House, session_id: str) -> Session:
    """Give the session, or raise `NotFound`. Asks no one: for other verbs of the house."""
    return found(await house.log.session(SessionId(session_id)), "session", session_id)


async def create(house: House, actor: Actor, request: CreateSession) -> Session:
    """Begin a session; with a `prompt`, queue it too. Nothing runs before the first prompt."""
    admit(actor, "sessions.create")
    house.check_writable()
    kind, probe = await agents.require_usable(house, actor.id, request.agent)
    _check_mode(kind, request.mode)
    if request.effort and not kind.capabilities.set_effort:
        raise UnsupportedByAgent(kind.kind, "set_effort", hint="Leave the effort out.")
    worktree = await worktrees.require_ready(house, request.worktree_id)
    if request.mcp_servers is not None:
        await mcp_servers.check_choice(house, actor, worktree.repo_id, request.mcp_servers)
    session_id = SessionId(house.new_id("ses"))
    session = await house.log.session(session_id)
    if session is None:
        session = await house.work.create_session(
            _fresh(house, actor, session_id, request, str(worktree.id), probe)
        )
    if request.mcp_servers is not None:
        await mcp_servers.choose(house, actor, session, worktree.repo_id, request.mcp_servers)
    if request.prompt is not None:
        await queue_once(house, actor, session.id, request.prompt)
        session = await get(house, session.id)
    return session


def _fresh(
    house: House, actor: Actor, session_id: SessionId, request: CreateSession, worktree_id: str, probe: Probe
) -> Session:
    now = house.clock()
    return Session.model_validate(
        {
            "id": session_id,
            "worktree_id": worktree_id,
            "agent": request.agent,
            "title": request.title.strip() or title_of(request.prompt) or "New session",
            "owner": actor.id,
            "owner_name": actor.by_name,
            "created_ms": now,
            "updated_ms": now,
            "mode": request.mode,
            "model": request.model or probe.default_model,
            "effort": request.effort,
        }
    )


async def queue_once(house: House, actor: Actor, session_id: SessionId, text: str) -> None:
    """Queue a session's first prompt, unless a retried request finds it queued already."""
    task_id = TaskId(house.new_id("task"))
    if await house.log.task(task_id) is None:
        await house.work.prompt(
            session_id, Prompt(task_id=task_id, text=text), by=actor.id, by_name=actor.by_name
        )


def title_of(prompt: str | None) -> str:
    """Make a title of a prompt: its first line that says something, shortened at a word."""
    lines = [line.strip(" #\t>*-") for line in (prompt or "").splitlines()]
    line = next((line for line in lines if line), "")
    if len(line) <= TITLE_LENGTH:
        return line
    return line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


async def change(house: House, actor: Actor, session_id: str, request: ChangeSession) -> Session:
    """Change title, mode, model, effort or archive state: for the owner, or an admin."""
    session = await get(house, session_id)
    admit_owner(actor, "sessions.change", session.owner)
    house.check_writable()
    if request.mode or request.model or request.effort:
        _check_change(house.agents.kind(session.agent), request)
    if request.mode is not None and request.mode != session.mode:
        await house.work.set_mode(session.id, request.mode, by=actor.id, by_name=actor.by_name)
    if request.model is not None and request.model != session.model:
        await house.work.set_model(session.id, request.model, by=actor.id, by_name=actor.by_name)
    if request.effort is not None and request.effort != session.effort:
        await house.work.set_effort(session.id, request.effort, by=actor.id, by_name=actor.by_name)
    if request.title is not None or request.archived is not None:
        await house.work.update_session(
            session.id, by=actor.id, by_name=actor.by_name, title=request.title, archived=request.archived
        )
    return await get(house, session.id)


def _check_change(kind: AgentKind, request: ChangeSession) -> None:
    """Refuse what the agent cannot switch before anything of the request is done."""
    if request.mode is not None:
        _check_mode(kind, request.mode)
    if request.model is not None and not kind.capabilities.set_model:
        raise UnsupportedByAgent(kind.kind, "set_model", hint="Begin a session with that model.")
    if request.effort is not None and not kind.capabilities.set_effort:
        raise UnsupportedByAgent(kind.kind, "set_effort", hint="Choose a model that thinks more.")


def _check_mode(kind: AgentKind, mode: Mode) -> None:
    if mode not in kind.capabilities.modes:
        raise UnsupportedByAgent(
            kind.kind, f"mode_{mode}", hint=f"Its modes: {', '.join(kind.capabilities.modes)}."
        )


async def close_agent(house: House, actor: Actor, session_id: str) -> Session:
    """Let an agent without a task end: the next prompt starts it with what was changed meanwhile."""
    session = await get(house, session_id)
    admit_owner(actor, "sessions.close_agent", session.owner)
    house.check_writable()
    await house.work.close_agent(session.id)
    return await get(house, session.id)


async def set_status_line(house: House, actor: Actor, session_id: str, text: str) -> Session:
    """Set the line that a session shows people about what it does now; empty takes it away."""
    session = await get(house, session_id)
    admit_owner(actor, "sessions.set_status_line", session.owner)
    house.check_writable()
    if text == session.status_line:
        return session
    return await house.work.update_session(session.id, by=actor.id, status_line=text)


async def interrupt(house: House, actor: Actor, session_id: str) -> Session:
    """Ask the running task to stop. With none running this changes nothing."""
    admit(actor, "sessions.interrupt")
    house.check_writable()
    session = await get(house, session_id)
    return await house.work.interrupt(session.id, by=actor.id, by_name=actor.by_name)


async def resume(house: House, actor: Actor, session_id: str) -> Session:
    """Let a paused queue go on; a lost or failed session is idle again."""
    admit(actor, "sessions.resume")
    house.check_writable()
    session = await get(house, session_id)
    return await house.work.resume(session.id, by=actor.id, by_name=actor.by_name)


async def steer(house: House, actor: Actor, session_id: str, request: SendPrompt) -> Session:
    """Put words into the running turn. When this returns the agent has them.

    Raises `UnsupportedByAgent` where the agent takes none, and `Conflict` when no turn is under way.
    """
    admit(actor, "sessions.steer")
    house.check_writable()
    session = await get(house, session_id)
    kind = house.agents.kind(session.agent)
    if not kind.capabilities.steer:
        raise UnsupportedByAgent(session.agent, "steer", hint="Send it as a prompt: it is queued.")
    agents.check_attachments(kind, session, request.attachments)
    if session.current_task is None:
        raise Conflict("No turn is under way.", hint="Send it as a prompt of its own.")
    return await house.work.steer(
        session.id, request.prompt, request.attachments, by=actor.id, by_name=actor.by_name
    )
