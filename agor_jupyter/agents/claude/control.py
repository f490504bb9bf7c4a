"""Requests to a live Claude Code, within a deadline and with errors of the house.

`set_effort` is the one place that uses a part of the SDK which is not its public interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError

from agor_jupyter.agents.claude import turns
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, TimedOut

CONTROL_SECONDS = 5.0
PENDING_SECONDS = 1.0
ValueT = TypeVar("ValueT")


async def control(request: Awaitable[ValueT], seconds: float = CONTROL_SECONDS) -> ValueT:
    """Await a control request of the SDK. Raises `TimedOut`, `AgentUnavailable` or `Conflict`."""
    try:
        async with asyncio.timeout(seconds):
            return await request
    except TimeoutError as error:
        raise TimedOut("Claude Code did not answer in time.", hint="Try again.") from error
    except ClaudeSDKError as error:
        raise AgentUnavailable("Claude Code has ended.", hint="Resume the session.") from error
    except Exception as error:  # the SDK raises bare Exception for what the CLI refuses
        raise Conflict(f"Claude Code refused: {turns.sentence(str(error))}") from error


async def set_effort(client: ClaudeSDKClient, effort: str) -> None:
    """Switch the effort of a live client from its next turn on. Empty: the model's own.

    The program knows the request and the SDK for TypeScript has a method for it; the one for Python
    has none yet. The other way, a new process with `effort`, would end its background agents.
    """
    send = getattr(getattr(client, "_query", None), "_send_control_request", None)
    if send is None:
        raise Conflict(
            "This version of Claude Code cannot change its effort while it runs.",
            hint="Resume the session: the effort holds from its next start.",
        )
    await control(send({"subtype": "apply_flag_settings", "settings": {"effortLevel": effort or None}}))


async def drop_pending(client: ClaudeSDKClient) -> None:
    """Switch off the MCP servers that have not answered yet: no turn begins, nor is stopped, before that.

    They stay off until the session's process starts again, which a notice says.
    """
    status = await control(client.get_mcp_status(), PENDING_SECONDS)
    for server in status.get("mcpServers") or ():
        if server.get("status") == "pending":
            await control(client.toggle_mcp_server(str(server.get("name")), False), PENDING_SECONDS)


async def within(condition: Awaitable[object], seconds: float) -> bool:
    """Await a condition; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await condition
    except TimeoutError:
        return False
    return True
