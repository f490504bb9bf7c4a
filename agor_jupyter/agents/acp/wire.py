"""What is sent to an agent: parameters of the protocol's methods, as data. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agor_jupyter.agents.acp.offers import Abilities
from agor_jupyter.agents.base import McpServer, SessionSpec
from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import Unprocessable, UnsupportedByAgent

HOUSE_SERVER = "agor"
"""The name of the tool server through which the house's own tools are reached."""

CLIENT_CAPABILITIES: Mapping[str, Any] = {
    # Neither files nor terminals are offered: an agent that has ours would write and run through us
    # after it has asked, or without; with its own tools it asks first, and shows the diff. Its commands
    # then are its children, which it stops and we find. What the terminals' live output and exit codes
    # would give, agents that know this extension tell all the same.
    "fs": {"readTextFile": False, "writeTextFile": False},
    "terminal": False,
    "_meta": {"terminal_output": True},
}

_TAKEN = re.compile(rf"{HOUSE_SERVER}([\W_]+{HOUSE_SERVER}.*)?")
"""The house's own name, and names that with a tool's could read as the house's: `agor_agor` and `whoami`."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def initialize(version: int) -> dict[str, Any]:
    return {
        "protocolVersion": version,
        "clientCapabilities": dict(CLIENT_CAPABILITIES),
        "clientInfo": {"name": "agor-jupyter", "title": "Agor for Jupyter", "version": "1"},
    }


def prompt_blocks(
    agent: str, can: Abilities, text: str, attachments: Sequence[Attachment], preface: str
) -> list[dict[str, Any]]:
    """Make the content of a prompt. The text comes first: agents look for a command there.

    Raises `UnsupportedByAgent` for an image that the agent at hand cannot see.
    """
    blocks = [{"type": "text", "text": preface}] if preface else []
    blocks.append({"type": "text", "text": text})
    return blocks + [_attached(agent, can, item) for item in attachments]


def _attached(agent: str, can: Abilities, item: Attachment) -> dict[str, Any]:
    if item.media_type.startswith("image/"):
        if not can.images:
            raise UnsupportedByAgent(agent, "images", hint="Send the prompt without the image.")
        return {"type": "image", "data": item.data, "mimeType": item.media_type}
    if not can.embedded:
        return {"type": "text", "text": f"File {item.name}:\n\n{item.data}"}
    resource = {"uri": f"attachment:{item.name}", "mimeType": item.media_type, "text": item.data}
    return {"type": "resource", "resource": resource}


def tool_servers(
    agent: str,
    can: Abilities,
    spec: SessionSpec,
    markers: Mapping[str, str],
    find: Callable[[str], str | None],
) -> list[dict[str, Any]]:
    """List the tool servers of a session: a person's, and the house's own behind its bridge.

    References are resolved here, into a message on the agent's stdin: a secret reaches no argv and no
    file. `markers` go into each server's environment, for not every agent hands its own down; `find`
    finds a command on PATH.
    """
    servers = [_server(agent, can, server, spec.environment, markers, find) for server in spec.mcp_servers]
    if spec.bridge and spec.tools:
        command, *arguments = spec.bridge
        servers.append(_stdio(HOUSE_SERVER, command, arguments, {}, markers))
    return servers


def _server(
    agent: str,
    can: Abilities,
    server: McpServer,
    environment: Mapping[str, str],
    markers: Mapping[str, str],
    find: Callable[[str], str | None],
) -> dict[str, Any]:
    if _TAKEN.fullmatch(server.name):
        raise Unprocessable(f"The name {HOUSE_SERVER!r} is taken: rename this MCP server.")
    if server.transport == "http":
        if not can.http:
            raise UnsupportedByAgent(agent, "mcp", hint=f"It takes no MCP server over HTTP: {server.name!r}.")
        headers = _pairs(resolved(server.name, server.headers, environment))
        return {"type": "http", "name": server.name, "url": server.url, "headers": headers}
    if not server.command:
        raise Unprocessable(f"The MCP server {server.name!r} has no command.")
    program, *arguments = server.command
    values = resolved(server.name, server.environment, environment)
    return _stdio(server.name, find(program) or program, arguments, values, markers)


def _stdio(
    name: str,
    command: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    markers: Mapping[str, str],
) -> dict[str, Any]:
    env = _pairs({**environment, **markers})
    return {"name": name, "command": command, "args": list(arguments), "env": env}


def resolved(
    name: str, values: Mapping[str, str], environment: Mapping[str, str], *, what: str = "MCP server"
) -> dict[str, str]:
    """Put variables of the agent's environment in the place of `${NAME}`. Raises `Unprocessable`."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise Unprocessable(
                f"The {what} {name!r} needs the variable {found[1]}.",
                hint="Set it in the credentials or in the environment of the agent.",
            )
        return environment[found[1]]

    return {key: _REFERENCE.sub(value, text) for key, text in values.items()}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
