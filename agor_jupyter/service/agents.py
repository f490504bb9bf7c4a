"""What agents there are, and which can be used now."""

from __future__ import annotations

import asyncio

from agor_jupyter.agents.base import AgentKind, Probe, credentials_of
from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import AgentUnavailable, CredentialsSealed, UnsupportedByAgent
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import AgentInfo
from agor_jupyter.service.house import House

REMEMBERED_SESSIONS = 100
"""How far back models and efforts are looked for that a session of a kind has told."""


async def probe(house: House, actor: Actor) -> Page[AgentInfo]:
    """Describe every agent kind. The slowest probe decides how long it takes (at most 5 s)."""
    admit(actor, "agents.probe")
    told = await _told(house, actor.id)
    described = (_describe(house, actor.id, kind, told) for kind in house.agents.kinds())
    return Page[AgentInfo](items=tuple(await asyncio.gather(*described)))


async def find(house: House, user: UserId, name: str) -> Probe:
    """Say whether this person can use the agent: with their own credentials, else with the machine's."""
    kind = house.agents.kind(name)
    try:
        own = await house.records.vault.unseal(user, credentials_of(kind))
    except CredentialsSealed as error:
        probe = await house.agents.probe(name)
        return probe.model_copy(update={"authenticated": False, "hint": f"{error.detail} {error.hint}"})
    return await house.agents.probe(name, user, own)


async def _told(house: House, user: UserId) -> tuple[Session, ...]:
    """Give the person's last sessions, newest first: theirs alone, for an endpoint goes with its keys."""
    page = await house.log.sessions(archived=None, limit=REMEMBERED_SESSIONS)
    return tuple(session for session in page.items if session.owner == user)


async def _describe(house: House, user: UserId, kind: AgentKind, told: tuple[Session, ...]) -> AgentInfo:
    found = await find(house, user, kind.kind)
    same = [session for session in told if session.agent == kind.kind]
    last = next((session for session in same if session.models), None)
    # What one session told goes with its model: the next one may have another.
    efforts = found.efforts or next((session.efforts for session in same if session.efforts), ())
    return AgentInfo(
        kind=kind.kind,
        title=kind.title,
        installed=found.installed,
        version=found.version,
        authenticated=found.authenticated,
        hint=found.hint,
        models=tuple(dict.fromkeys([*(last.models if last else ()), *found.models])),
        model_labels=last.model_labels if last else {},
        default_model=found.default_model,
        efforts=efforts if kind.capabilities.set_effort else (),
        modes=kind.capabilities.modes,
        capabilities=kind.capabilities,
        named=house.named_agents[kind.kind].source if kind.kind in house.named_agents else None,
    )


async def require_usable(house: House, user: UserId, name: str) -> tuple[AgentKind, Probe]:
    """Give the kind if a session with it can begin, else raise `AgentUnavailable` with what to do."""
    kind = house.agents.kind(name)
    found = await find(house, user, name)
    if not found.installed:
        raise AgentUnavailable(f"{kind.title} is not installed.", hint=found.hint, agent=name)
    return kind, found


def require_here(house: House, name: str) -> None:
    """Raise `AgentUnavailable` for the agent of a session that is not here any more."""
    if house.agents.has(name):
        return
    short = name.partition(".")[2]
    again = f"An admin can add it again as {short!r} in the Agents panel, or begin" if short else "Begin"
    raise AgentUnavailable(
        f"The agent {name} is not here any more.",
        hint=f"{again} a session with another agent. What was said stays.",
        agent=name,
    )


def check_attachments(kind: AgentKind, session: Session, attachments: tuple[Attachment, ...]) -> None:
    """Raise `UnsupportedByAgent` for pictures or files that this session's agent cannot take."""
    able = kind.capabilities
    for item in attachments:
        field = "images" if item.media_type.startswith("image/") else "files"
        if field in session.unable:
            raise UnsupportedByAgent(kind.kind, field, hint=f"{kind.title} said so when it started.")
        if not (able.images if field == "images" else able.files):
            raise UnsupportedByAgent(
                kind.kind, field, hint=able.notes.get(field, "Say in words what it shows.")
            )
