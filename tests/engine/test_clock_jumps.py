"""The server's clock is set by a day while sessions work, wait and rest."""

from __future__ import annotations

import itertools

import pytest

from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.session import Task
from agor_jupyter.engine.admission import Limits
from tests.engine.conftest import World

DAY_MS = 86_400_000


def tasks_are_sane(tasks: list[Task]) -> bool:
    return all(
        task.queued_ms <= (task.started_ms or 0) <= (task.ended_ms or 0) <= task.queued_ms + 3 * DAY_MS
        for task in tasks
    )


@pytest.mark.parametrize("jump", [DAY_MS, -DAY_MS])
async def test_a_task_and_its_request_outlive_a_jump(world: World, jump: int) -> None:
    world._time = 10 * DAY_MS
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    request = PermissionRequest(request_id=RequestId("req_1"), title="Write", digest="d")
    runner.say(request)
    await world.wait(session, lambda now: now.status == "awaiting_permission")
    world._time += jump
    await world.restart()
    now = await world.wait(session, lambda now: now.status == "awaiting_permission")
    assert now.pending == ("req_1",), "it waits, whatever the clock says"
    runner.end_turn()
    done = await world.wait(session, lambda now: now.current_task is None)
    assert done.status == "idle"
    events = await world.events(session)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert all(one.at_ms <= two.at_ms for one, two in itertools.pairwise(events))
    assert tasks_are_sane(list((await world.log.tasks(session.id)).items))


@pytest.mark.parametrize("ahead", [DAY_MS, 10_000 * DAY_MS])
async def test_a_runner_whose_clock_is_ahead_pins_no_session_to_it(world: World, ahead: int) -> None:
    world._time = 10 * DAY_MS
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.ahead_ms = 10 * DAY_MS + ahead
    runner.say_text("one")
    runner.end_turn()
    await world.wait(session, lambda now: now.current_task is None)
    world._time += 5_000
    runner.ahead_ms = 0
    await world.prompt(session)
    await runner.wait_told("prompt", 2)
    runner.say_text("two")
    runner.end_turn()
    done = await world.wait(session, lambda now: now.current_task is None and not now.queue)
    events = await world.events(session)
    assert all(one.at_ms <= two.at_ms for one, two in itertools.pairwise(events))
    assert 5_000 <= done.updated_ms - 10 * DAY_MS < 60_000, "it goes with the server's clock again"
    tasks = list((await world.log.tasks(session.id)).items)
    assert tasks_are_sane(tasks)
    first, second = sorted(tasks, key=lambda task: task.queued_ms)
    assert (second.started_ms or 0) - (first.ended_ms or 0) >= 5_000


async def test_who_waits_keeps_the_place_when_the_clock_is_set_back() -> None:
    world = World(Limits(sessions=1))
    world._time = 10 * DAY_MS
    try:
        first, second, third = [await world.session() for _ in range(3)]
        await world.prompt(first)
        await world.executor.wait_runner(0)
        await world.prompt(second)
        await world.wait(second, lambda now: now.waits is not None)
        world._time -= DAY_MS
        await world.prompt(third)
        await world.wait(third, lambda now: now.waits is not None)
        world.executor.runners[0].end_turn()
        assert (await world.executor.wait_runner(1)).spec.session.session_id == second.id
        world.executor.runners[1].end_turn()
        assert (await world.executor.wait_runner(2)).spec.session.session_id == third.id
    finally:
        await world.close()


async def test_the_agent_that_rested_longest_makes_room_whatever_the_clock_says() -> None:
    world = World(Limits(sessions=2))
    world._time = 10 * DAY_MS
    try:
        sessions = [await world.session() for _ in range(3)]
        for number, session in enumerate(sessions[:2]):
            await world.prompt(session)
            (await world.executor.wait_runner(number)).end_turn()
            await world.wait(session, lambda now: now.current_task is None)
            world._time -= DAY_MS
        first, second = world.executor.runners
        await world.prompt(sessions[2])
        await world.executor.wait_runner(2)
        await world.until(lambda: not first.alive)
        assert second.alive
    finally:
        await world.close()
