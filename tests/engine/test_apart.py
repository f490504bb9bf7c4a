"""An agent may ask while no task is under way: for work that it left in the background."""

from __future__ import annotations

from agor_jupyter.domain.events import PermissionResolved
from agor_jupyter.domain.session import Session
from agor_jupyter.testing.fake_executor import FakeRunner
from tests.engine.conftest import ANN, World
from tests.engine.test_engine import REQUEST


async def asked_apart(world: World) -> tuple[Session, FakeRunner]:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.end_turn()
    await world.wait(session, lambda now: now.status == "idle")
    runner.say(REQUEST)
    await world.wait(session, lambda now: now.status == "awaiting_permission")
    return session, runner


async def resolutions(world: World, session: Session) -> list[PermissionResolved]:
    updates = [event.update for event in await world.events(session)]
    return [update for update in updates if isinstance(update, PermissionResolved)]


async def test_what_is_asked_apart_is_answered_and_the_session_rests(world: World) -> None:
    session, runner = await asked_apart(world)
    await world.engine.answer(REQUEST.request_id, by=ANN, option_id="yes", digest=REQUEST.digest)
    await runner.wait_told("answer")
    now = await world.wait(session, lambda now: now.pending == ())
    assert now.status == "idle"


async def test_the_next_task_takes_it_along(world: World) -> None:
    session, runner = await asked_apart(world)
    await world.prompt(session)
    await runner.wait_told("prompt", 2)
    runner.end_turn()
    now = await world.wait(session, lambda now: now.last_stop_reason == "end_turn" and not now.current_task)
    assert (now.status, now.pending) == ("idle", ())
    assert [update.outcome for update in await resolutions(world, session)] == ["cancelled"]


async def test_a_runner_that_dies_leaves_no_question(world: World) -> None:
    session, runner = await asked_apart(world)
    runner.kill()
    now = await world.wait(session, lambda now: now.pending == ())
    assert now.status == "idle"
    assert [update.by for update in await resolutions(world, session)] == ["agent"]
    assert await world.log.pending() == []


async def test_a_runner_that_died_with_its_server_leaves_no_question(world: World) -> None:
    session, runner = await asked_apart(world)
    await world.engine.close()
    for run_id, *_ in await world.log.runners():
        await world.log.forget_runner(run_id)
    runner.kill()
    await world.restart()
    now = await world.wait(session, lambda now: now.pending == ())
    assert (now.status, await world.log.pending()) == ("idle", [])


async def test_an_answer_that_did_not_arrive_is_handed_over_again(world: World) -> None:
    _, runner = await asked_apart(world)
    runner.hangs = True
    await world.engine.answer(REQUEST.request_id, by=ANN, option_id="yes")
    runner.hangs = False
    await world.restart()
    told = await runner.wait_told("answer")
    assert told[1] == REQUEST.request_id
