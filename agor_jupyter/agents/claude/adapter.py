"""The adapter of Claude Code: one conversation. Light: the SDK is imported in `start`, in a thread.

It only guards the order of calls; `connection` does the work.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.claude.probe import INSTALL_HINT
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, TaskId

if TYPE_CHECKING:
    from types import ModuleType

    from agor_jupyter.agents.claude.connection import Connection


FORMATS = (
    "fqdn",
    "isoduration",
    "jsonpointer",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
)
"""With these, which Jupyter brings, `jsonschema` checks formats that nobody asks for: 19 MB a session."""

WEB_SERVER = "uvicorn"
"""`mcp` brings it for those who serve tools on the web, and hooks into it where it is. The SDK's servers
speak through the CLI's own pipe: 3 MB a session, with the command line and the processes that it has."""


class ClaudeAdapter:
    """One conversation with Claude Code (see `AgentAdapter`)."""

    def __init__(self) -> None:
        self._live: Connection | None = None
        self._closed = False
        self._call: ToolCaller | None = None

    def use_tools(self, call: ToolCaller) -> None:
        self._call = call

    async def start(self, spec: SessionSpec) -> None:
        """Start the CLI, or resume `spec.native_ref`. Raises `AgentUnavailable` with what to do."""
        if self._live is not None or self._closed:
            raise Conflict("This Claude session was started before.", hint="Make a new adapter.")
        module = await asyncio.to_thread(_load)
        live: Connection = module.Connection(spec, self._call)
        self._live = live
        await live.open()

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().prompt(task_id, text, attachments)

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._connection().steer(text, attachments)

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
            raise Conflict("This Claude session is not started.")
        return self._live


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Import as if those optional packages were not there; they can be imported afterwards."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: "there is no such module"
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def _load() -> ModuleType:
    """Import the SDK (1 to 4 seconds) and all that needs it."""
    try:
        with _without((*FORMATS, WEB_SERVER)):
            return importlib.import_module("agor_jupyter.agents.claude.connection")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("claude_agent_sdk"):
            raise
        raise AgentUnavailable("Claude Code is not installed.", hint=INSTALL_HINT) from error
