"""The house's own tools as an MCP server in this process: no port, no token, no program."""

from __future__ import annotations

from typing import Any, cast

from claude_agent_sdk import SdkMcpTool, create_sdk_mcp_server, tool
from claude_agent_sdk.types import McpSdkServerConfig

from agor_jupyter.agents.base import ToolCaller, ToolSpec
from agor_jupyter.agents.claude.tools import HOUSE


def server_of(specs: tuple[ToolSpec, ...], call: ToolCaller) -> McpSdkServerConfig:
    """Make the server. Its tools are few, so they always stand in the prompt (`alwaysLoad`).

    The SDK hands on what it does not know of a server's settings; else they would have to be searched for.
    """
    config = create_sdk_mcp_server(HOUSE, tools=[_tool(spec, call) for spec in specs])
    return cast(McpSdkServerConfig, {**config, "alwaysLoad": True})


def unasked(specs: tuple[ToolSpec, ...]) -> frozenset[str]:
    """Give the names by which Claude Code asks for these tools: they run without a person's word.

    Exact names, never a pattern: nobody else's server can be called `agor` (`mcp.check`).
    """
    return frozenset(f"mcp__{HOUSE}__{spec.name}" for spec in specs)


def _tool(spec: ToolSpec, call: ToolCaller) -> SdkMcpTool[Any]:
    # Without `properties` the SDK would take the schema for a list of parameters.
    schema = {"type": "object", "properties": {}, **spec.parameters}

    @tool(spec.name, spec.description, schema)
    async def run(arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await call(spec.name, arguments)
        return {"content": [{"type": "text", "text": answer.text}], "is_error": answer.failed}

    return run
