"""What survives: a server killed at any moment, a runner killed, both."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.domain.events import AgentMessageChunk, SessionEvent
from agor_jupyter.runner.protocol import RunnerEnded
from tests.engine.conftest import ANN, World
from tests.engine.test_engine import REQUEST


def text_of(events: list[SessionEvent]) -> str:
    return "".join(e.update.text for e in events if isinstance(e.update, AgentMessageChunk))


def gapless(events: list[SessionEvent]) -> bool:
    return [event.seq for event in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("kill_after", range(12))
async def test_a_killed_server_misses_nothing(world: World, kill_after: int) -> None:
    session = await world.session()
    task_id = await world.prompt(session)
    runner = await world.executor.wait_runner()
    for number in range(12):
        if number == kill_after:
            await world.restart()
        runner.say_text(f"{number} ")
        await asyncio.sleep(0)
    runner.end_turn()
    await world.wait(session, lambda now: now.last_stop_reason == "end_turn")
    events = await world.events(session)
    assert gapless(events)
    assert text_of(events) == "".join(f"{number} " for number in range(12))
    assert runner.prompted == [task_id]


async def test_a_turn_that_ended_while_the_server_was_away_is_ended(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    second = await world.prompt(session)
    runner = await world.executor.wait_runner()
    for open_runner in world.engine._runners.values():
        await open_runner.close()
    runner.say_text("alone")
    runner.end_turn()
    await world.restart()
    await world.wait(session, lambda now: now.current_task == second)
    assert text_of(await world.events(session)) == "alone"


async def test_a_killed_runner_is_said_and_the_queue_waits(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    second = await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say_text("half")
    runner.kill()
    lost = await world.wait(session, lambda now: now.current_task is None)
    assert (lost.status, lost.queue, lost.last_words) == ("lost", (second,), "half")
    assert lost.error
    assert lost.hint
    await world.engine.resume(session.id, by=ANN)
    await world.wait(session, lambda now: now.current_task == second)
    assert len(world.executor.runners) == 2


async def test_both_killed_loses_nothing_that_was_accepted(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    second = await world.prompt(session)
    runner = await world.executor.wait_runner()
    for open_runner in world.engine._runners.values():
        await open_runner.close()
    runner.say_text("last words")
    runner.kill()
    await world.restart()
    lost = await world.wait(session, lambda now: now.current_task is None)
    assert (lost.status, lost.queue) == ("lost", (second,))
    events = await world.events(session)
    assert gapless(events)
    assert text_of(events) == "last words"
    assert await world.log.runners() == []


async def test_a_queued_prompt_starts_after_a_restart(world: World) -> None:
    session = await world.session()
    for open_runner in world.engine._runners.values():
        await open_runner._jobs.close()  # accepted by a server that dies before it starts anything
    task_id = await world.prompt(session)
    await world.restart()
    await world.wait(session, lambda now: now.current_task == task_id)
    assert (await world.executor.wait_runner()).prompted == [task_id]


async def test_an_answer_that_never_reached_the_runner_is_given_again(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say(REQUEST)
    await world.wait(session, lambda now: bool(now.pending))
    world.engine._runners[session.id].link = None  # the server dies between storing and telling
    await world.engine.answer(REQUEST.request_id, by=ANN, option_id="yes")
    assert not [item for item in runner.told if item[0] == "answer"]
    await world.restart()
    told = await runner.wait_told("answer")
    assert told[1] == REQUEST.request_id


async def test_a_runner_whose_agent_failed_says_why(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.end(RunnerEnded(reason="agent_exited", error="exit 1", hint="Log in."))
    failed = await world.wait(session, lambda now: now.current_task is None)
    assert (failed.status, failed.error, failed.hint) == ("failed", "exit 1", "Log in.")


@pytest.mark.parametrize(("on_stop", "alive"), [("keep", True), ("finish_task", False), ("stop", False)])
async def test_an_orderly_stop_does_as_the_trait_says(world: World, on_stop: str, alive: bool) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    working = await world.engine.close(on_stop)  # type: ignore[arg-type]  # a literal of the table
    assert runner.alive is alive
    assert working == ([session.id] if on_stop != "stop" else [])


async def test_a_runner_that_closes_as_it_is_prompted_is_replaced(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    first = await world.executor.wait_runner()
    first.end_turn()
    await world.wait(session, lambda now: now.current_task is None)
    first.closes_at_prompt = True
    task_id = await world.prompt(session)
    second = await world.executor.wait_runner(1)
    assert second.prompted == [task_id]
    second.end_turn()
    done = await world.wait(session, lambda now: now.current_task is None)
    assert (done.status, done.last_stop_reason) == ("idle", "end_turn")
