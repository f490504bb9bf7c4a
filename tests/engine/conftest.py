"""An engine over the store in memory and fake runners; a server can be killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal

import pytest

from agor_jupyter.agents.base import Capabilities, SessionSpec
from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.errors import GitFailed
from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.ids import SessionId, TaskId, UserId, WorktreeId, make_id
from agor_jupyter.domain.ports import Prompt
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.engine.admission import Limits
from agor_jupyter.engine.parts import EngineParts, Launch, Tools, no_tools
from agor_jupyter.engine.supervisor import Engine
from agor_jupyter.store.memory import open_memory
from agor_jupyter.testing.fake_executor import FakeExecutor

ANN = UserId("ann")
UNLIMITED = Limits()


@dataclass
class FakeCheckpoints:
    """Counts what was recorded; refuses when told to."""

    recorded: list[tuple[str, str]] = field(default_factory=list)
    refuse: bool = False

    async def record(
        self, worktree: str, session_id: SessionId, task_id: TaskId, kind: Literal["start", "end"]
    ) -> Checkpoint:
        if self.refuse:
            raise GitFailed("git said no")
        self.recorded.append((task_id, kind))
        return Checkpoint(ref=f"refs/agor/{session_id}/{task_id}-{kind}", sha=kind * 8, head_sha="base")

    async def changes(self, worktree: str, from_sha: str, to_sha: str) -> tuple[int, int, int]:
        return (1, 2, 3)


class World:
    """What outlives a server: the store, the runners, the worktrees."""

    interrupt_seconds = 0.05

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self.limits = limits
        self.executor = FakeExecutor()
        self.checkpoints = FakeCheckpoints()
        self.store = open_memory()
        self.log = self.store.log
        self.worktrees: dict[str, Worktree] = {}
        self.capabilities = Capabilities(set_model=True)
        self.tools: Tools = no_tools
        self._count = 0
        self._time = 1_000_000
        self.engine = self._make()
        self._engines = [self.engine]

    def clock(self) -> int:
        self._time += 1
        return self._time

    def new_id(self, prefix: str) -> str:
        self._count += 1
        return make_id(prefix, self._count.to_bytes(10))

    async def _worktree(self, worktree_id: WorktreeId) -> Worktree | None:
        return self.worktrees.get(worktree_id)

    async def _spec(self, session: Session, worktree: Worktree) -> SessionSpec:
        return SessionSpec(
            session_id=session.id,
            worktree=worktree.path,
            mode=session.mode,
            native_ref=session.native_ref,
            fork=session.fork if not session.native_ref else None,
            state_dir="/nowhere",
        )

    def _make(self) -> Engine:
        launch = Launch(log_path=lambda session, run: f"/log/{run}", socket_path=lambda run: f"/sock/{run}")
        return Engine(
            EngineParts(
                log=self.log,
                executor=self.executor,
                checkpoints=self.checkpoints,
                worktree=self._worktree,
                session_spec=self._spec,
                capabilities=lambda kind: self.capabilities,
                clock=self.clock,
                new_id=self.new_id,
                launch=launch,
                tools=self.tools,
                limits=self.limits,
                interrupt_seconds=self.interrupt_seconds,
            )
        )

    async def restart(self) -> Engine:
        """Kill the server without a word to its runners and start another on the same store."""
        for runner in self.engine._runners.values():
            await runner._jobs.close()
        self.engine = self._make()
        self._engines.append(self.engine)
        await self.engine.recover()
        return self.engine

    async def session(self, owner: UserId = ANN, **more: object) -> Session:
        tree = Worktree(
            id=WorktreeId(self.new_id("wt")),
            repo_id="repo_1",  # type: ignore[arg-type]  # any string will do here
            name="w",
            path="/w",
            branch="b",
            base="main",
            base_sha="base",
            owner=ANN,
            created_ms=1,
        )
        self.worktrees[tree.id] = tree
        session = Session(
            id=SessionId(self.new_id("ses")),
            worktree_id=tree.id,
            agent="demo",
            title="t",
            owner=owner,
            created_ms=self.clock(),
            updated_ms=1,
        )
        return await self.engine.create_session(session.model_copy(update=more))

    async def prompt(self, session: Session, text: str = "go") -> TaskId:
        task_id = TaskId(self.new_id("task"))
        await self.engine.prompt(session.id, Prompt(task_id, text), by=ANN)
        return task_id

    async def events(self, session: Session) -> list[SessionEvent]:
        return await self.log.read(session.id, limit=500)

    async def types(self, session: Session) -> list[str]:
        return [event.update.type for event in await self.events(session)]

    async def wait(self, session: Session, condition: Callable[[Session], bool]) -> Session:
        """Wait until the session's record is as `condition` says."""
        async with asyncio.timeout(5):
            while True:
                now = await self.log.session(session.id)
                assert now is not None
                if condition(now):
                    return now
                await asyncio.sleep(0.002)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.002)

    async def close(self) -> None:
        for engine in self._engines:
            await engine.close("keep")
        await self.store.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.close()
