"""The tool servers that one session finds: listed for all who see it, switched by its owner.

Where one is added, changed or removed is `mcp_servers`; what an agent gets is decided in `domain`.
"""

from __future__ import annotations

from agor_jupyter.domain.errors import Forbidden, Unprocessable
from agor_jupyter.domain.ids import McpServerId, RepoId, WorktreeId
from agor_jupyter.domain.mcp_server import nearest, switch_of
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import sessions
from agor_jupyter.service.access import admit, admit_in_person
from agor_jupyter.service.answers import SessionServer, SessionServers
from agor_jupyter.service.house import House
from agor_jupyter.service.requests import SwitchMcpServer

REMOVED = "Its agent is not here any more."


async def show(house: House, actor: Actor, session_id: str) -> SessionServers:
    """List the owner's servers as this session finds them. Others than its owner get names alone."""
    admit(actor, "session_servers.show")
    session = await sessions.get(house, session_id)
    return await _shown(house, actor, session)


async def switch(house: House, actor: Actor, session_id: str, request: SwitchMcpServer) -> SessionServers:
    """Switch a server on or off for this session, from its agent's next start.

    What the session would find without being told is not kept: a later change of it is followed.
    """
    admit_in_person(actor, "session_servers.switch")
    house.check_writable()
    session = await sessions.get(house, session_id)
    if session.owner != actor.id:
        raise Forbidden(
            "A session runs with its owner's servers.", hint=f"Ask {session.owner}.", owner=session.owner
        )
    made = McpServerId(house.new_id("mcp"))
    async with house.naming:
        await _switch(house, session, request, made)
    return await _shown(house, actor, session)


async def _switch(house: House, session: Session, request: SwitchMcpServer, made: McpServerId) -> None:
    kept = await house.records.own_servers.of(session.owner)
    named = [server for server in kept if server.name == request.name]
    own = next((server for server in named if server.session_id == session.id), None)
    if own is not None and not own.switch:
        await house.records.own_servers.put(own.model_copy(update={"enabled": request.enabled}))
        return
    behind = nearest(named, repo_id=await _repo(house, session), session_id=None)
    if not behind:
        raise Unprocessable(
            f"This session finds no server {request.name!r}.", hint="Add it for this session."
        )
    if behind[0].enabled == request.enabled:
        if own is not None:
            await house.records.own_servers.delete(own.id)
        return
    made = own.id if own is not None else made
    turned = switch_of(behind[0], session.id, enabled=request.enabled, id=made, at_ms=house.clock())
    await house.records.own_servers.put(turned)


async def _shown(house: House, actor: Actor, session: Session) -> SessionServers:
    kept = await house.records.own_servers.of(session.owner)
    near = nearest(kept, repo_id=await _repo(house, session), session_id=session.id)
    switched = {one.name for one in kept if one.session_id == session.id and one.switch}
    # A token lies where an agent can read it: it sees of its owner's servers what anybody does.
    mine = actor.id == session.owner and actor.via == "panel"
    kind = house.agents.kind(session.agent) if house.agents.has(session.agent) else None
    state = house.work.agent_state(session.id)
    started = session.tool_servers if state != "none" else {}
    items = (
        SessionServer(
            name=server.name,
            scope=server.scope,
            enabled=server.enabled,
            switched=server.name in switched,
            running=server.name in started,
            trouble=started.get(server.name, ""),
            server=server if mine else None,
        )
        for server in near
    )
    return SessionServers(
        session_id=session.id,
        owner=session.owner,
        mine=mine,
        takes=kind is not None and kind.capabilities.mcp,
        note=kind.capabilities.notes.get("mcp", "") if kind is not None else REMOVED,
        agent=state,
        items=tuple(items),
    )


async def _repo(house: House, session: Session) -> RepoId | None:
    worktree = await house.records.worktrees.get(WorktreeId(session.worktree_id))
    return worktree.repo_id if worktree is not None else None
