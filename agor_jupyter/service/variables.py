"""A person's extra variables for their agents: settings of their own, `environment.<kind>`, and no secrets.

A value is lines of `NAME=value`. Only names that are free may be set: one that a kind of agent or the
machine knows could send the machine's own login elsewhere (a base URL, a proxy, a home folder).
"""

from __future__ import annotations

from agor_jupyter.agents.base import credentials_of
from agor_jupyter.agents.process import ALLOWED, ALLOWED_PREFIXES, FORBIDDEN_PREFIXES
from agor_jupyter.domain.credential import is_variable
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.mcp_server import looks_secret
from agor_jupyter.service.house import House

PREFIX = "environment."
LOADERS = ("LD_", "DYLD_", "PYTHON", "NODE_", "BASH_", "GIT_")
"""What would change how programs start."""


def is_machines(name: str) -> bool:
    """Say whether a variable is the machine's or the house's own: nobody sets it for their agents."""
    upper = name.upper()
    return upper in ALLOWED or upper.startswith((*ALLOWED_PREFIXES, *FORBIDDEN_PREFIXES, *LOADERS))


def check(house: House, setting: str, text: str) -> None:
    """Raise `Unprocessable` unless `text` can be the setting. Empty takes the variables away."""
    house.agents.kind(setting.removeprefix(PREFIX))
    known = _known(house)
    for name, value in read(text).items():
        if not is_variable(name):
            raise Unprocessable(
                f"{name[:80]!r} is no variable.", hint="Write NAME=value on each line.", field=name[:80]
            )
        if is_machines(name) or name in known:
            raise Unprocessable(
                f"{name} is not yours to set.",
                hint="Secrets are set as keys; the rest by who runs the server (AgorApp.agent_environment).",
                field=name,
            )
        if looks_secret(name, value):
            raise Unprocessable(
                f"The value of {name} looks like a secret, and this is no place for one.",
                hint="Give it to an MCP server of your own as ${NAME}, with NAME among your keys.",
                field=name,
            )


async def of_person(house: House, user: UserId, kind: str) -> dict[str, str]:
    """Give a person's extra variables for a kind; what is not theirs to set any more is left out."""
    text = await house.records.setting(user, f"own:{PREFIX}{kind}") or ""
    known = _known(house)
    return {
        name: value
        for name, value in read(text).items()
        if is_variable(name) and not is_machines(name) and name not in known
    }


def is_servers(house: House, name: str) -> bool:
    """Say whether who runs the server sets it, or a kind knows it and it is no credential of any.

    It could send the machine's login elsewhere, or is what no person's server is to be told.
    """
    if is_machines(name) or any(name in credentials_of(kind) for kind in house.agents.kinds()):
        return False
    return name in _known(house) or house.agents.has_variable(name)


def _known(house: House) -> set[str]:
    return {name for kind in house.agents.kinds() for name in (*kind.variables, *credentials_of(kind))}


def read(text: str) -> dict[str, str]:
    """Read lines of `NAME=value`; of a repeated name the last counts."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = [line.partition("=") for line in lines]
    return {name.strip(): value.strip() if sign else "" for name, sign, value in pairs}
