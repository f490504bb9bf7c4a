"""The adapter of an ACP agent: one conversation. Light: the package is imported in `start`, in a thread.

It only guards the order of calls; `connection` does the work.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from agor_jupyter.agents.acp.presets import PACKAGE_HINT, Preset
from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, UnsupportedByAgent
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, TaskId

if TYPE_CHECKING:
    from types import ModuleType

    from agor_jupyter.agents.acp.connection import Connection


class AcpAdapter:
    """One conversation with an agent that speaks ACP (see `AgentAdapter`)."""

    def __init__(self, preset: Preset) -> None:
        self._preset = preset
        self._live: Connection | None = None
        self._closed = False

    def use_tools(self, call: ToolCaller) -> None:
        """Nothing to keep: the agent reaches the house's tools through `SessionSpec.bridge`."""

    async def start(self, spec: SessionSpec) -> None:
        """Start the agent, or resume `spec.native_ref`. Raises `AgentUnavailable` with what to do."""
        if self._live is not None or self._closed:
            raise Conflict(
                f"This {self._preset.title} session was started before.", hint="Make a new adapter."
            )
        module = await asyncio.to_thread(_load)
        title = spec.options.get("title")
        if isinstance(title, str) and title:
            self._preset = replace(self._preset, title=title)
        live: Connection = module.Connection(self._preset, spec)
        self._live = live
        await live.open()

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().prompt(text, attachments)

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        raise UnsupportedByAgent(self._preset.kind, "steer", hint="Queue a prompt.")

    async def interrupt(self) -> None:
        if self._live is not None:
            await self._live.interrupt()

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        if self._live is not None:
            self._live.answer(request_id, decision)

    async def set_mode(self, mode: Mode) -> None:
        await self._connection().set_mode(mode)

    async def set_model(self, model: str) -> None:
        await self._connection().set_model(model)

    async def set_effort(self, effort: str) -> None:
        await self._connection().set_effort(effort)

    async def events(self) -> AsyncIterator[AgentUpdate]:
        async for update in self._connection().updates():
            yield update

    async def close(self) -> None:
        self._closed = True
        if self._live is not None:
            await self._live.close()

    def _connection(self) -> Connection:
        if self._live is None:
            raise Conflict(f"This {self._preset.title} session is not started.")
        return self._live


def _load() -> ModuleType:
    """Import the protocol's package (about a second) and all that needs it."""
    try:
        return importlib.import_module("agor_jupyter.agents.acp.connection")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "acp":
            raise
        raise AgentUnavailable(
            "The Agent Client Protocol's package is missing.", hint=PACKAGE_HINT
        ) from error
