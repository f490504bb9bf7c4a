"""The engine with real runner processes and the demo agent: streams, kills, adoption."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.process import allowed_environment
from agor_jupyter.domain.events import AgentMessageChunk
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import ForkPoint, Session
from agor_jupyter.engine.parts import Launch
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.local import LocalExecutor
from tests.engine.conftest import ANN, World
from tests.engine.test_recovery import gapless


class RealWorld(World):
    """A world whose runners are processes."""

    interrupt_seconds = 5.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()

    def _make(self):  # type: ignore[no-untyped-def]  # as the base
        self.executor = LocalExecutor(str(self.folder / "r"))  # type: ignore[assignment]  # the same Protocol
        engine = super()._make()
        launch = Launch(
            log_path=lambda session, run: str(self.folder / "log" / run / "events.jsonl"),
            socket_path=self.executor.socket_path,
        )
        object.__setattr__(engine.parts, "launch", launch)
        return engine

    async def _spec(self, session: Session, worktree: Worktree) -> SessionSpec:
        state = self.folder / "state"
        state.mkdir(exist_ok=True, mode=0o700)
        return SessionSpec(
            session_id=session.id,
            worktree=str(self.folder),
            mode=session.mode,
            native_ref=session.native_ref,
            fork=session.fork if not session.native_ref else None,
            environment=allowed_environment(os.environ),
            state_dir=str(state),
        )

    async def handles(self) -> list[Handle]:
        return [Handle.model_validate_json(row[2]) for row in await self.log.runners()]

    async def close(self) -> None:
        await super().close()
        for handle in await self.handles():
            await self.executor.reap(handle)


@pytest.fixture
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealWorld]:
    world = RealWorld(tmp_path_factory.mktemp("w"))
    yield world
    await world.close()


def tokens(count: int) -> str:
    return "".join(f"tok{number} " for number in range(count)).strip()


async def said(world: World, session: Session) -> str:
    events = await world.log.read(session.id, limit=5000)
    assert gapless(events)
    chunks = [event.update for event in events if isinstance(event.update, AgentMessageChunk)]
    return "".join(chunk.text for chunk in chunks)


async def test_a_stream_arrives_whole(real: RealWorld) -> None:
    session = await real.session()
    await real.prompt(session, "stream 60 tokens at 300/s")
    await real.wait(session, lambda now: now.last_stop_reason == "end_turn")
    assert tokens(60) in await said(real, session)


async def test_a_server_that_dies_in_mid_stream_misses_nothing(real: RealWorld) -> None:
    session = await real.session()
    await real.prompt(session, "stream 150 tokens at 200/s")
    for _ in range(3):
        await real.wait(session, lambda now: now.last_seq > 5)
        await real.restart()
        await asyncio.sleep(0.1)  # the agent goes on while nobody listens
    await real.wait(session, lambda now: now.last_stop_reason == "end_turn")
    assert tokens(150) in await said(real, session)


async def test_a_killed_runner_is_said_and_the_conversation_goes_on(real: RealWorld) -> None:
    session = await real.session()
    await real.prompt(session, "stream 500 tokens at 100/s")
    await real.prompt(session, "stream 3 tokens at 300/s")
    await real.wait(session, lambda now: "tok" in now.last_words)
    (handle,) = await real.handles()
    os.kill(handle.pid, signal.SIGKILL)
    lost = await real.wait(session, lambda now: now.current_task is None)
    assert (lost.status, len(lost.queue)) == ("lost", 1)
    assert not psutil.pid_exists(handle.pid) or psutil.Process(handle.pid).status() == psutil.STATUS_ZOMBIE
    before = lost.native_ref
    await real.engine.resume(session.id, by=ANN)
    done = await real.wait(session, lambda now: now.last_stop_reason == "end_turn")
    assert done.native_ref == before
    assert before


async def test_an_interrupt_ends_the_turn(real: RealWorld) -> None:
    session = await real.session()
    await real.prompt(session, "stream 5000 tokens at 100/s")
    await real.wait(session, lambda now: "tok" in now.last_words)
    await real.engine.interrupt(session.id, by=ANN)
    done = await real.wait(session, lambda now: now.current_task is None)
    assert (done.status, done.last_stop_reason) == ("interrupted", "cancelled")


async def test_two_sessions_never_work_on_one_native_conversation(real: RealWorld) -> None:
    first = await real.session()
    await real.prompt(first, "stream 5 tokens at 100/s")
    known = await real.wait(first, lambda now: now.last_stop_reason == "end_turn")
    second = await real.session(native_ref=known.native_ref)
    await real.prompt(second, "stream 5 tokens at 100/s")
    refused = await real.wait(second, lambda now: now.status == "failed")
    assert refused.error == "Another process is live on this conversation."
    assert "fork" in refused.hint
    # A fork of it is another conversation: that may be.
    point = ForkPoint(native_ref=known.native_ref, worktree="/w")
    fork = await real.session(fork=point)
    await real.prompt(fork, "What did I ask you?")
    await real.wait(fork, lambda now: now.last_stop_reason == "end_turn")
    assert "Earlier you asked: “stream 5 tokens at 100/s”." in await said(real, fork)
