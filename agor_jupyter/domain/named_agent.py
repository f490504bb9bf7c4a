"""Agents that somebody named: a command line that speaks a protocol the house knows, as a kind of its own.

Secrets stand in them by reference only (`${NAME}`, a credential of the session's owner).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.model import Value


class NamedAgent(Value):
    """One of them. `name` makes its kind and is for life, `label` is what people see.

    `credentials` are the secrets that it takes from its environment, `login` its own word for a way to log
    in, `modes` its own modes for ours. `source`: an admin added it in the panel, or a setting of the server
    names it.
    """

    name: str
    label: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    credentials: tuple[str, ...] = ()
    login: str = ""
    modes: Mapping[Mode, str] = {}
    source: Literal["panel", "setting"] = "panel"
    by: UserId | None = None
    changed_ms: int = 0


class AgentPreset(Value):
    """An agent that is known by name: what its own documentation says starts it. Nothing of it is run."""

    name: str
    label: str
    command: tuple[str, ...]
    hint: str
    source: str
    """The page that says so."""
