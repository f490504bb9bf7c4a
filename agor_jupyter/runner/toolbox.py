"""The house's tools as the agent's process sees them: calls that the server answers.

A call waits while the server is away: it is told again to whoever attaches, and after
`AWAY_SECONDS` without an answer the agent is told so. No agent holds a port or a token for this.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agor_jupyter.agents.base import ToolAnswer, ToolSpec
from agor_jupyter.agents.clip import is_deep
from agor_jupyter.domain.errors import InvalidRequest
from agor_jupyter.runner.protocol import (
    CallTool,
    ListTools,
    ToolAsked,
    ToolCalled,
    ToolsListed,
    bridge_adapter,
)
from agor_jupyter.runner.sockets import bind_private, read_socket_lines

AWAY_SECONDS = 120.0
MAX_CALLS = 64
MAX_BRIDGES = 16

AWAY = ToolAnswer(
    text="Agor's server did not answer. It may be restarting: go on without, or try again later.", failed=True
)
BUSY = ToolAnswer(text="Too many calls wait for Agor's server. Wait for their answers first.", failed=True)
UNREADABLE = ToolAnswer(
    text="The arguments cannot be read: they are nested too deep, or no JSON.", failed=True
)
OVER = ToolAnswer(text="The session has ended.", failed=True)

log = logging.getLogger(__name__)


class Toolbox:
    """Calls that wait for the server, and the socket of the bridges."""

    def __init__(
        self,
        tools: tuple[ToolSpec, ...],
        tell: Callable[[ToolAsked], None],
        *,
        away_seconds: float = AWAY_SECONDS,
    ) -> None:
        self._tools = tools
        self._tell = tell
        self._away_seconds = away_seconds
        self._waiting: dict[str, tuple[ToolAsked, asyncio.Future[ToolAnswer]]] = {}
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._path = Path()
        self._closed = False

    @property
    def waiting(self) -> list[ToolAsked]:
        """List the calls without an answer: what a server that attaches must be told."""
        return [asked for asked, _ in self._waiting.values()]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Ask the server; see `agents.base.ToolCaller`."""
        if self._closed:
            return OVER
        if tool not in {known.name for known in self._tools}:
            return ToolAnswer(text=f"There is no tool {tool!r}.", failed=True)
        if len(self._waiting) >= MAX_CALLS:
            return BUSY
        if (given := _readable(arguments)) is None:
            return UNREADABLE
        asked = ToolAsked(call=secrets.token_hex(8), tool=tool, input=given)
        answer: asyncio.Future[ToolAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[asked.call] = (asked, answer)
        self._tell(asked)
        try:
            async with asyncio.timeout(self._away_seconds):
                return await answer
        except TimeoutError:
            return AWAY
        finally:
            self._waiting.pop(asked.call, None)

    def answer(self, call: str, answer: ToolAnswer) -> None:
        """Give a call its answer. One that nobody waits for (any more) is ignored."""
        _, waiting = self._waiting.get(call, (None, None))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def open(self, path: str) -> None:
        """Serve bridges at `path`, for this user only."""
        self._path = Path(path)
        _make_way(self._path)
        self._server = await asyncio.start_unix_server(self._accept, sock=bind_private(path))

    async def close(self) -> None:
        """Answer whoever waits that it is over; serve nobody any more. Idempotent."""
        self._closed = True
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_result(OVER)
        if self._server is not None:
            self._server.close()
            _remove(self._path)
        for job in list(self._serving):
            job.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) >= MAX_BRIDGES:
            writer.close()
            return
        job = asyncio.create_task(self._serve(reader, writer), name="bridge")
        self._serving.add(job)
        job.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a bridge's calls, side by side, until it hangs up."""
        try:
            async with asyncio.TaskGroup() as group:
                async for line in read_socket_lines(reader):
                    group.create_task(self._relay(bridge_adapter.validate_json(line), writer))
        except* (ConnectionError, InvalidRequest, ValidationError) as errors:
            # By its kind alone: the words of some repeat what was said, and this is a log.
            log.info("a bridge was dropped: %s", type(errors.exceptions[0]).__name__)
        finally:
            writer.close()
            writer.transport.abort()

    async def _relay(self, asked: ListTools | CallTool, writer: asyncio.StreamWriter) -> None:
        said: ToolsListed | ToolCalled
        if isinstance(asked, ListTools):
            said = ToolsListed(id=asked.id, tools=self._tools)
        else:
            said = ToolCalled(id=asked.id, answer=await self.call(asked.tool, asked.input))
        writer.write(said.model_dump_json().encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()


def _readable(arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the arguments as the server can read them: half a surrogate pair is replaced.

    None for what it could not: a line of it would end the session's connection, not this call alone.
    """
    if is_deep(arguments):
        return None
    try:
        text = json.dumps(dict(arguments), ensure_ascii=False)
        read: dict[str, Any] = json.loads(text.encode(errors="replace"))
    except (TypeError, ValueError):
        return None
    return read


def _make_way(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
