"""The adapter of every kind on the bench. Light: the vendor's SDK is imported in `start`, in a thread."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.workbench.settings import Setup
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, TaskId

if TYPE_CHECKING:
    from agor_jupyter.agents.workbench.connection import Connection
    from agor_jupyter.agents.workbench.model import Model


class BenchAdapter:
    """One conversation (see `AgentAdapter`). It only guards the order of calls."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._live: Connection | None = None
        self._tools: ToolCaller | None = None
        self._closed = False

    def use_tools(self, call: ToolCaller) -> None:
        self._tools = call

    async def start(self, spec: SessionSpec) -> None:
        """Begin, resume or fork a conversation. Raises `AgentUnavailable` with what to do."""
        if self._live is not None or self._closed:
            raise Conflict(
                f"This {self._setup.title} session was started before.", hint="Make a new adapter."
            )
        from agor_jupyter.agents.workbench.connection import Connection

        model = await asyncio.to_thread(self._make_model, spec)
        self._live = live = Connection(spec, self._setup, model, self._tools)
        try:
            await live.open()
        except BaseException:
            await live.close()
            raise

    def _make_model(self, spec: SessionSpec) -> Model:
        """Import the SDK and make its client. Importing takes a second or more."""
        try:
            module = importlib.import_module(self._setup.module)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] not in self._roots():
                raise
            raise AgentUnavailable(
                f"{self._setup.title} is not installed.", hint=self._setup.install_hint
            ) from error
        model: Model = module.make(spec)
        return model

    def _roots(self) -> set[str]:
        return {package.split(".")[0] for package in self._setup.packages}

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().prompt(task_id, text, attachments)

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        self._connection().steer(text, attachments)

    async def interrupt(self) -> None:
        if self._live is not None:
            await self._live.interrupt()

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        if self._live is not None:
            self._live.answer(request_id, decision)

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
            raise Conflict(f"This {self._setup.title} session is not started.")
        return self._live
