"""A person's own MCP servers, through the `mcp` SDK: started, asked for their tools, ended.

The SDK is imported when there is a server, in a thread. One that does not start is a notice; the
session goes on without it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from agor_jupyter.agents.addresses import shortened
from agor_jupyter.agents.base import McpServer, ToolSpec
from agor_jupyter.agents.clip import clip, is_deep
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import guarded
from agor_jupyter.agents.workbench.asking import Asking
from agor_jupyter.agents.workbench.eliciting import Eliciting
from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.handed_tools import text_result
from agor_jupyter.agents.workbench.tool import Job, Result, Say, Tool, one_line
from agor_jupyter.domain.content import ToolKind
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import Notice

if TYPE_CHECKING:
    from mcp import Client

CALL_SECONDS = 600.0
STOP_SECONDS = 3.0
MOST_TOOLS = 200
DESCRIPTION_CHARACTERS = 8000
NAME_LIMIT = 64
"""What the model APIs take as a tool's name."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def references_of(servers: Sequence[McpServer]) -> set[str]:
    """Name the variables that servers refer to: they are secrets of those servers."""
    values = [
        value for server in servers for value in (*server.environment.values(), *server.headers.values())
    ]
    return {name for value in values for name in _REFERENCE.findall(value)}


def resolve(values: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Put variables in the place of `${NAME}`. Raises `Unprocessable` where one is not there."""

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environment:
            raise Unprocessable(f"The variable {name} is not set.", hint=f"Set {name} among your keys.")
        return environment[name]

    return {key: _REFERENCE.sub(value_of, value) for key, value in values.items()}


def tool_name(server: str, tool: str) -> str:
    """Name a server's tool as the model sees it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"mcp__{server}__{tool}")[:NAME_LIMIT]


@dataclass(frozen=True)
class McpTool:
    """A tool of a person's server. It is somebody else's program: a person is asked for each call."""

    server: str
    name: str
    spec: ToolSpec
    client: Client
    eliciting: Eliciting
    kind: ToolKind = "other"

    async def look(self, arguments: Mapping[str, Any]) -> Job:
        async def run(_: Say) -> Result:
            from anyio import BrokenResourceError, ClosedResourceError
            from mcp import MCPError

            try:
                async with asyncio.timeout(CALL_SECONDS) as limit, self.eliciting.within(limit, CALL_SECONDS):
                    given = await self.client.call_tool(self.name, dict(arguments))
            except TimeoutError as error:
                raise ToolFailed(f"{self.server} did not answer within {CALL_SECONDS:.0f} s.") from error
            except (MCPError, ClosedResourceError, BrokenResourceError, OSError, RuntimeError) as error:
                said = one_line(str(error)) or "it has ended."
                raise ToolFailed(f"{self.server} failed: {said}") from error
            except ValueError as error:
                raise ToolFailed(f"{self.server} gave an answer that is none.") from error
            text = "\n".join(_words(block) for block in given.content)
            return text_result(text or str(given.structured_content or ""), failed=bool(given.is_error))

        return Job(title=one_line(f"{self.server} {self.name}"), asks=True, run=run)


class McpServers:
    """The live servers of one conversation."""

    def __init__(
        self,
        servers: Sequence[McpServer],
        environment: Mapping[str, str],
        commands: Mapping[str, str],
        cwd: str,
        start_seconds: float,
        asking: Asking,
        outbox: Outbox,
    ) -> None:
        self._asking = asking
        self._outbox = outbox
        self._servers = servers
        self._environment = environment  # what references resolve from
        self._commands = commands  # what a started server sees, besides its own
        self._cwd = cwd
        self._start_seconds = start_seconds
        self._closing = asyncio.Event()
        self._jobs: list[asyncio.Task[None]] = []
        self.tools: list[Tool] = []
        self.notices: list[Notice] = []

    async def open(self) -> None:
        """Start all servers side by side; afterwards `tools` and `notices` are complete."""
        if not self._servers:
            return
        try:
            await asyncio.to_thread(importlib.import_module, "mcp")
        except ModuleNotFoundError:
            for server in self._servers:
                self._failed(server, "the package `mcp` is not installed.")
            return
        ready: list[asyncio.Event] = []
        for server in self._servers:
            up = asyncio.Event()
            ready.append(up)
            self._jobs.append(asyncio.create_task(self._live(server, up), name=f"mcp-{server.name}"))
        await asyncio.gather(*(up.wait() for up in ready))

    async def close(self) -> None:
        """End all servers. Idempotent."""
        self._closing.set()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=STOP_SECONDS)
            for job in self._jobs:
                job.cancel()
            await asyncio.gather(*self._jobs, return_exceptions=True)
        self._jobs = []

    async def _live(self, server: McpServer, up: asyncio.Event) -> None:
        """Hold one server from start to end, in one task: the SDK's scopes must not change tasks."""
        eliciting = Eliciting(server.name, self._asking, self._outbox)
        try:
            async with AsyncExitStack() as stack:
                try:
                    async with asyncio.timeout(self._start_seconds):
                        made = await self._client(server, stack, eliciting)
                        client = await stack.enter_async_context(made)
                        listed = await client.list_tools()
                except TimeoutError:
                    self._failed(server, f"it did not answer within {self._start_seconds:.0f} s.")
                    return
                self._take(server, listed.tools, client, eliciting)
                up.set()
                await self._closing.wait()
        except Unprocessable as error:
            self._failed(server, f"{error.detail} {error.hint}".strip())
        except Exception as error:  # supervises foreign code: whatever a server breaks with is told
            if not up.is_set():
                self._failed(server, one_line(_innermost(error)))
        finally:
            up.set()

    def _take(self, server: McpServer, listed: Sequence[Any], client: Client, eliciting: Eliciting) -> None:
        """Take a server's tools: no more than models take, each name once, none that cannot be told."""
        taken: dict[str, McpTool] = {}
        for tool in listed:
            parameters, name = dict(tool.input_schema), tool_name(server.name, tool.name)
            if len(taken) < MOST_TOOLS and name not in taken and not is_deep(parameters):
                about = clip(tool.description or tool.name, DESCRIPTION_CHARACTERS)[0]
                spec = ToolSpec(name=name, description=about, parameters=parameters)
                taken[name] = McpTool(server.name, tool.name, spec, client, eliciting)
        self.tools += taken.values()
        if (left := len(listed) - len(taken)) > 0:
            text = f"{left} of the {len(listed)} tools of the MCP server {server.name} are left out."
            hint = (
                f"Models take few: it should offer at most {MOST_TOOLS}, each with a short name of its own."
            )
            self.notices.append(Notice(level="warning", text=text, hint=hint))

    async def _client(self, server: McpServer, stack: AsyncExitStack, eliciting: Eliciting) -> Client:
        from mcp import Client, StdioServerParameters
        from mcp.client.stdio import stdio_client
        from mcp.client.streamable_http import streamable_http_client

        if server.transport == "http":
            import httpx2

            headers = resolve(server.headers, self._environment)
            # A server is silent while a person fills in its form; a call has a limit of its own.
            limits = httpx2.Timeout(CALL_SECONDS, read=None)
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=limits))
            way = streamable_http_client(server.url, http_client=http)
            return Client(way, elicitation_callback=eliciting.answer)
        own = resolve(server.environment, self._environment)
        argv = guarded(server.command)
        started = StdioServerParameters(
            command=argv[0], args=argv[1:], env={**self._commands, **own}, cwd=self._cwd
        )
        quiet = stack.enter_context(_nowhere())
        return Client(stdio_client(started, errlog=quiet), elicitation_callback=eliciting.answer)

    def _failed(self, server: McpServer, why: str) -> None:
        # All who read the session see it: an error may name the address, or a header that was refused.
        for name in references_of((server,)):
            if value := self._environment.get(name, "").strip():
                why = why.replace(value, "…")
        why = shortened(why)
        self.notices.append(
            Notice(
                level="warning",
                text=f"The MCP server {server.name} is not there: {why}",
                hint="Mend it, then restart the agent.",
                tool_servers=(server.name,),
            )
        )


@contextmanager
def _nowhere() -> Iterator[TextIO]:
    """Where a server's stderr goes: unread it would fill its pipe, and it may hold secrets."""
    with Path(os.devnull).open("w", encoding="utf-8") as file:
        yield file


def _words(block: object) -> str:
    text = getattr(block, "text", None)
    return text if isinstance(text, str) else f"[{getattr(block, 'type', 'something')} left out]"


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
