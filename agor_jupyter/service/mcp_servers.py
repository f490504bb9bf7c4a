"""A person's own MCP servers: theirs alone to see and to change, passed on to their own sessions."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.process import FORBIDDEN_PREFIXES
from agor_jupyter.domain.credential import is_variable
from agor_jupyter.domain.errors import Conflict, Forbidden, InvalidName, Unprocessable
from agor_jupyter.domain.ids import McpServerId, RepoId, SessionId, UserId
from agor_jupyter.domain.mcp_server import (
    HOUSE_NAME,
    OwnServer,
    looks_secret,
    nearest,
    servers_for,
    switch_of,
)
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import repos
from agor_jupyter.service.access import admit_in_person
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import found
from agor_jupyter.service.requests import ChangeMcpServer, CreateMcpServer

MOST = 200


async def browse(house: House, actor: Actor) -> Page[OwnServer]:
    admit_in_person(actor, "mcp_servers.browse")
    return Page[OwnServer](items=await house.records.own_servers.of(actor.id))


async def show(house: House, actor: Actor, server_id: str) -> OwnServer:
    admit_in_person(actor, "mcp_servers.show")
    return await _mine(house, actor, server_id)


async def create(house: House, actor: Actor, request: CreateMcpServer) -> OwnServer:
    """Add a server. Nothing is started: the next start of a session's agent takes it."""
    admit_in_person(actor, "mcp_servers.create")
    house.check_writable()
    server_id = McpServerId(house.new_id("mcp"))
    made = await house.records.own_servers.get(server_id)
    if made is not None:
        return made  # a retry, under its idempotency key, of a request that a crash cut off
    repo_id, session_id = await _place(house, actor, request)
    server = OwnServer(
        **request.model_dump(exclude={"repo_id", "session_id"}),
        id=server_id,
        owner=actor.id,
        repo_id=repo_id,
        session_id=session_id,
        created_ms=house.clock(),
    )
    return await _keep(house, server)


async def change(house: House, actor: Actor, server_id: str, request: ChangeMcpServer) -> OwnServer:
    """Change what is given. Agents that run keep what they were started with."""
    admit_in_person(actor, "mcp_servers.change")
    house.check_writable()
    server = await _mine(house, actor, server_id)
    return await _keep(house, server.model_copy(update=request.model_dump(exclude_none=True)))


async def delete(house: House, actor: Actor, server_id: str) -> None:
    admit_in_person(actor, "mcp_servers.delete")
    house.check_writable()
    server = await _mine(house, actor, server_id)
    await house.records.own_servers.delete(server.id)


async def of_session(house: House, session: Session, repo_id: RepoId) -> tuple[OwnServer, ...]:
    """Give the servers of the session's owner that this session gets."""
    every = await house.records.own_servers.of(session.owner)
    return servers_for(every, repo_id=repo_id, session_id=session.id)


async def check_choice(house: House, actor: Actor, repo_id: RepoId, names: Sequence[str]) -> None:
    """Raise unless a new session of the actor's may get exactly these servers.

    `Unprocessable` for a name that its owner has no server of; `Forbidden` for one that its owner has
    switched off, where a token asks: whoever holds it is not its owner.
    """
    near = await _nearest(house, actor, repo_id)
    if unknown := [name for name in names if name not in near]:
        raise Unprocessable(f"You have no MCP server {unknown[0]!r}.", hint="Add it in the Agents panel.")
    off = [name for name in names if not near[name].enabled]
    if off and actor.via != "panel":
        raise Forbidden(f"{off[0]} is switched off.", hint="Switch it on in the Agents panel.")


async def choose(house: House, actor: Actor, session: Session, repo_id: RepoId, names: Sequence[str]) -> None:
    """Give a new session exactly the servers of these names, by switches of its own where need be."""
    for name, server in sorted((await _nearest(house, actor, repo_id)).items()):
        own_id = McpServerId(house.new_id("mcp"))  # for each: a retry must count to the same ids
        if server.enabled == (name in names):
            continue
        turned = switch_of(server, session.id, enabled=name in names, id=own_id, at_ms=house.clock())
        await house.records.own_servers.put(turned)


async def _nearest(house: House, actor: Actor, repo_id: RepoId) -> dict[str, OwnServer]:
    """Give the actor's servers that a new session of the repository would find, enabled or not."""
    every = await house.records.own_servers.of(actor.id)
    return {server.name: server for server in nearest(every, repo_id=repo_id, session_id=None)}


def as_passed(servers: Sequence[OwnServer]) -> tuple[McpServer, ...]:
    """Give the servers as an agent's adapter takes them."""
    fields = set(McpServer.model_fields)
    return tuple(McpServer(**server.model_dump(include=fields)) for server in servers)


async def _mine(house: House, actor: Actor, server_id: str) -> OwnServer:
    """Give one's own server. Another's is not there, whoever asks: an admin too."""
    server = await house.records.own_servers.get(server_id)
    mine = server if server is not None and server.owner == actor.id else None
    return found(mine, "MCP server", server_id)


async def _place(
    house: House, actor: Actor, request: CreateMcpServer
) -> tuple[RepoId | None, SessionId | None]:
    """Check that what it is for is there, and one's own where it is a session."""
    given = {"repo": request.repo_id, "session": request.session_id}
    for scope, id in given.items():
        if (id is not None) != (scope == request.scope):
            raise Unprocessable(f"A server for a {request.scope} is given with the id of that alone.")
    if request.repo_id is not None:
        return (await repos.get(house, request.repo_id)).id, None
    if request.session_id is None:
        return None, None
    session = found(await house.log.session(SessionId(request.session_id)), "session", request.session_id)
    if session.owner != actor.id:
        raise Forbidden(
            "A session runs with its owner's servers.", hint=f"Ask {session.owner}.", owner=session.owner
        )
    return None, session.id


async def _keep(house: House, server: OwnServer) -> OwnServer:
    check(server)
    async with house.naming:
        kept = await house.records.own_servers.of(server.owner)
        others = [one for one in kept if one.id != server.id]
        # What sessions were begun with is counted for each by itself: it must not keep one from a change.
        near = [one for one in others if one.session_id == server.session_id]
        if len(others) == len(kept) and len(near) >= MOST:
            raise Conflict(f"There are {MOST} MCP servers already.", hint="Remove one that is not used.")
        for other in others:
            if _key(other) == _key(server):
                if other.switch:  # what it switched is hidden behind the new one
                    await house.records.own_servers.delete(other.id)
                    continue
                raise Conflict(f"You have a server {server.name} there.", hint="Change it.", id=other.id)
        await house.records.own_servers.put(server)
    return server


def _key(server: OwnServer) -> tuple[UserId, str, RepoId | SessionId | None, str]:
    return server.owner, server.scope, server.repo_id or server.session_id, server.name


def check(server: OwnServer) -> None:
    """Raise unless an agent could start or reach it, and nothing in it looks like a secret."""
    if server.name == HOUSE_NAME:
        raise InvalidName(f"{HOUSE_NAME!r} is the name of the house's own tools.", hint="Choose another one.")
    if server.transport == "stdio":
        if not server.command or not server.command[0].strip() or server.url or server.headers:
            raise Unprocessable("A stdio server has a command, and neither URL nor headers.")
    elif server.command or server.environment:
        raise Unprocessable("An HTTP server has a URL, and neither command nor environment.")
    else:
        _check_url(server.url)
    for name in server.environment:
        if not is_variable(name) or name.upper().startswith(FORBIDDEN_PREFIXES):
            raise Unprocessable(f"{name[:80]!r} cannot be set for a server.", hint="Choose another variable.")
    for name, value in server.headers.items():
        if not name or not name.replace("-", "").isalnum() or not name.isascii() or not value.isprintable():
            raise Unprocessable(f"{name[:80]!r} cannot be a header.", hint="Letters, digits, -; one line.")
    _check_secrets(server)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        sound = False
    if not sound:
        raise Unprocessable("The URL of an HTTP server begins with http:// or https://.")
    if parts.username or parts.password:
        raise Unprocessable(
            "The URL holds a password.", hint="Send it as a header, with ${NAME} in its place."
        )


def _check_secrets(server: OwnServer) -> None:
    """Refuse what looks like a secret: it would stand in the database, and in command lines."""
    words = [("the command", word) for word in server.command]
    places = [*server.environment.items(), *server.headers.items(), *words, ("the URL", server.url)]
    for where, value in places:
        if looks_secret(where, value):
            raise Unprocessable(
                f"The value of {where} looks like a secret.",
                hint="Write ${NAME} in a header or a variable, and set NAME among your keys.",
                field=where,
            )
