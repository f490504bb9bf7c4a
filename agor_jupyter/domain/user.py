"""People, what they may do, and on whose behalf a verb runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from agor_jupyter.domain.errors import Forbidden
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.model import Value

Role = Literal["viewer", "member", "admin"]
"""What a person is to the whole server. `owner` is not in the list: it is who made the thing."""

Action = Literal["read", "write", "execute", "admin"]
Resource = Literal[
    "agor:boards",
    "agor:sessions",
    "agor:worktrees",
    "agor:environments",
    "agor:settings",
    "agor:credentials",
]
Grant = tuple[Action, Resource]

ACTIONS: tuple[Action, ...] = ("read", "write", "execute", "admin")
RESOURCES: tuple[Resource, ...] = (
    "agor:boards",
    "agor:sessions",
    "agor:worktrees",
    "agor:environments",
    "agor:settings",
    "agor:credentials",
)

LOCAL_USER = UserId("local")
"""The one person of a server without named users: survives a new cookie."""


class Person(Value):
    """Who somebody is. `id` is stable; the other fields are for show only."""

    id: UserId
    name: str
    display_name: str
    initials: str = ""
    color: str | None = None


class Actor(Value):
    """A person doing something now, with what Jupyter's Authorizer grants them at this moment."""

    person: Person
    grants: frozenset[Grant]
    via: Literal["panel", "magic", "mcp", "cli", "server"] = "panel"

    @property
    def id(self) -> UserId:
        return self.person.id

    @property
    def by_name(self) -> str:
        """Give the name that an event records. A kernel of the one person `local` has none of its own."""
        return "" if self.via == "magic" and self.id == LOCAL_USER else self.person.display_name

    @property
    def role(self) -> Role:
        """Name the grants: the highest tier that they fill."""
        if ("admin", "agor:settings") in self.grants:
            return "admin"
        if ("execute", "agor:sessions") in self.grants:
            return "member"
        return "viewer"

    def may(self, action: Action, resource: Resource) -> bool:
        return (action, resource) in self.grants

    def require(self, action: Action, resource: Resource) -> None:
        """Raise `Forbidden` unless the grant is held."""
        if not self.may(action, resource):
            raise Forbidden(
                f"{self.person.display_name} may not {action} {resource.removeprefix('agor:')}.",
                hint="Ask an admin of this server for the right to do it.",
                action=action,
                resource=resource,
            )

    def require_owner(self, owner: UserId, resource: Resource) -> None:
        """Raise `Forbidden` unless this is the owner of the thing, or an admin."""
        if self.id != owner and not self.may("admin", resource):
            raise Forbidden(
                f"Only {owner} or an admin may do this.",
                hint=f"Ask {owner}.",
                owner=owner,
            )


def all_grants() -> frozenset[Grant]:
    return grants_of(ACTIONS)


def grants_of(actions: Iterable[Action]) -> frozenset[Grant]:
    """Give every resource the same `actions`."""
    return frozenset((action, resource) for action in actions for resource in RESOURCES)
