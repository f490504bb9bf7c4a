"""One conversation of an ACP kind under test: what it said so far, and ways to wait for more."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agor_jupyter.agents.acp.adapter import AcpAdapter
from agor_jupyter.agents.acp.presets import GENERIC, Preset
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.process import allowed_environment, marked
from agor_jupyter.domain.content import ToolContent
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentUpdate,
    PermissionRequest,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.testing.harnesses.acp import COMMAND

DEADLINE_SECONDS = 60.0

Answerer = Callable[[PermissionRequest], Decision | None]


def choose(kind: str, message: str = "") -> Answerer:
    """Answer each request by its option of this kind."""

    def answer(request: PermissionRequest) -> Decision:
        option = next(item for item in request.options if item.kind == kind)
        return Decision(outcome="selected", option_id=option.option_id, message=message)

    return answer


def steps(*given: dict[str, Any]) -> str:
    return f"STEPS: {json.dumps(list(given))}"


def spec_in(folder: Path, *flags: str, **changes: Any) -> SessionSpec:
    """Make a spec whose worktree, home and state lie in `folder`; `flags` are the scripted agent's."""
    for name in ("worktree", "home", "state"):
        (folder / name).mkdir(exist_ok=True)
    environment = {
        **allowed_environment(os.environ),
        "HOME": str(folder / "home"),
        "AGOR_SESSION": f"ses_{secrets.token_hex(8)}",
        **changes.pop("environment", {}),
    }
    fields: dict[str, Any] = {
        "session_id": SessionId("ses_0000000000000001"),
        "worktree": str(folder / "worktree"),
        "state_dir": str(folder / "state"),
        "environment": environment,
        "options": {"command": [*COMMAND, *flags]},
    }
    return SessionSpec(**{**fields, **changes})


class Talk:
    """`answerer` answers each request; the default allows once."""

    def __init__(self, spec: SessionSpec, preset: Preset = GENERIC) -> None:
        self.spec = spec
        self.adapter = AcpAdapter(preset)
        self.updates: list[AgentUpdate] = []
        self.answerer: Answerer = choose("allow_once")
        self._changed = asyncio.Condition()
        self._job: asyncio.Task[None] | None = None
        self._tasks = 0

    async def start(self) -> Talk:
        await self.adapter.start(self.spec)
        self._job = asyncio.create_task(self._listen())
        await self.wait(lambda: self.of(AgentReady))
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
        assert marked(f"AGOR_SESSION={self.spec.environment['AGOR_SESSION']}") == set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [update for update in self.updates if isinstance(update, kind)]

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.of(AgentMessageChunk))

    @property
    def native_ref(self) -> str:
        return str(self.of(AgentReady)[-1].native_ref)

    @property
    def contents(self) -> list[ToolContent]:
        """List all contents of tool calls, in order."""
        return [item for update in self.of(ToolCallUpdate) for item in update.content or ()]
