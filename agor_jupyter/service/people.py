"""The person who asks: who they are here, what they may do, and what they set for themselves."""

from __future__ import annotations

import re

from agor_jupyter.domain.errors import Conflict, Forbidden, InvalidRequest
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.user import ACTIONS, LOCAL_USER, RESOURCES, Actor
from agor_jupyter.service import variables
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import Me, Minted
from agor_jupyter.service.house import House
from agor_jupyter.service.requests import RenamePerson

SETTINGS_INDEX = "settings:names"
MAX_SETTINGS = 100
NAMES_REMEMBERED = 1000
MAX_VALUE = 20_000
_SETTING = re.compile(r"^[a-z][a-z0-9._-]{0,63}")


async def who(house: House, actor: Actor, *, named_users: bool) -> Me:
    admit(actor, "people.who")
    granted = {
        resource: tuple(action for action in ACTIONS if actor.may(action, resource)) for resource in RESOURCES
    }
    return Me(
        person=actor.person,
        role=actor.role,
        named_users=named_users,
        permissions={str(resource): tuple(map(str, actions)) for resource, actions in granted.items()},
        read_only=house.read_only,
        data_dir_note=house.data_dir_note,
    )


async def rename(house: House, actor: Actor, request: RenamePerson, *, browser: str | None) -> Actor:
    """Give this browser's person another display name: for the one person `local` only.

    `browser` names the login cookie. Ownership and history stay with `local`.
    """
    admit(actor, "people.rename")
    house.check_writable()
    if actor.id != LOCAL_USER or browser is None:
        raise Conflict(
            "Your name comes from where you logged in.", hint="Change it there; it is shown here at once."
        )
    await house.records.keep_setting(LOCAL_USER, _name_key(browser), request.display_name)
    house.names[browser] = request.display_name
    person = actor.person.model_copy(update={"display_name": request.display_name})
    return actor.model_copy(update={"person": person})


async def name_of(house: House, browser: str) -> str | None:
    """Give the display name that somebody chose in this browser, or None. Read once, then remembered."""
    if browser not in house.names:
        if len(house.names) >= NAMES_REMEMBERED:
            house.names.clear()
        house.names[browser] = await house.records.setting(LOCAL_USER, _name_key(browser))
    return house.names[browser]


def _name_key(browser: str) -> str:
    return f"display_name:{browser[:100]}"


async def mint_token(house: House, actor: Actor) -> Minted:
    """Make a token for an outside MCP client, shown this once: this person's rights, but no admin's."""
    admit(actor, "people.mint_token")
    house.check_writable()
    if actor.via != "panel":
        raise Forbidden("A token cannot make tokens.", hint="Make it in the panel.")
    return Minted(token=await house.tokens.mint(actor.id, _purpose(actor)))


async def revoke_tokens(house: House, actor: Actor) -> None:
    """End all tokens that this person made for outside clients."""
    admit(actor, "people.revoke_tokens")
    house.check_writable()
    await house.tokens.revoke_all(_purpose(actor))


def _purpose(actor: Actor) -> str:
    return f"mcp:{actor.id}"


async def settings(house: House, actor: Actor) -> dict[str, str]:
    """Give this person's own settings."""
    admit(actor, "people.settings")
    values = {
        name: await house.records.setting(actor.id, f"own:{name}") for name in await _names(house, actor.id)
    }
    return {name: value for name, value in values.items() if value is not None}


async def change_settings(house: House, actor: Actor, changes: dict[str, str]) -> dict[str, str]:
    """Set what is given, leave the rest. Names are lower-case words; at most 100 of them."""
    admit(actor, "people.change_settings")
    house.check_writable()
    for name, value in changes.items():
        if not _SETTING.fullmatch(name) or len(value) > MAX_VALUE:
            raise InvalidRequest(
                f"{name[:80]!r} cannot be set so.",
                hint="Names: a-z, 0-9, dot, dash; values: 20,000 characters.",
            )
        if name.startswith(variables.PREFIX):
            if actor.via != "panel":
                raise Forbidden("A token does not change what agents start with.", hint="Do it in the panel.")
            variables.check(house, name, value)
    async with house.naming:
        names = await _names(house, actor.id)
        merged = sorted({*names, *changes})
        if len(merged) > MAX_SETTINGS:
            raise Conflict(f"There are {MAX_SETTINGS} settings already.", hint="Change one that is there.")
        for name, value in changes.items():
            await house.records.keep_setting(actor.id, f"own:{name}", value)
        await house.records.keep_setting(actor.id, SETTINGS_INDEX, "\n".join(merged))
    return await settings(house, actor)


async def _names(house: House, user: UserId) -> list[str]:
    return (await house.records.setting(user, SETTINGS_INDEX) or "").split()
