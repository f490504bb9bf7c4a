"""Who stands behind a request: the person, and what Jupyter's Authorizer grants them right now.

With named users (a Hub, an identity provider of one's own) the person is the user. Without, every
browser has a random user per cookie: all of them are the one person `local`, each with a display
name of its own, so that what somebody owns survives a new cookie.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jupyter_server.auth import AllowAllAuthorizer, IdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider
from jupyter_server.base.handlers import JupyterHandler
from pydantic import ValidationError

from agor_jupyter.domain.errors import Forbidden, ReadOnly, StorageFull
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.user import ACTIONS, LOCAL_USER, RESOURCES, Actor, Grant, Person, all_grants
from agor_jupyter.service.house import House
from agor_jupyter.service.people import name_of

TOKEN = re.compile(r"^\s*(?:token|bearer)\s+(agor_\S{8,200})\s*$", re.IGNORECASE)
_STANDARD = "jupyter_server.auth.identity"
_WHO = (
    "get_user",
    "_get_user",
    "get_user_token",
    "get_user_cookie",
    "user_from_cookie",
    "generate_anonymous_user",
    "process_login_form",
)
_ALL = all_grants()
HOUSE_WORDS = frozenset({LOCAL_USER, "policy", "agent", "engine"})
"""What events say in a person's place: as somebody's name they would lend an answer another author."""


@dataclass
class KnownPeople:
    """The named people that were seen, so that a kernel's token can act as one of them by name."""

    seen: dict[UserId, Person] = field(default_factory=dict)
    users: dict[UserId, User] = field(default_factory=dict)
    """As their identity provider made them: an Authorizer (a Hub's) may need more than a name."""

    grants: dict[UserId, frozenset[Grant]] = field(default_factory=dict)
    """What Jupyter's Authorizer granted at the last request: for what an agent asks in their name."""

    def remember(self, user: User) -> None:
        self.users[UserId(user.username)] = user

    def name_of(self, user_id: str) -> str:
        """Give the name that people see; the id of somebody who was not here since the start."""
        person = self.seen.get(UserId(user_id))
        return person.display_name if person is not None else user_id


def has_named_users(provider: IdentityProvider) -> bool:
    """Say whether the provider knows people apart: not so for Jupyter's own token and password."""
    # One with a log-in handler of somebody's own stands in Jupyter's module, and knows them.
    return isinstance(provider, LegacyIdentityProvider) or _is_named(type(provider))


@lru_cache
def _is_named(kind: type[IdentityProvider]) -> bool:
    return any(getattr(kind, name).__module__ != _STANDARD for name in _WHO)


def scoped_token(handler: JupyterHandler) -> str | None:
    """Give the `agor_…` token of a request's header. One in the URL is never taken: URLs are logged."""
    match = TOKEN.match(handler.request.headers.get("Authorization", ""))
    return match.group(1) if match else None


async def user_of_token(handler: JupyterHandler, house: House, token: str) -> User | None:
    """Give the user that a scoped token stands for, or None if it is not (or no longer) valid.

    A named person who has not been here since the start is let in by nothing: what their identity
    provider says of them is not known, and a made-up user could be granted what they are not.
    """
    user_id = await house.tokens.check(token)
    if user_id is None or not has_named_users(handler.identity_provider):
        return User(username=user_id) if user_id is not None else None
    return known_people(handler.settings).users.get(user_id)


def known_people(settings: dict[str, Any]) -> KnownPeople:
    known: KnownPeople = settings.setdefault("agor_people", KnownPeople())
    return known


async def actor_for(handler: JupyterHandler, *, via_token: bool = False) -> Actor:
    """Name the actor of a request. The handler must have been authenticated."""
    house: House = handler.settings["agor"]
    user: User = handler.current_user
    named = has_named_users(handler.identity_provider)
    person = await (_named(handler, house, user, via_token) if named else _local(handler, house, via_token))
    grants = await grants_of(handler, user)
    known_people(handler.settings).grants[person.id] = grants
    if not via_token:
        return Actor(person=person, grants=grants, via="panel")
    # A token lies in a kernel's environment: what it opens stays below what rules over others' things.
    return Actor(person=person, grants=frozenset(it for it in grants if it[0] != "admin"), via="magic")


async def grants_of(handler: JupyterHandler, user: User) -> frozenset[Grant]:
    """Ask Jupyter's Authorizer for every action on every resource; it may answer later."""
    if type(handler.authorizer) is AllowAllAuthorizer:
        return _ALL
    granted: set[Grant] = set()
    for action in ACTIONS:
        for resource in RESOURCES:
            answer = handler.authorizer.is_authorized(handler, user, action, resource)
            if inspect.isawaitable(answer):
                answer = await answer
            if answer:
                granted.add((action, resource))
    return frozenset(granted)


def browser_of(handler: JupyterHandler) -> str | None:
    """Name the browser by the random user of its login cookie; a request that brings none has none."""
    cookie = handler.identity_provider.get_cookie_name(handler)
    return handler.current_user.username if handler.get_cookie(cookie) is not None else None


async def _local(handler: JupyterHandler, house: House, via_token: bool) -> Person:
    user: User = handler.current_user
    browser = None if via_token else browser_of(handler)
    kept = await name_of(house, browser) if browser is not None else None
    shown = kept or (user.display_name if not via_token else "") or "You"
    return Person(
        id=LOCAL_USER,
        name=shown,
        display_name=shown,
        initials="".join(word[0] for word in shown.split()[:2]).upper(),
        color=user.color,
    )


async def _named(handler: JupyterHandler, house: House, user: User, via_token: bool) -> Person:
    known = known_people(handler.settings)
    user_id = UserId(user.username)
    if user_id in HOUSE_WORDS:
        raise Forbidden(
            f"Nobody works here as {user_id!r}: it is a word of the house.", hint="Rename the user."
        )
    if via_token:
        return known.seen.get(user_id) or await _remembered(house, user_id)
    known.remember(user)
    person = Person(
        id=user_id,
        name=user.name or user.username,
        display_name=user.display_name or user.name or user.username,
        initials=user.initials or "",
        color=user.color,
    )
    if known.seen.get(user_id) != person:
        known.seen[user_id] = person
        await _remember(house, person)
    return person


async def _remember(house: House, person: Person) -> None:
    if house.read_only:
        return
    try:
        await house.records.keep_setting(person.id, "person", person.model_dump_json())
    except (StorageFull, ReadOnly):
        return  # only a name for show is lost; what was asked must not fail for it


async def _remembered(house: House, user_id: UserId) -> Person:
    kept = await house.records.setting(user_id, "person")
    try:
        return Person.model_validate_json(kept or "")
    except ValidationError:
        return Person(id=user_id, name=user_id, display_name=user_id)
