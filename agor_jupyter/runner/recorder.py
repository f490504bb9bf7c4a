"""Turns an agent's updates into lines of the log, joining small chunks on the way.

A token a line would make the log ten times as long as what was said. A chunk is written at once
when nothing was written for `JOIN_SECONDS`, else it waits so long for others of its message.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from pydantic_core import PydanticSerializationError

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.domain.errors import StorageFull
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    AgentUpdate,
    Notice,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.runner.bounds import bounded
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerStarted, TaskAccepted
from agor_jupyter.runner.steady_clock import SteadyClock

JOIN_SECONDS = 0.05
JOIN_CHARACTERS = 32 * 1024
RETRY_SECONDS = 0.5

Joinable = AgentMessageChunk | AgentThoughtChunk | ToolCallUpdate


async def completed(updates: AsyncIterator[AgentUpdate], session: SessionSpec) -> AsyncIterator[AgentUpdate]:
    """Note in each `agent_ready` what no adapter says: whether the repository was trusted when the agent
    started, and which MCP servers it started with, as far as it told that one is missing. What is more
    than a log can hold is cut on the way."""
    servers = {server.name: "" for server in session.mcp_servers}
    async for update in updates:
        if isinstance(update, Notice):
            # An adapter may tell of one before it is ready, and may be ready more than once.
            servers.update({name: update.text for name in update.tool_servers if name in servers})
        if isinstance(update, AgentReady):
            noted = {"trusted": session.trusted, "tool_servers": dict(servers)}
            yield update.model_copy(update=noted)
        else:
            for part in bounded(update):
                yield part


class Recorder:
    """Owns the order of the log: what is recorded first is written first."""

    def __init__(self, log: Log, clock: SteadyClock | None = None) -> None:
        self._log = log
        self._clock = clock or SteadyClock()
        self._held: Joinable | None = None
        self._pieces: list[str] = []
        self._characters = 0
        self._task_id: TaskId | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._written_at = 0.0
        self._waiting: list[bytes] = []
        self._retry: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def record(
        self, update: AgentUpdate | RunnerStarted | TaskAccepted | RunnerEnded, task_id: TaskId | None
    ) -> None:
        """Write `update`, or hold it to be joined with the next of its message."""
        if isinstance(update, TaskAccepted):
            self._clock.set()
        if not isinstance(update, Joinable) or (piece := _piece(update)) is None:
            self.flush()
            self._write([_line(update, task_id, self._clock())])
            return
        if self._held is None or _key(self._held) != _key(update) or self._task_id != task_id:
            self.flush()
            self._held, self._task_id = update, task_id
        self._pieces.append(piece)
        self._characters += len(piece)
        left = self._written_at + JOIN_SECONDS - asyncio.get_running_loop().time()
        if left <= 0 or self._characters >= JOIN_CHARACTERS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(left, self.flush)

    def flush(self) -> None:
        """Write what is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, None
        if held is None:
            return
        text = "".join(self._pieces)
        self._pieces, self._characters = [], 0
        self._written_at = asyncio.get_running_loop().time()
        name = "output_delta" if isinstance(held, ToolCallUpdate) else "text"
        self._write([_line(held.model_copy(update={name: text}), self._task_id, self._clock())])

    async def wait_writable(self) -> None:
        """Wait while the disk is full: who feeds the recorder stops, so nothing piles up."""
        await self._writable.wait()

    def close(self) -> None:
        """Write what is held; stop trying when the disk is full."""
        self.flush()
        if self._retry is not None:
            self._retry.cancel()

    def _write(self, lines: list[bytes]) -> None:
        self._waiting.extend(lines)
        try:
            self._log.append(self._waiting)
        except StorageFull:
            self._writable.clear()
            if self._retry is None:
                self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._write_again)
            return
        self._waiting = []
        self._writable.set()

    def _write_again(self) -> None:
        self._retry = None
        self._write([])


def _piece(update: Joinable) -> str | None:
    """Give the text that may be joined, or None when the update says more than text."""
    if not isinstance(update, ToolCallUpdate):
        return update.text
    said = update.model_dump(exclude={"type", "tool_call_id", "output_delta"}, exclude_none=True)
    return None if said else update.output_delta


def _key(update: Joinable) -> tuple[str, str, str | None]:
    if isinstance(update, ToolCallUpdate):
        return (update.type, update.tool_call_id, None)
    return (update.type, update.message_id, update.parent_tool_call_id)


def _line(
    update: AgentUpdate | RunnerStarted | TaskAccepted | RunnerEnded, task_id: TaskId | None, at_ms: int
) -> bytes:
    frame = Frame(at_ms=at_ms, task_id=task_id, update=update)
    try:
        return frame.model_dump_json().encode() + b"\n"
    except PydanticSerializationError:
        # Half a surrogate pair: JSON may escape one, so an agent may say one; UTF-8 cannot hold it.
        text = json.dumps(frame.model_dump(), ensure_ascii=False)
        return text.encode(errors="replace") + b"\n"
