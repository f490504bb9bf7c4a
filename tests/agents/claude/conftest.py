"""A scripted Anthropic server, the real CLI, and one conversation of it to talk to."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.claude.adapter import ClaudeAdapter
from agor_jupyter.agents.process import allowed_environment, marked
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    AgentUpdate,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import ENTROPY_BYTES, SessionId, TaskId, make_id
from agor_jupyter.testing.anthropic_server import AnthropicServer

pytest.importorskip("claude_agent_sdk")

DEADLINE_SECONDS = 20.0
MODEL = "claude-sonnet-4-5"

Answerer = Callable[[PermissionRequest], Decision | None]


def allow(request: PermissionRequest) -> Decision:
    return Decision(outcome="selected", option_id="allow_once")


class Talk:
    """One adapter under test: what it said so far, and ways to wait for more."""

    def __init__(self, spec: SessionSpec, call: ToolCaller | None = None) -> None:
        self.spec = spec
        self.adapter = ClaudeAdapter()
        if call is not None:
            self.adapter.use_tools(call)
        self.updates: list[AgentUpdate] = []
        self.answerer: Answerer = allow
        self._changed = asyncio.Condition()
        self._job: asyncio.Task[None] | None = None
        self._tasks = 0

    async def start(self) -> Talk:
        await self.adapter.start(self.spec)
        self._job = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        async for update in self.adapter.events():
            async with self._changed:
                self.updates.append(update)
                self._changed.notify_all()
            if isinstance(update, PermissionRequest):
                decision = self.answerer(update)
                if decision is not None:
                    await self.adapter.answer(update.request_id, decision)

    async def wait(self, condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
        """Wait until what was said fulfils `condition`; give its value."""
        async with asyncio.timeout(seconds), self._changed:
            while not (found := condition()):
                await self._changed.wait()
        return found

    async def prompt(self, text: str, attachments: Any = ()) -> TurnEnded:
        """Prompt and wait for the end of the turn."""
        await self.send(text, attachments)
        return await self.ended()

    async def send(self, text: str, attachments: Any = ()) -> None:
        self._tasks += 1
        await self.adapter.prompt(TaskId(f"task_{self._tasks}"), text, tuple(attachments))

    async def ended(self) -> TurnEnded:
        """Wait for the end of the last prompt's turn."""
        await self.wait(lambda: len(self.of(TurnEnded)) >= self._tasks)
        return self.of(TurnEnded)[-1]

    async def gone(self) -> None:
        """Wait until the updates end."""
        assert self._job is not None
        await asyncio.wait_for(asyncio.shield(self._job), DEADLINE_SECONDS)

    async def close(self) -> None:
        await self.adapter.close()
        if self._job is not None:
            await asyncio.wait_for(self._job, DEADLINE_SECONDS)

    def of(self, kind: type[Any]) -> list[Any]:
        return [update for update in self.updates if isinstance(update, kind)]

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.of(AgentMessageChunk))

    @property
    def thought(self) -> str:
        return "".join(chunk.text for chunk in self.of(AgentThoughtChunk))

    @property
    def native_ref(self) -> str:
        return str(self.of(AgentReady)[-1].native_ref)

    def result(self, title: str) -> ToolCallUpdate:
        """Give the last update of the call whose title begins so."""
        ids = {call.tool_call_id for call in self.of(ToolCall) if call.title.startswith(title)}
        ids |= {call.tool_call_id for call in self.of(ToolCallUpdate) if (call.title or "").startswith(title)}
        return next(call for call in reversed(self.of(ToolCallUpdate)) if call.tool_call_id in ids)


@pytest.fixture
async def server() -> AsyncIterator[AnthropicServer]:
    async with AnthropicServer() as running:
        yield running


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = (tmp_path / "worktree").resolve()
    folder.mkdir()
    return folder


@pytest.fixture
def make_spec(
    server: AnthropicServer, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SessionSpec]:
    """Make specs whose agent sees a HOME and a CLAUDE_CONFIG_DIR of this test only."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("ANTHROPIC", "CLAUDE"))]:
        monkeypatch.delenv(name)

    # One of its own: the processes of a test are found by it, and tests may run beside each other.
    session_id = SessionId(make_id("ses", secrets.token_bytes(ENTROPY_BYTES)))

    def make(**changes: Any) -> SessionSpec:
        environment = {
            **allowed_environment(os.environ),
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(tmp_path / "config"),
            **server.environment(),
            **changes.pop("environment", {}),
        }
        fields: dict[str, Any] = {
            "session_id": session_id,
            "worktree": str(worktree),
            "state_dir": str(tmp_path / "state"),
            "model": MODEL,
            "environment": environment,
        }
        return SessionSpec(**{**fields, **changes})

    return make


@pytest.fixture
async def talk(make_spec: Callable[..., SessionSpec]) -> AsyncIterator[Callable[..., Any]]:
    """Start conversations; each is closed at the end, and must leave no process behind."""
    talks: list[Talk] = []

    async def start(call: ToolCaller | None = None, **changes: Any) -> Talk:
        fresh = Talk(make_spec(**changes), call)
        talks.append(fresh)
        return await fresh.start()

    yield start
    for one in talks:
        await one.close()
    for one in talks:
        assert marked(f"AGOR_SESSION={one.spec.session_id}") == set()
