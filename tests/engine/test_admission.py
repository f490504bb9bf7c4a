"""So many sessions work at once; the others wait in order and say so, also over a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agor_jupyter.domain.errors import RunnerLost
from agor_jupyter.domain.ids import SessionId, UserId, WorktreeId
from agor_jupyter.domain.session import Session, Waits
from agor_jupyter.engine.admission import Admission, Limits, Waiter, next_to_start
from agor_jupyter.testing.fake_executor import FakeRunner
from tests.engine.conftest import ANN, World

BEA = UserId("bea")


def waiters(text: str) -> dict[SessionId, Waiter]:
    """`"a1 b2"`: session a1 of a since 0, then b2 of b since 1."""
    return {SessionId(name): Waiter(UserId(name[0]), at) for at, name in enumerate(text.split())}


@pytest.mark.parametrize(
    ("working", "waiting", "limits", "chosen"),
    [
        ("", "a1 a2", (0, 0), "a1 a2"),
        ("a1", "a2 b1", (1, 0), ""),
        ("a1", "a2 a3", (2, 0), "a2"),
        ("a1", "a2 b1", (2, 0), "b1"),  # who has nothing at work goes first
        ("a1 b1", "a2 b2", (3, 0), "a2"),  # among equals, who has waited longest
        ("", "a1 a2 a3 b1", (3, 0), "a1 b1 a2"),
        ("a1", "a2 a3 b1", (0, 1), "b1"),
        ("a1", "a2 b1 b2", (0, 2), "b1 a2 b2"),
        ("a1 a2", "a3 b1", (3, 2), "b1"),
        ("a1 a2 a3", "b1", (2, 0), ""),  # a limit that was lowered ends nothing
    ],
)
def test_who_may_start(working: str, waiting: str, limits: tuple[int, int], chosen: str) -> None:
    at_work = {SessionId(name): UserId(name[0]) for name in working.split()}
    assert " ".join(next_to_start(at_work, waiters(waiting), Limits(*limits))) == chosen


@pytest.fixture
async def one() -> AsyncIterator[World]:
    world = World(Limits(sessions=1))
    yield world
    await world.close()


async def begun(world: World, number: int) -> FakeRunner:
    return await world.executor.wait_runner(number)


async def waits(world: World, session: Session) -> Session:
    return await world.wait(session, lambda now: now.waits is not None)


async def test_one_above_the_limit_waits_says_so_and_starts_when_a_place_is_free(one: World) -> None:
    first, second = await one.session(), await one.session()
    await one.prompt(first)
    runner = await begun(one, 0)
    task_id = await one.prompt(second)
    waiting = await waits(one, second)
    assert (waiting.status, waiting.queue) == ("queued", (task_id,))
    assert waiting.waits is not None and waiting.waits.reason == "one session runs already"
    assert len(one.executor.runners) == 1
    runner.end_turn()
    assert (await begun(one, 1)).prompted == [task_id]
    working = await one.wait(second, lambda now: now.current_task == task_id)
    assert working.waits is None
    assert (await one.types(second)).count("queue_waiting") == 1


async def test_they_start_in_the_order_of_waiting(one: World) -> None:
    sessions = [await one.session() for _ in range(4)]
    for number, session in enumerate(sessions):
        await one.prompt(session)
        await (begun(one, 0) if number == 0 else waits(one, session))
    for number in range(4):
        runner = await begun(one, number)
        assert runner.spec.session.session_id == sessions[number].id
        runner.end_turn()


async def test_a_second_prompt_of_the_session_that_works_lets_others_go_first(one: World) -> None:
    """Its next prompt waits its turn too: a long queue of one session keeps nobody out."""
    first, second = await one.session(), await one.session()
    await one.prompt(first)
    await one.prompt(first)
    runner = await begun(one, 0)
    await one.prompt(second)
    await waits(one, second)
    runner.end_turn()
    other = await begun(one, 1)
    assert other.spec.session.session_id == second.id
    await waits(one, first)
    other.end_turn()
    await one.wait(first, lambda now: now.current_task is not None)


async def test_nobody_keeps_others_out() -> None:
    world = World(Limits(sessions=2))
    try:
        anns = [await world.session() for _ in range(4)]
        for number, session in enumerate(anns):
            await world.prompt(session)
            await (begun(world, number) if number < 2 else waits(world, session))
        beas = await world.session(BEA)
        await world.prompt(beas)
        await waits(world, beas)
        world.executor.runners[0].end_turn()
        assert (await begun(world, 2)).spec.session.session_id == beas.id
        assert (await world.log.session(anns[2].id)).status == "queued"  # type: ignore[union-attr]  # it is there
    finally:
        await world.close()


async def test_a_limit_of_ones_own_holds_up_nobody_else() -> None:
    world = World(Limits(sessions=9, sessions_per_person=1))
    try:
        first, second = await world.session(owner_name="Ann"), await world.session(owner_name="Ann")
        await world.prompt(first)
        await begun(world, 0)
        await world.prompt(second)
        waiting = await waits(world, second)
        assert waiting.waits is not None and waiting.waits.reason == "one of Ann runs already"
        beas = await world.session(BEA)
        await world.prompt(beas)
        assert (await begun(world, 1)).spec.session.session_id == beas.id
        world.executor.runners[0].end_turn()
        assert (await begun(world, 2)).spec.session.session_id == second.id
    finally:
        await world.close()


async def test_places_and_the_order_outlive_the_server(one: World) -> None:
    first = await one.session()
    await one.prompt(first)
    await begun(one, 0)
    others = [await one.session() for _ in range(3)]
    for session in others:
        await one.prompt(session)
        await waits(one, session)
    # The order is that of waiting, not of the last change, by which sessions are listed.
    await one.engine.update_session(others[0].id, by=ANN, title="changed last")
    await one.restart()
    late = await one.session()
    await one.prompt(late)
    await waits(one, late)
    assert len(one.executor.runners) == 1
    one.executor.runners[0].end_turn()
    for number, session in enumerate([*others, late], start=1):
        runner = await begun(one, number)
        assert runner.spec.session.session_id == session.id
        runner.end_turn()


async def test_a_task_lost_with_its_runner_gives_its_place_back(one: World) -> None:
    first, second = await one.session(), await one.session()
    await one.prompt(first)
    runner = await begun(one, 0)
    await one.prompt(second)
    await waits(one, second)
    runner.kill()
    await one.restart()
    await begun(one, 1)
    assert (await one.wait(second, lambda now: now.current_task is not None)).waits is None


async def test_a_start_that_fails_gives_its_place_back(one: World) -> None:
    first, second = await one.session(), await one.session()
    one.executor.refuse = RunnerLost("no process")
    await one.prompt(first)
    await one.wait(first, lambda now: now.queue_paused != "")
    one.executor.refuse = None
    await one.prompt(second)
    assert (await begun(one, 0)).spec.session.session_id == second.id


@pytest.mark.parametrize("act", ["stop", "withdraw", "archive", "pause"])
async def test_who_waits_no_more_is_not_waited_for(one: World, act: str) -> None:
    first, second, third = [await one.session() for _ in range(3)]
    await one.prompt(first)
    runner = await begun(one, 0)
    task_id = await one.prompt(second)
    await waits(one, second)
    await one.prompt(third)
    await waits(one, third)
    if act == "stop":
        await one.engine.interrupt(second.id, by=ANN)
    elif act == "withdraw":
        await one.engine.remove_task(task_id, by=ANN)
    elif act == "archive":
        await one.engine.update_session(second.id, by=ANN, archived=True)
    else:
        del one.worktrees[second.worktree_id]  # its start fails: the queue pauses, and third goes on
        runner.end_turn()
        await one.wait(second, lambda now: now.queue_paused != "")
    if act != "pause":
        now = await one.wait(second, lambda now: now.waits is None)
        assert now.status == {"stop": "interrupted", "withdraw": "idle", "archive": "archived"}[act]
        runner.end_turn()
    assert (await begun(one, 1)).spec.session.session_id == third.id


async def test_an_idle_agent_makes_room_and_is_resumed_by_the_next_prompt(one: World) -> None:
    first, second = await one.session(), await one.session()
    await one.prompt(first)
    idle = await begun(one, 0)
    idle.end_turn()
    await one.wait(first, lambda now: now.last_stop_reason == "end_turn")
    assert idle.alive  # nobody needs its room
    await one.prompt(second)
    (await begun(one, 1)).end_turn()
    await one.until(lambda: not idle.alive)
    assert ("close", False) in idle.told
    await one.wait(second, lambda now: now.last_stop_reason == "end_turn")
    task_id = await one.prompt(first)
    assert (await begun(one, 2)).prompted == [task_id]
    assert (await one.types(first)).count("task_ended") == 1


async def test_the_agent_that_has_rested_longest_makes_room() -> None:
    world = World(Limits(sessions=2))
    try:
        runners = []
        for number in range(2):
            session = await world.session()
            await world.prompt(session)
            runners.append(await begun(world, number))
            runners[-1].end_turn()
            await world.wait(session, lambda now: now.last_stop_reason == "end_turn")
        await world.prompt(await world.session())
        await begun(world, 2)
        await world.until(lambda: not runners[0].alive)
        assert runners[1].alive
    finally:
        await world.close()


async def test_an_agent_that_has_got_work_again_is_not_closed_for_another(one: World) -> None:
    first = await one.session()
    await one.prompt(first)
    runner = await begun(one, 0)
    runner.end_turn()
    await one.wait(first, lambda now: now.last_stop_reason == "end_turn")
    await one.prompt(first)
    await runner.wait_told("prompt", 2)
    one.engine._runners[first.id].make_room()
    runner.say_text("at work")
    await one.wait(first, lambda now: now.last_words == "at work")
    assert runner.alive


def test_who_waited_before_the_restart_is_not_overtaken_by_who_looks_first() -> None:
    def waiting(name: str, since_ms: int) -> Session:
        return Session(
            id=SessionId(name),
            worktree_id=WorktreeId("wt_1"),
            agent="fake",
            title="T",
            owner=BEA,
            created_ms=0,
            updated_ms=0,
            waits=Waits(reason="", since_ms=since_ms),
        )

    def nothing(session_id: SessionId) -> None:
        pass

    admission = Admission(Limits(sessions=1), lambda: 9, wake=nothing, make_room=nothing)
    older, newer = waiting("older", 1), waiting("newer", 2)
    for session in (newer, older):
        admission.recall(session)
    assert admission.enter(newer)
    assert admission.enter(older) == ""
