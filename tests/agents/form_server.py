"""An MCP server of the real SDK whose tool asks the person. Started by its path, over stdio."""

from __future__ import annotations

import sys
import time
from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Elicit, ElicitationResult, MCPServer, Resolve
from pydantic import BaseModel, ConfigDict, Field

from agor_jupyter.agents.base import McpServer

server = MCPServer("forms")


class Titled(BaseModel):
    """As this SDK writes it by itself: the schema has a title."""

    guests: int = Field(description="How many guests?", ge=1, le=9)
    cake: bool = Field(description="With cake?")


class Tea(Titled):
    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("title"))


async def ask_titled() -> Elicit[Titled]:
    return Elicit("Who comes to tea?", Titled)


async def ask() -> Elicit[Tea]:
    """Name what is asked: in the middle of the call, or as what the call wants, by the protocol's version."""
    return Elicit("Who comes to tea?", Tea)


@server.tool()
async def invite(tea: Annotated[ElicitationResult[Tea], Resolve(ask)]) -> str:
    """Ask who comes to tea."""
    return f"accept: {tea.data!r}" if isinstance(tea, AcceptedElicitation) else tea.action


@server.tool()
async def invite_titled(tea: Annotated[ElicitationResult[Titled], Resolve(ask_titled)]) -> str:
    """Ask the same by a form with a title."""
    return tea.action


FORMS = McpServer(name="forms", command=(sys.executable, __file__))


def late(seconds: int) -> McpServer:
    """Give the same server as one that takes its time to start."""
    return FORMS.model_copy(update={"command": (*FORMS.command, str(seconds))})


if __name__ == "__main__":
    time.sleep(sum(map(int, sys.argv[1:])))
    server.run()
