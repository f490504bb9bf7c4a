"""A person's MCP servers, as Codex's settings of one conversation. Pure.

No secret stands in them. A program gets its variables from a shell of one line that puts them in
place: `${NAME}` is written there by name, and Codex passes NAME on from its own environment. A
header of an HTTP server is read by Codex from a variable, which `variables_of` makes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from agor_jupyter.agents.base import McpServer

START_SECONDS = 20
"""How long a turn waits for a server that still starts: Codex by itself begins without it after a second."""

HEADER_PREFIX = "AGOR_MCP_HEADER_"
MARKERS = ("AGOR_SESSION", "AGOR_RUN", "AGOR_SPAWN")
"""What must reach every process of a session: what carries them is ended with it."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def settings_of(servers: Iterable[McpServer], others: Iterable[str]) -> dict[str, Any]:
    """Give `mcp_servers`: these, and no other one that the person's own settings name."""
    found: dict[str, Any] = {name: {"enabled": False} for name in others}
    for place, server in enumerate(servers):
        found[server.name] = _server(place, server)
    return found


def variables_of(servers: Iterable[McpServer], environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of Codex itself that hold the headers of HTTP servers."""
    found: dict[str, str] = {}
    for place, server in enumerate(servers):
        for number, value in enumerate(server.headers.values()):
            found[f"{HEADER_PREFIX}{place}_{number}"] = _filled(value, environment)
    return found


def _server(place: int, server: McpServer) -> dict[str, Any]:
    common = {"default_tools_approval_mode": "prompt", "startup_timeout_sec": START_SECONDS}
    if server.transport == "http":
        names = {name: f"{HEADER_PREFIX}{place}_{number}" for number, name in enumerate(server.headers)}
        return {**common, "url": server.url, "env_http_headers": names}
    wanted = sorted({name for value in server.environment.values() for name in _REFERENCE.findall(value)})
    passed = [*MARKERS, *wanted]
    if not server.environment:
        command, *arguments = server.command
        return {**common, "command": command, "args": arguments, "env_vars": passed}
    sets = "; ".join(f"export {name}={_quoted(value)}" for name, value in server.environment.items())
    script = f'{sets}; exec "$@"'
    arguments = ["-c", script, "sh", *server.command]
    return {**common, "command": "/bin/sh", "args": arguments, "env_vars": passed}


def _quoted(value: str) -> str:
    """Quote for the shell: all is literal but references."""
    parts = _REFERENCE.split(value)  # text, name, text, name, …, text
    return "".join(
        f'"${{{part}}}"' if number % 2 else (shlex.quote(part) if part else "")
        for number, part in enumerate(parts)
    )


def _filled(value: str, environment: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: environment.get(found.group(1), ""), value)
