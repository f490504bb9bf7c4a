"""What hangs, is full or was tampered with: one session suffers, says so, and can go on."""

from __future__ import annotations

import asyncio
import errno

import pytest

from agor_jupyter.domain.errors import Conflict, StorageFull
from agor_jupyter.domain.events import Draft
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended
from agor_jupyter.engine import session_runner, supervisor
from agor_jupyter.runner.protocol import RunnerEnded
from tests.engine.conftest import ANN, World
from tests.engine.test_recovery import gapless, text_of


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_runner, "AGAIN_SECONDS", 0.001)


def fill_disk(world: World, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let the next `times` appends find no room."""
    append, left = world.log.append, [times]

    async def full(session_id: SessionId, drafts: list[Draft], **options: object) -> Appended:
        if left[0]:
            left[0] -= 1
            raise StorageFull("The disk is full.")
        return await append(session_id, drafts, **options)  # type: ignore[arg-type]  # handed on as given

    monkeypatch.setattr(world.log, "append", full)


async def test_a_runner_that_hangs_is_killed_when_it_is_interrupted(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    (await world.executor.wait_runner()).hangs = True
    await world.engine.interrupt(session.id, by=ANN)
    done = await world.wait(session, lambda now: now.current_task is None)
    assert (done.status, done.last_stop_reason) == ("interrupted", "cancelled")


async def test_a_runner_that_hangs_at_a_start_is_lost_alone(world: World) -> None:
    session, other = await world.session(), await world.session()
    await world.prompt(session)
    (await world.executor.wait_runner()).hangs = True
    task_id = await world.prompt(other)
    second = await world.executor.wait_runner(1)
    await world.restart()
    lost = await world.wait(session, lambda now: now.current_task is None)
    assert lost.status == "lost"
    second.end_turn()
    assert (await world.wait(other, lambda now: now.current_task is None)).status == "idle"
    assert second.prompted == [task_id]


async def test_a_start_does_not_wait_for_a_runner_that_hangs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.session()
    await world.prompt(session)
    await world.executor.wait_runner()

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(supervisor, "ADOPT_SECONDS", 0.01)
    monkeypatch.setattr(world.executor, "connect", never)
    async with asyncio.timeout(2):
        await world.restart()
        await world.prompt(session)  # accepted, and waits for its turn
    assert len(world.executor.runners) == 1


async def test_a_runner_that_was_not_reached_at_once_is_tried_again(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say_text("a")
    await world.wait(session, lambda now: now.last_words == "a")
    world.executor.unreachable = 2
    runner.hang_up()
    runner.say_text("b")
    runner.end_turn()
    done = await world.wait(session, lambda now: now.current_task is None)
    assert (done.status, text_of(await world.events(session))) == ("idle", "ab")


async def test_a_runner_that_dies_as_its_connection_breaks_is_said(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    world.executor.unreachable = 99  # its socket is gone, it is not yet
    runner.hang_up()
    lost = await world.wait(session, lambda now: now.current_task is None)
    assert lost.status == "lost"


async def test_a_damaged_log_of_a_dead_runner_ends_its_task(world: World) -> None:
    session, other = await world.session(), await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    task_id = await world.prompt(other)
    second = await world.executor.wait_runner(1)
    for open_runner in world.engine._runners.values():
        await open_runner.close()
    runner.kill()
    world.executor.damaged = True
    await world.restart()
    lost = await world.wait(session, lambda now: now.current_task is None)
    assert lost.status == "lost"
    second.end_turn()
    await world.wait(other, lambda now: now.current_task is None)
    assert second.prompted == [task_id]


async def test_what_an_agent_says_waits_for_a_full_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    fill_disk(world, monkeypatch, 5)
    runner.say_text("one ")
    runner.say_text("two")
    runner.end_turn()
    await world.wait(session, lambda now: now.current_task is None)
    events = await world.events(session)
    assert text_of(events) == "one two"
    assert gapless(events)


async def test_a_machine_that_refuses_a_start_keeps_the_prompt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.session()
    world.executor.refuse = OSError(errno.ENOSPC, "No space left on device")
    task_id = await world.prompt(session)
    held = await world.wait(session, lambda now: bool(now.queue_paused))
    assert (held.status, held.queue, held.error) == ("failed", (task_id,), "The disk is full.")
    world.executor.refuse = None
    await world.engine.resume(session.id, by=ANN)
    await world.wait(session, lambda now: now.current_task == task_id)


async def test_a_stop_right_behind_a_prompt_is_not_lost(world: World) -> None:
    session = await world.session()
    first = await world.prompt(session)
    second = await world.prompt(session)
    await world.engine.interrupt(session.id, by=ANN)
    done = await world.wait(session, lambda now: now.last_stop_reason is not None)
    assert (done.status, done.queue, bool(done.queue_paused)) == ("interrupted", (second,), True)
    assert world.executor.runners[0].prompted == []
    types = [e.update.type for e in await world.events(session) if e.task_id == first]
    assert types == ["task_queued", "task_started", "interrupt_requested", "task_ended"]
    await world.engine.resume(session.id, by=ANN)
    await world.wait(session, lambda now: now.current_task == second)
    assert world.executor.runners[0].prompted == [second]


async def test_a_session_that_is_put_away_as_it_starts_leaves_no_runner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.session()
    start, begun, go = world.executor.start, asyncio.Event(), asyncio.Event()

    async def slow(spec: object) -> object:
        begun.set()
        await go.wait()
        return await start(spec)  # type: ignore[arg-type]  # handed on as given

    monkeypatch.setattr(world.executor, "start", slow)
    task_id = await world.prompt(session)
    await begun.wait()
    await world.engine.update_session(session.id, by=ANN, archived=True)
    go.set()
    async with asyncio.timeout(5):
        while not world.executor.runners or world.executor.runners[0].alive:
            await asyncio.sleep(0.002)
    await world.engine.update_session(session.id, by=ANN, archived=False)
    await world.wait(session, lambda now: now.current_task == task_id)


async def test_an_archived_session_is_not_resumed(world: World) -> None:
    session = await world.session()
    await world.engine.update_session(session.id, by=ANN, archived=True)
    with pytest.raises(Conflict):
        await world.engine.resume(session.id, by=ANN)


async def test_a_runner_that_ends_before_it_is_reached_says_why(world: World) -> None:
    world.executor.ends_at_start = RunnerEnded(
        reason="start_failed", error="The agent is not logged in.", hint="Log in."
    )
    session = await world.session()
    task_id = await world.prompt(session)
    held = await world.wait(session, lambda now: bool(now.queue_paused))
    assert (held.queue_paused, held.hint) == ("The agent is not logged in.", "Log in.")
    assert held.queue == (task_id,)
    assert await world.log.runners() == []
    world.executor.ends_at_start = None
    await world.engine.resume(session.id, by=ANN)
    (await world.executor.wait_runner(1)).end_turn()
    assert (await world.wait(session, lambda now: now.current_task is None)).status == "idle"
