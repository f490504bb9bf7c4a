"""Agents by command line: named by an admin in the panel, or by a setting of the server.

The server runs what stands in one, so only who may do anything on it adds, changes or removes them; and
at the panel alone, for a token lies where an agent can read it. Whoever may begin a session uses them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agor_jupyter.agents import named
from agor_jupyter.agents.process import FORBIDDEN_PREFIXES
from agor_jupyter.domain.credential import is_variable
from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.mcp_server import looks_secret
from agor_jupyter.domain.named_agent import AgentPreset, NamedAgent
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.user import LOCAL_USER, Actor
from agor_jupyter.service.access import admit, admit_in_person
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import found
from agor_jupyter.service.requests import AddNamedAgent, ChangeNamedAgent
from agor_jupyter.service.variables import is_machines

MOST = 50
MOST_CHARACTERS = 200
"""Of what is shown of one."""
KEPT = "house:named-agents"
"""The record's name. A person's own settings begin with `own:`, so that nobody's can be it."""


async def load(house: House, settings: Mapping[str, Any]) -> list[str]:
    """List those of the setting and those that were kept; give what is wrong with some of either.

    A name of the setting wins over one that was kept: whoever runs the server decides.
    """
    wrong: list[str] = []
    for name, given in settings.items():
        try:
            _list(house, of_setting(name, given))
        except Unprocessable as error:
            wrong.append(f"acp_agents: {error.detail} {error.hint}".strip())
    agents, broken = _read(await house.records.setting(LOCAL_USER, KEPT))
    for agent in agents:
        if named.kind_name(agent.name) not in house.named_agents:
            _list(house, agent)
    return wrong + [f"a kept agent is left out: {reason}" for _, reason in broken]


def of_setting(name: str, given: object) -> NamedAgent:
    """Read one of the setting `AgorApp.acp_agents`. Raises `Unprocessable` that names what is wrong."""
    fields = given if isinstance(given, Mapping) else {}
    try:
        request = AddNamedAgent.model_validate({"label": name, **fields, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unprocessable(f"{str(name)[:80]!r}: {place} is wrong: {first['msg']}.") from error
    agent = NamedAgent(**request.model_dump(), source="setting")
    check(agent)
    return agent


async def browse(house: House, actor: Actor) -> Page[NamedAgent]:
    admit(actor, "named_agents.browse")
    return Page[NamedAgent](items=tuple(house.named_agents.values()))


async def presets(house: House, actor: Actor) -> Page[AgentPreset]:
    """List agents that are known by name, to be filled in; nothing of them is run."""
    admit(actor, "named_agents.presets")
    return Page[AgentPreset](items=named.PRESETS)


async def create(house: House, actor: Actor, request: AddNamedAgent) -> NamedAgent:
    """Add one. Nothing is run: the first prompt of a session with it starts it."""
    admit_in_person(actor, "named_agents.create")
    house.check_writable()
    agent = NamedAgent(**request.model_dump(), by=actor.id, changed_ms=house.clock())
    check(agent)
    async with house.naming:
        known = house.named_agents.get(named.kind_name(agent.name))
        if known is not None and _same(known, agent):
            return known  # a retry
        if known is not None or house.agents.has(named.kind_name(agent.name)):
            raise Conflict(f"There is an agent {agent.name!r} already.", hint="Choose another name.")
        if len(house.named_agents) >= MOST:
            raise Conflict(f"There are {MOST} such agents already.", hint="Remove one that is not used.")
        await _keep(house, agent)
    return agent


async def change(house: House, actor: Actor, name: str, request: ChangeNamedAgent) -> NamedAgent:
    """Change what is given. Agents that run keep what they were started with."""
    admit_in_person(actor, "named_agents.change")
    house.check_writable()
    async with house.naming:
        before = _of_panel(house, name)
        wish = {**request.model_dump(exclude_none=True), "by": actor.id, "changed_ms": house.clock()}
        agent = before.model_copy(update=wish)
        check(agent)
        await _keep(house, agent)
    return agent


async def remove(house: House, actor: Actor, name: str) -> None:
    """Take one away. What was said with it stays; its sessions take no prompts until it is added again."""
    admit_in_person(actor, "named_agents.remove")
    house.check_writable()
    async with house.naming:
        agent = _of_panel(house, name)
        await _store(house, agent.name, ())
        house.named_agents.pop(named.kind_name(agent.name), None)
        house.agents.drop(named.kind_name(agent.name))


def options_of(house: House, kind: str) -> dict[str, Any] | None:
    """Give what a session with a named agent is started with now; None for every other kind."""
    agent = house.named_agents.get(kind)
    return named.options_of(agent) if agent is not None else None


def check(agent: NamedAgent) -> None:
    """Raise `Unprocessable` unless it could be started, and nothing in it looks like a secret."""
    if not agent.command or not agent.command[0].strip():
        raise Unprocessable(f"{agent.name!r} has no command.", hint="Give the command line as a list.")
    for name in agent.environment:
        if not is_variable(name) or name.upper().startswith(FORBIDDEN_PREFIXES):
            raise Unprocessable(f"{name[:80]!r} cannot be set for an agent.", hint="Choose another variable.")
    for name in agent.credentials:
        if not is_variable(name) or is_machines(name):
            raise Unprocessable(f"{name[:80]!r} cannot be a credential.", hint="Name a variable of its own.")
    for where, word in [("label", agent.label), ("login", agent.login), *agent.modes.items()]:
        if len(word) > MOST_CHARACTERS or not word.isprintable() or (where == "label" and not word.strip()):
            hint = f"Write one line of up to {MOST_CHARACTERS} letters, without control characters."
            raise Unprocessable(f"{word[:80]!r} cannot be shown ({where}).", hint=hint, field=where)
    if any("\0" in word for word in (*agent.command, *agent.environment.values())):
        raise Unprocessable(f"{agent.name!r} holds a NUL: no program can be given one.", hint="Take it out.")
    words = [("the command", word) for word in agent.command]
    for where, value in [*agent.environment.items(), *words]:
        if looks_secret(where, value):
            raise Unprocessable(
                f"The value of {where} looks like a secret.",
                hint="Write ${NAME} in a variable: each person sets NAME among their keys.",
                field=where,
            )


def _of_panel(house: House, name: str) -> NamedAgent:
    agent = found(house.named_agents.get(named.kind_name(name)), "agent", name)
    if agent.source == "setting":
        raise Conflict(
            f"{agent.label} is named by a setting of this server.",
            hint="Change AgorApp.acp_agents and restart the server.",
        )
    return agent


def _same(one: NamedAgent, other: NamedAgent) -> bool:
    mine = {"by", "changed_ms"}
    return one.model_dump(exclude=mine) == other.model_dump(exclude=mine)


def _read(kept: str | None) -> tuple[tuple[NamedAgent, ...], list[tuple[Any, str]]]:
    """Read what was kept, one by one: (those that can be used, the others with what is wrong)."""
    try:
        listed = json.loads(kept or "[]")
    except (ValueError, RecursionError) as error:
        return (), [(kept, f"the list of them is not JSON: {error}.")]
    agents: list[NamedAgent] = []
    broken: list[tuple[Any, str]] = []
    for item in listed if isinstance(listed, list) else [listed]:
        try:
            agents.append(_usable(item))
        except Unprocessable as error:
            broken.append((item, error.detail))
    return tuple(agents), broken


def _usable(item: object) -> NamedAgent:
    """Read one that was kept. Raises `Unprocessable` that names it."""
    name = str(item.get("name") if isinstance(item, Mapping) else item)[:80]
    try:
        agent = NamedAgent.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise Unprocessable(f"{name!r}: {place} is wrong: {first['msg']}.") from error
    if not named.NAME.fullmatch(agent.name):
        raise Unprocessable(f"{name!r} is no name of an agent.")
    try:
        check(agent)
    except Unprocessable as error:
        raise Unprocessable(f"{name!r}: {error.detail}") from error
    return agent


async def _keep(house: House, agent: NamedAgent) -> None:
    await _store(house, agent.name, (agent,))
    _list(house, agent)


async def _store(house: House, name: str, agents: tuple[NamedAgent, ...]) -> None:
    """Put `agents` in the place of what is kept by `name`. What cannot be read stays as it is."""
    kept, broken = _read(await house.records.setting(LOCAL_USER, KEPT))
    others = [one.model_dump(mode="json") for one in (*(one for one in kept if one.name != name), *agents)]
    unread = [item for item, _ in broken if not (isinstance(item, Mapping) and item.get("name") == name)]
    await house.records.keep_setting(LOCAL_USER, KEPT, json.dumps([*others, *unread]))


def _list(house: House, agent: NamedAgent) -> None:
    house.named_agents[named.kind_name(agent.name)] = agent
    house.agents.put(named.make(agent))
