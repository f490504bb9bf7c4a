"""One conversation with an agent on the bench, with the words that tests need."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.process import allowed_environment, marked
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentUpdate,
    PermissionRequest,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import SessionId, TaskId

DEADLINE_SECONDS = 30.0

Answerer = Callable[[PermissionRequest], Decision | None]


def allow(request: PermissionRequest) -> Decision:
    return Decision(outcome="selected", option_id="allow_once")


class Talk:
    """One adapter under test: what it said so far, and ways to wait for more."""

    def __init__(self, kind: str, spec: SessionSpec) -> None:
        self.spec = spec
        self.adapter = registry.get(kind).make()
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

    async def wait(self, condition: Callable[[], Any]) -> Any:
        """Wait until what was said fulfils `condition`; give its value."""
        async with asyncio.timeout(DEADLINE_SECONDS), self._changed:
            while not (found := condition()):
                await self._changed.wait()
        return found

    async def wait_for(self, kind: type[Any]) -> Any:
        return (await self.wait(lambda: self.of(kind)))[-1]

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
        ended: TurnEnded = self.of(TurnEnded)[-1]
        return ended

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
    def ready(self) -> AgentReady:
        ready: AgentReady = self.of(AgentReady)[-1]
        return ready

    @property
    def results(self) -> list[ToolCallUpdate]:
        """Give how each tool call ended, in order."""
        return [item for item in self.of(ToolCallUpdate) if item.status in ("completed", "failed")]


class Bench:
    """Makes specs and conversations of one kind in one worktree; nothing is left at the end."""

    def __init__(self, kind: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.kind = kind
        self.worktree = (folder / "worktree").resolve()
        self.worktree.mkdir()
        self.state = folder / "state"
        # Of this bench alone: other tests on this machine mark their processes too.
        self.session_id = SessionId(f"ses_{secrets.token_hex(8)}")
        self._environment = environment
        self._talks: list[Talk] = []

    def spec(self, **changes: Any) -> SessionSpec:
        environment = {
            **allowed_environment({"PATH": "/usr/local/bin:/usr/bin:/bin"}),
            "AGOR_SESSION": self.session_id,
            **self._environment,
            **changes.pop("environment", {}),
        }
        fields: dict[str, Any] = {
            "session_id": self.session_id,
            "worktree": str(self.worktree),
            "state_dir": str(self.state),
            "environment": environment,
            "options": {"retry_seconds": 0.01, **changes.pop("options", {})},
        }
        return SessionSpec(**{**fields, **changes})

    async def open(self, **changes: Any) -> Talk:
        talk = Talk(self.kind, self.spec(**changes))
        self._talks.append(talk)
        await talk.start()
        await talk.wait_for(AgentReady)
        return talk

    async def close(self) -> None:
        for talk in self._talks:
            await talk.close()
        assert marked(f"AGOR_SESSION={self.session_id}") == set()


@asynccontextmanager
async def bench_of(kind: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Bench]:
    bench = Bench(kind, folder, environment)
    try:
        yield bench
    finally:
        await bench.close()
