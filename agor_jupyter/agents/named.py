"""Named agents as kinds: each is a kind of its own, so that several stand side by side.

A runner knows one by its kind's name alone; its command line comes with the session's options.
"""

from __future__ import annotations

import re
from typing import Any

from agor_jupyter.agents.acp.kind import named
from agor_jupyter.agents.base import AgentKind
from agor_jupyter.domain.named_agent import AgentPreset, NamedAgent

PREFIX = "acp."
"""No package's kind begins so: these names are for who runs a server."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

PRESETS = (
    AgentPreset(
        name="goose",
        label="Goose",
        command=("goose", "acp"),
        hint="Install Goose, then run `goose configure` in a terminal of the server.",
        source="https://block.github.io/goose/docs/guides/acp-clients",
    ),
    AgentPreset(
        name="opencode",
        label="OpenCode",
        command=("opencode", "acp"),
        hint="Run `npm install -g opencode-ai`, then `opencode auth login` in a terminal of the server.",
        source="https://opencode.ai/docs/cli/acp/",
    ),
    AgentPreset(
        name="qwen-code",
        label="Qwen Code",
        command=("qwen", "--acp"),
        hint="Run `npm install -g @qwen-code/qwen-code` (Node 22), then `qwen` in a terminal of the server.",
        source="https://github.com/QwenLM/qwen-code/blob/main/docs/users/integration-zed.md",
    ),
)
"""What their own documentation says. The panel fills it in; nothing is run before somebody adds it."""


def kind_name(name: str) -> str:
    return PREFIX + name


def is_named(kind: str) -> bool:
    return kind.startswith(PREFIX)


def options_of(agent: NamedAgent) -> dict[str, Any]:
    """Give what a session with it is started with."""
    return {
        "command": list(agent.command),
        "title": agent.label,
        "environment": dict(agent.environment),
        "credentials": list(agent.credentials),
        "login": agent.login,
        "modes": dict(agent.modes),
    }


def make(agent: NamedAgent) -> AgentKind:
    """Make the kind that is listed and probed."""
    return named(kind_name(agent.name), agent.command, options_of(agent))


def bare(kind: str) -> AgentKind:
    """Make a kind of which only the name is known: in a runner, or after it was removed."""
    return named(kind, (), {})
