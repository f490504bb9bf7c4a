"""A person's own credentials: set and removed, listed by name, handed to their own sessions.

Values come in here and leave by `for_session` alone; `to_take_out` gives them to be looked for. No answer,
event or log has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agor_jupyter.agents.base import AgentKind, credentials_of
from agor_jupyter.domain.credential import is_variable
from agor_jupyter.domain.errors import Conflict, InvalidRequest, Unprocessable
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import admit_in_person
from agor_jupyter.service.answers import CredentialInfo
from agor_jupyter.service.house import House
from agor_jupyter.service.requests import SetCredential
from agor_jupyter.service.variables import is_machines, is_servers

MOST = 200


async def browse(house: House, actor: Actor) -> Page[CredentialInfo]:
    """List what may be set and what is set: the agents' first, then those that one's MCP servers name."""
    admit_in_person(actor, "credentials.browse")
    kept = {item.name: item.set_ms for item in await house.records.vault.listed(actor.id)}
    agents = agents_by_name(house)
    servers = servers_by_name(await house.records.own_servers.of(actor.id))
    names = dict.fromkeys([*agents, *servers, *kept])
    items = (
        CredentialInfo(
            name=name,
            set_ms=kept.get(name),
            agents=agents.get(name, ()),
            servers=servers.get(name, ()),
        )
        for name in names
    )
    return Page[CredentialInfo](items=tuple(items))


async def set_one(house: House, actor: Actor, request: SetCredential) -> None:
    """Seal a value under a name that an agent takes or a server of one's own refers to."""
    admit_in_person(actor, "credentials.set")
    house.check_writable()
    name, value = request.name, request.value.get_secret_value().strip()
    if not value:
        raise InvalidRequest("The value is empty.", hint="Remove the credential instead.")
    await _check_name(house, actor.id, name)
    # One at a time: the first to be set makes the key.
    async with house.naming:
        kept = {item.name for item in await house.records.vault.listed(actor.id)}
        if name not in kept and len(kept) >= MOST:
            raise Conflict(f"There are {MOST} credentials already.", hint="Remove one that is not used.")
        await house.records.vault.seal(actor.id, name, value)
    house.agents.forget(actor.id)


async def remove(house: House, actor: Actor, name: str) -> None:
    """Remove one. Nothing of that name is no error. Agents that run keep it until they end."""
    admit_in_person(actor, "credentials.remove")
    house.check_writable()
    await house.records.vault.forget(actor.id, name)
    house.agents.forget(actor.id)


async def for_session(
    house: House, owner: UserId, kind: AgentKind, servers: Iterable[OwnServer]
) -> dict[str, str]:
    """Give the values that a session of `owner` needs: the kind's, and what its MCP servers refer to.

    Raises `Conflict` where a server refers to an agent's credential that the owner has not set, or to a
    variable that is the server's: it would get the machine's, and could send it anywhere. Raises
    `CredentialsSealed`.
    """
    listed = tuple(servers)
    wanted = servers_by_name(listed)
    for name, users in wanted.items():
        if is_servers(house, name):
            raise Conflict(
                f"The MCP server {users[0]} refers to {name}, which is set by who runs this server.",
                hint="Choose another name for your own, or switch the server off; then resume.",
            )
    own = await house.records.vault.unseal(owner, {*credentials_of(kind), *wanted})
    agents = agents_by_name(house)
    for name, users in wanted.items():
        if name in agents and name not in own:
            raise Conflict(
                f"The MCP server {users[0]} refers to {name}, which its owner has not set.",
                hint=f"Set {name} among your keys, or switch the server off; then resume.",
            )
    return own


async def to_take_out(house: House, owner: UserId) -> tuple[str, ...]:
    """Give every value that this person has set, to be taken out of a text. Raises `CredentialsSealed`."""
    names = [item.name for item in await house.records.vault.listed(owner)]
    return tuple((await house.records.vault.unseal(owner, names)).values())


def agents_by_name(house: House) -> Mapping[str, tuple[str, ...]]:
    """Say of each credential which kinds of agent take it."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in house.agents.kinds():
        for name in credentials_of(kind):
            found[name] = (*found.get(name, ()), kind.kind)
    return found


def servers_by_name(servers: Iterable[OwnServer]) -> Mapping[str, tuple[str, ...]]:
    """Say of each credential which servers refer to it."""
    found: dict[str, tuple[str, ...]] = {}
    for server in servers:
        for name in server.references:
            found[name] = tuple(dict.fromkeys([*found.get(name, ()), server.name]))
    return found


async def _check_name(house: House, user: UserId, name: str) -> None:
    """Refuse what nothing would use, and what is no secret but the machine's own."""
    if not is_variable(name):
        raise InvalidRequest(f"{name[:80]!r} cannot be the name of a variable.", hint="Letters, digits, _.")
    if is_machines(name) or is_servers(house, name):
        raise Unprocessable(f"{name} is the machine's own and no credential.", hint="Choose another name.")
    if name in agents_by_name(house) or name in servers_by_name(await house.records.own_servers.of(user)):
        return
    known = ", ".join(agents_by_name(house))
    raise Unprocessable(
        f"Nothing here uses {name}.",
        hint=f"Agents take: {known}. For a server of your own, write ${{{name}}} in it first.",
    )
