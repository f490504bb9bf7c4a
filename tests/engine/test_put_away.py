"""A session that is put away while it works: its end is stored first, then its agent is stopped."""

from __future__ import annotations

import pytest

from agor_jupyter.domain.events import Draft, SessionUpdated
from agor_jupyter.engine import session_runner
from agor_jupyter.executors.base import Handle
from tests.engine.conftest import ANN, World


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_runner, "AGAIN_SECONDS", 0.001)


async def test_it_has_ended_before_its_runner_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its agent may call nothing any more, however long its runner takes to stop."""
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    await runner.wait_told("prompt")
    runner.hangs = True
    had_ended: list[bool] = []
    reap = world.executor.reap

    async def noting(handle: Handle) -> None:
        now = await world.log.session(session.id)
        had_ended.append(now is not None and now.archived)
        await reap(handle)

    monkeypatch.setattr(world.executor, "reap", noting)
    await world.engine.update_session(session.id, by=ANN, archived=True)
    assert had_ended and all(had_ended)
    ended = await world.wait(session, lambda now: now.current_task is None)
    assert (ended.archived, ended.status, runner.alive) == (True, "archived", False)


async def test_the_next_server_ends_what_was_put_away(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    await runner.wait_told("prompt")
    said = SessionUpdated(by=ANN, archived=True)  # and no more: here the server was killed
    await world.log.append(session.id, [Draft(at_ms=1, update=said)])
    await world.restart()
    ended = await world.wait(session, lambda now: now.current_task is None)
    assert (ended.status, runner.alive) == ("archived", False)
