"""The tools for outside clients, by the MCP SDK's streamable HTTP, as an ASGI application.

It knows no tornado and no token: whoever mounts it says who calls, in the scope. The SDK is imported
when the first client comes, in a thread: it takes more than a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

from agor_jupyter.mcp import tools
from agor_jupyter.mcp.tools import Caller
from agor_jupyter.service.house import House

CALLER = "agor.caller"
"""The key of the scope under which the mount says who calls."""

START_SECONDS = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_caller: ContextVar[Caller] = ContextVar("agor_mcp_caller")


class McpEndpoint:
    """Serves `House`'s tools. Stateless: each request says by itself who it is."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._manager: Any = None
        self._running: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; `scope[CALLER]` must be there."""
        manager = await self._started()
        token = _caller.set(scope[CALLER])
        try:
            await manager.handle_request(scope, receive, send)
        finally:
            _caller.reset(token)

    async def close(self) -> None:
        """End the SDK's manager in the task that entered it. Idempotent."""
        self._stop.set()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _started(self) -> Any:
        async with self._starting:
            if self._running is None:
                self._manager = await asyncio.to_thread(_manager, self._house)
                ready = asyncio.Event()
                self._running = asyncio.create_task(self._run(ready), name="agor-mcp")
                async with asyncio.timeout(START_SECONDS):
                    await ready.wait()
        return self._manager

    async def _run(self, ready: asyncio.Event) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._manager.run())
            ready.set()
            await self._stop.wait()


def _manager(house: House) -> Any:
    from mcp import types
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        found = [
            types.Tool(name=spec.name, description=spec.description, input_schema=dict(spec.parameters))
            for spec in tools.specs(own=False)
        ]
        return types.ListToolsResult(tools=found)

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        answer = await tools.call(house, _caller.get(), params.name, params.arguments or {})
        content = [types.TextContent(type="text", text=answer.text)]
        return types.CallToolResult(content=content, is_error=answer.failed)

    server: Server[Any] = Server("agor", version="1", on_list_tools=list_tools, on_call_tool=call_tool)
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True)
