"""The secrets of the server itself, as far as it can know them: to be taken out of what is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agor_jupyter.agents.process import ALLOWED, ALLOWED_PREFIXES
from agor_jupyter.domain.mcp_server import looks_secret

SHORTEST = 8


def secrets_of_server(
    environment: Mapping[str, str], extra: Iterable[Mapping[str, str]], identity_provider: Any
) -> tuple[str, ...]:
    """Give what looks like a secret in the environment and in agents' `extra` variables, and the token."""
    named = [*environment.items(), *(item for variables in extra for item in variables.items())]
    found = [value for name, value in named if not _is_plain(name) and looks_secret(name, value)]
    token = getattr(identity_provider, "token", "")
    return tuple(dict.fromkeys(value for value in [*found, token] if value and len(value) >= SHORTEST))


def _is_plain(name: str) -> bool:
    """Say whether a variable is one that every program sees, and that holds folders and languages."""
    return name.upper() in ALLOWED or name.startswith(ALLOWED_PREFIXES)
