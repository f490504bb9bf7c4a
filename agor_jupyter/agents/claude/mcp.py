"""A person's own MCP servers as Claude Code takes them, and news of those that are not there. Pure.

The SDK writes the configuration on the program's command line, where every user of the machine can
read it. So only references (`${NAME}`) stand there: Claude Code expands them from its environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from claude_agent_sdk.types import McpHttpServerConfig, McpServerConfig, McpStdioServerConfig

from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.claude.tools import HOUSE
from agor_jupyter.agents.process import SERVER_MARKER
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import Notice

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_PLAIN = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")  # one with a default has words of its own
_BARE = re.compile(r"\s*(?:(?:Bearer|Basic|Token)\s+)?", re.IGNORECASE)
_STATES: Mapping[str, str] = {
    "pending": "has not answered yet",
    "failed": "could not be reached",
    "needs-auth": "wants a login",
    "disabled": "is switched off",
}

_LOGIN = "Give it a token: a header `Authorization` of `Bearer ${NAME}`, and NAME among your keys."


@dataclass(frozen=True)
class Servers:
    """What goes to the SDK, and the variables that its references name beside the session's own."""

    config: dict[str, McpServerConfig] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


def servers_of(servers: tuple[McpServer, ...], environment: Mapping[str, str]) -> Servers:
    """Translate a person's servers. Raises `Unprocessable` for what could not work."""
    made = Servers()
    for server in servers:
        check(server)
        if server.name in made.config:
            raise Unprocessable(f"Two MCP servers are called {server.name!r}.", hint="Rename one of them.")
        hide = _Hiding(environment, made.variables)
        if server.transport == "http":
            headers = {name: hide.value(value) for name, value in server.headers.items()}
            made.config[server.name] = McpHttpServerConfig(
                type="http", url=hide.address(server.url), headers=headers
            )
        else:
            own = {name: hide.value(value) for name, value in server.environment.items()}
            own[SERVER_MARKER] = "1"
            program, *arguments = server.command
            made.config[server.name] = McpStdioServerConfig(
                type="stdio", command=program, args=arguments, env=own
            )
    return made


def check(server: McpServer) -> None:
    """Refuse a server that has no way to it, or a name that would be taken for another's."""
    if _NAME.fullmatch(server.name) is None or "__" in server.name:
        raise Unprocessable(
            f"An MCP server cannot be called {server.name[:80]!r}.",
            hint="Use letters, digits, single underscores and hyphens.",
        )
    if server.name == HOUSE:
        raise Unprocessable(
            f"{HOUSE!r} is the name of the house's own tools.", hint="Rename that MCP server."
        )
    if not (server.url if server.transport == "http" else server.command):
        raise Unprocessable(f"The MCP server {server.name!r} has no address or command.")


@dataclass(frozen=True)
class _Hiding:
    """Puts what may be a secret into a variable of the agent's environment, and a reference in its place."""

    environment: Mapping[str, str]
    variables: dict[str, str]

    def value(self, value: str) -> str:
        """A value that is all references stays as it is; one with words of its own is hidden whole."""
        if not value or _BARE.fullmatch(_PLAIN.sub("", value)):
            return value
        return self._hidden(value)

    def address(self, url: str) -> str:
        """An address is shown, but for one that carries a name, a password or a query."""
        return self._hidden(url) if "@" in url or "?" in url else url

    def _hidden(self, value: str) -> str:
        name = f"AGOR_MCP_{len(self.variables)}"
        # Claude Code expands once, so the references within are expanded here.
        self.variables[name] = _REFERENCE.sub(self._found, value)
        return f"${{{name}}}"

    def _found(self, reference: re.Match[str]) -> str:
        return self.environment.get(reference[1]) or reference[2] or ""


class Watch:
    """Tells once of each server that is not there when a turn begins."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def hear(self, data: Mapping[str, Any]) -> list[Notice]:
        """Read the `init` message of a turn."""
        notices: list[Notice] = []
        for server in data.get("mcp_servers") or ():
            name, state = str(server.get("name", "")), str(server.get("status", ""))
            if state in _STATES and name not in self._told:
                self._told.add(name)
                text = f"The MCP server {name!r} {_STATES[state]}: its tools are missing."
                hint = _LOGIN if state == "needs-auth" else "Look at its command or address."
                notices.append(Notice(level="warning", text=text, hint=hint, tool_servers=(name,)))
        return notices
