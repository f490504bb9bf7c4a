"""What an agent's call of a tool becomes: the tool's verb, as the session's owner, with fewer rights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agor_jupyter.agents.base import ToolAnswer
from agor_jupyter.domain.ids import SessionId, UserId
from agor_jupyter.domain.user import LOCAL_USER, Actor, Grant, Person, all_grants
from agor_jupyter.mcp import tools
from agor_jupyter.mcp.tools import Caller
from agor_jupyter.server.roles import KnownPeople
from agor_jupyter.service.house import House

AGENTS_MAY: frozenset[Grant] = frozenset(
    {
        ("read", "agor:boards"),
        ("read", "agor:sessions"),
        ("read", "agor:worktrees"),
        ("execute", "agor:sessions"),  # its own status line; the table of tools has no other verb of it
    }
)
ENDED = ToolAnswer(text="The session has ended.", failed=True)


class AgentTools:
    """Answers the calls of every session (`engine.parts.Tools`)."""

    def __init__(self, house: Callable[[], House], known: KnownPeople, *, named_users: bool) -> None:
        self._house = house
        self._known = known
        self._named_users = named_users

    async def __call__(
        self, session_id: SessionId, call: str, tool: str, arguments: Mapping[str, Any]
    ) -> ToolAnswer:
        """Do it as the session's owner. Every tool so far may be done twice, so `call` is not kept."""
        house = self._house()
        session = await house.log.session(session_id)
        if session is None or session.archived:
            return ENDED
        caller = Caller(actor=self._actor(session.owner), session_id=session_id)
        return await tools.call(house, caller, tool, arguments)

    def _actor(self, owner: UserId) -> Actor:
        """Give the owner's present rights, as far as an agent may have them.

        Of a named person who was not here since the server started nothing is known: no rights.
        """
        granted = all_grants() if not self._named_users else self._known.grants.get(owner, frozenset())
        name = self._known.name_of(owner) if self._named_users else "You"
        person = self._known.seen.get(owner) or Person(id=owner or LOCAL_USER, name=name, display_name=name)
        return Actor(person=person, grants=granted & AGENTS_MAY, via="mcp")
