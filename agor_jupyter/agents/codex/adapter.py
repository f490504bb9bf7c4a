"""The adapter of Codex: one conversation. It only guards the order of calls; `connection` works."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.codex.connection import Connection
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, TaskId


class CodexAdapter:
    """One conversation with Codex (see `AgentAdapter`)."""

    def __init__(self) -> None:
        self._live: Connection | None = None
        self._call_tool: ToolCaller | None = None
        self._closed = False

    def use_tools(self, call: ToolCaller) -> None:
        self._call_tool = call

    async def start(self, spec: SessionSpec) -> None:
        """Start the program, or resume `spec.native_ref`. Raises `AgentUnavailable` with what to do."""
        if self._live is not None or self._closed:
            raise Conflict("This Codex session was started before.", hint="Make a new adapter.")
        self._live = Connection(spec, self._call_tool)
        await self._live.open()

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().prompt(task_id, text, attachments)

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().steer(text, attachments)

    async def interrupt(self) -> None:
        if self._live is not None:
            await self._live.interrupt()

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        if self._live is not None:
            await self._live.answer(request_id, decision)

    async def set_mode(self, mode: Mode) -> None:
        self._connection().set_mode(mode)

    async def set_model(self, model: str) -> None:
        self._connection().set_model(model)

    async def set_effort(self, effort: str) -> None:
        self._connection().set_effort(effort)

    async def events(self) -> AsyncIterator[AgentUpdate]:
        async for update in self._connection().updates():
            yield update

    async def close(self) -> None:
        self._closed = True
        if self._live is not None:
            await self._live.close()

    def _connection(self) -> Connection:
        if self._live is None:
            raise Conflict("This Codex session is not started.")
        return self._live
