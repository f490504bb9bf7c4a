"""The engine as its callers see it: prompts run in order, are stopped, edited, answered once."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.agents.base import Capabilities
from agor_jupyter.domain.content import PermissionOption, Question, Usage
from agor_jupyter.domain.errors import (
    AgentUnavailable,
    AlreadyAnswered,
    Conflict,
    NotFound,
    Unprocessable,
    UnsupportedByAgent,
)
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, Steered, TaskEnded
from agor_jupyter.domain.ids import RequestId, TaskId, UserId
from agor_jupyter.domain.ports import Prompt
from tests.engine.conftest import ANN, World

BOB = UserId("bob")
REQUEST = PermissionRequest(
    request_id=RequestId("req_0000000000000001"),
    title="run it",
    kind="execute",
    options=(
        PermissionOption(option_id="yes", name="Allow once", kind="allow_once"),
        PermissionOption(option_id="always", name="Always", kind="allow_always"),
        PermissionOption(option_id="no", name="Reject", kind="reject_once"),
    ),
    input={"command": "make"},
    digest="d1",
)


async def test_a_prompt_runs_from_queue_to_end(world: World) -> None:
    session = await world.session()
    task_id = await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say_text("hel")
    runner.say_text("lo")
    runner.end_turn()
    done = await world.wait(session, lambda now: now.last_stop_reason == "end_turn")
    assert (done.status, done.last_words, done.current_task) == ("idle", "hello", None)
    assert await world.types(session) == [
        "session_created",
        "task_queued",
        "task_started",
        "agent_message_chunk",
        "task_ended",
    ]
    task = await world.log.task(task_id)
    assert task is not None
    assert (task.status, task.files_changed, task.lines_added) == ("ended", 1, 2)
    assert world.checkpoints.recorded == [(task_id, "start"), (task_id, "end")]


async def test_tasks_run_one_after_another_on_one_runner(world: World) -> None:
    session = await world.session()
    first, second = await world.prompt(session, "one"), await world.prompt(session, "two")
    runner = await world.executor.wait_runner()
    assert runner.prompted == [first]
    runner.end_turn()
    await world.wait(session, lambda now: now.current_task == second)
    async with asyncio.timeout(5):
        while runner.prompted != [first, second]:
            await asyncio.sleep(0.002)
    runner.end_turn(output_tokens=5)
    done = await world.wait(session, lambda now: not now.queue and now.current_task is None)
    assert done.usage == Usage(output_tokens=6)
    assert len(world.executor.runners) == 1


async def test_an_interrupt_keeps_the_queue_and_pauses_it(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    second = await world.prompt(session)
    runner = await world.executor.wait_runner()
    await world.engine.interrupt(session.id, by=BOB)
    await runner.wait_told("interrupt")
    runner.end_turn("cancelled")
    paused = await world.wait(session, lambda now: now.current_task is None)
    assert (paused.status, paused.queue, bool(paused.queue_paused)) == ("interrupted", (second,), True)
    await world.engine.resume(session.id, by=BOB)
    await world.wait(session, lambda now: now.current_task == second)


async def test_an_agent_that_does_not_stop_is_killed(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    await world.executor.wait_runner()
    await world.engine.interrupt(session.id, by=BOB)
    done = await world.wait(session, lambda now: now.current_task is None)
    assert (done.status, done.last_stop_reason) == ("interrupted", "cancelled")
    assert world.executor.reaped


async def test_queued_tasks_can_be_edited_moved_and_withdrawn(world: World) -> None:
    session = await world.session()
    running = await world.prompt(session)
    runner = await world.executor.wait_runner()
    two, three = await world.prompt(session, "two"), await world.prompt(session, "three")
    await world.engine.edit_task(three, by=ANN, place=0)
    await world.engine.edit_task(three, by=ANN, prompt="three!")
    await world.engine.remove_task(two, by=ANN)
    with pytest.raises(Conflict):
        await world.engine.remove_task(running, by=ANN)
    with pytest.raises(Conflict):
        await world.engine.edit_task(two, by=ANN, prompt="late")
    runner.end_turn()
    await world.wait(session, lambda now: now.current_task == three)
    told = await runner.wait_told("prompt", 2)  # the record says so before the runner hears of it
    assert told[1:3] == (three, "three!")


async def test_one_answer_counts_however_many_are_given(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say(REQUEST)
    await world.wait(session, lambda now: now.status == "awaiting_permission")
    answers = await asyncio.gather(
        *(
            world.engine.answer(REQUEST.request_id, by=UserId(f"u{number}"), option_id="yes")
            for number in range(20)
        ),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, AlreadyAnswered)]
    assert len(refused) == 19
    assert (await runner.wait_told("answer"))[1] == REQUEST.request_id
    assert [item[0] for item in runner.told].count("answer") == 1
    resolved = [e.update for e in await world.events(session) if isinstance(e.update, PermissionResolved)]
    assert len(resolved) == 1
    assert refused[0].fields["by"] == resolved[0].by


async def test_an_answer_must_fit_what_was_asked(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say(REQUEST)
    await world.wait(session, lambda now: bool(now.pending))
    for wrong, error in (
        ({"option_id": "root"}, Unprocessable),
        ({}, Unprocessable),
        ({"option_id": "yes", "digest": "other"}, Conflict),
    ):
        with pytest.raises(error):
            await world.engine.answer(REQUEST.request_id, by=ANN, **wrong)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(NotFound):
        await world.engine.answer(RequestId("req_unknown"), by=ANN, option_id="yes")


async def test_an_unanswered_request_is_withdrawn_with_its_task(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say(REQUEST)
    await world.wait(session, lambda now: bool(now.pending))
    runner.end_turn("cancelled")
    await world.wait(session, lambda now: now.current_task is None)
    assert await world.log.pending() == []
    with pytest.raises(AlreadyAnswered):
        await world.engine.answer(REQUEST.request_id, by=ANN, option_id="yes")


async def test_always_is_known_to_the_next_runner(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.say(REQUEST)
    await world.wait(session, lambda now: bool(now.pending))
    await world.engine.answer(REQUEST.request_id, by=ANN, option_id="always")
    runner.kill()
    await world.wait(session, lambda now: now.status == "lost")
    await world.engine.resume(session.id, by=ANN)
    await world.prompt(session)
    again = await world.executor.wait_runner(1)
    assert [(rule.kind, rule.subject) for rule in again.spec.policy.always] == [("execute", "make")]


@pytest.mark.parametrize("trouble", ["agent", "git", "worktree"])
async def test_what_prevents_a_start_keeps_the_prompt_and_says_why(world: World, trouble: str) -> None:
    session = await world.session()
    tree = world.worktrees.copy()
    if trouble == "agent":
        world.executor.refuse = AgentUnavailable("demo is not installed.", hint="Install it.")
    elif trouble == "git":
        world.checkpoints.refuse = True
    else:
        world.worktrees.clear()
    task_id = await world.prompt(session)
    held = await world.wait(session, lambda now: bool(now.queue_paused))
    assert (held.status, held.queue) == ("failed", (task_id,))
    assert held.error
    world.executor.refuse, world.checkpoints.refuse = None, False
    world.worktrees.update(tree)
    await world.engine.resume(session.id, by=ANN)
    await world.wait(session, lambda now: now.current_task == task_id)


async def test_modes_and_models_are_checked_against_the_capabilities(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    assert (await world.engine.set_mode(session.id, "plan", by=ANN)).mode == "plan"
    assert (await runner.wait_told("mode"))[1] == "plan"
    world.capabilities = world.capabilities.model_copy(update={"modes": ("ask",), "set_model": False})
    with pytest.raises(UnsupportedByAgent):
        await world.engine.set_mode(session.id, "plan", by=ANN)


async def test_an_archived_session_takes_no_prompt(world: World) -> None:
    session = await world.session()
    await world.engine.update_session(session.id, by=ANN, archived=True)
    with pytest.raises(Conflict):
        await world.prompt(session)


async def test_words_outside_a_task_belong_to_no_task(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.end_turn()
    await world.wait(session, lambda now: now.current_task is None)
    runner.say_text("by the way")
    runner.end_turn()
    await world.wait(session, lambda now: now.last_words == "by the way")
    ended = [event for event in await world.events(session) if isinstance(event.update, TaskEnded)]
    assert len(ended) == 1


async def test_words_for_the_turn_are_told_to_the_runner_and_come_from_it(world: World) -> None:
    world.capabilities = Capabilities(steer=True)
    session = await world.session()
    with pytest.raises(Conflict, match="No turn"):
        await world.engine.steer(session.id, "too soon", (), by=BOB)
    task_id = await world.prompt(session)
    runner = await world.executor.wait_runner()
    await world.wait(session, lambda now: now.current_task == task_id)
    await world.engine.steer(session.id, "mind the gap", (), by=BOB, by_name="Bob B.")
    await runner.wait_told("steer")
    await world.wait(session, lambda now: now.last_seq >= 4)
    (said,) = [event for event in await world.events(session) if isinstance(event.update, Steered)]
    assert said.task_id == task_id
    assert said.update == Steered(by=BOB, by_name="Bob B.", text="mind the gap")


async def test_what_a_person_does_is_kept_with_their_name(world: World) -> None:
    session = await world.session()
    first, second, third = [TaskId(world.new_id("task")) for _ in range(3)]
    for task_id in (first, second, third):
        await world.engine.prompt(session.id, Prompt(task_id, "go"), by=BOB, by_name="Bob B.")
    runner = await world.executor.wait_runner()
    await world.wait(session, lambda now: now.current_task == first)
    await world.engine.edit_task(second, prompt="then", by=BOB, by_name="Bob B.")
    await world.engine.remove_task(third, by=BOB, by_name="Bob B.")
    runner.say(REQUEST)
    await world.wait(session, lambda now: bool(now.pending))
    await world.engine.answer(REQUEST.request_id, option_id="yes", by=BOB, by_name="Bob B.")
    await world.engine.set_mode(session.id, "plan", by=BOB, by_name="Bob B.")
    await world.engine.set_model(session.id, "m", by=BOB, by_name="Bob B.")
    await world.engine.update_session(session.id, title="T", by=BOB, by_name="Bob B.")
    await world.engine.interrupt(session.id, by=BOB, by_name="Bob B.")
    runner.end_turn("cancelled")
    await world.wait(session, lambda now: now.queue_paused != "")
    await world.engine.resume(session.id, by=BOB, by_name="Bob B.")
    named = {
        event.update.type
        for event in await world.events(session)
        if getattr(event.update, "by", "") == BOB and getattr(event.update, "by_name", "") == "Bob B."
    }
    assert named == {
        "task_queued",
        "task_updated",
        "task_removed",
        "permission_resolved",
        "current_mode_update",
        "current_model_update",
        "session_updated",
        "interrupt_requested",
        "queue_resumed",
    }
    task = await world.log.task(first)
    assert task is not None and (task.by_name, task.stopped_by) == ("Bob B.", "Bob B.")
    with pytest.raises(AlreadyAnswered, match=r"Bob B\. answered it already"):
        await world.engine.answer(REQUEST.request_id, by=ANN, option_id="no")


async def test_an_answer_to_some_of_the_questions_is_none(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    questions = (Question(question="Which?"), Question(question="Why?"))
    runner.say(REQUEST.model_copy(update={"questions": questions, "options": ()}))
    await world.wait(session, lambda now: now.status == "awaiting_permission")
    with pytest.raises(Unprocessable, match=r"Why\?"):
        await world.engine.answer(REQUEST.request_id, by=ANN, option_id=None, answers={"Which?": "a"})
    answers = {"Which?": "a", "Why?": "so"}
    await world.engine.answer(REQUEST.request_id, by=ANN, option_id=None, answers=answers)
    assert (await runner.wait_told("answer"))[1] == REQUEST.request_id
    resolved = [e.update for e in await world.events(session) if isinstance(e.update, PermissionResolved)]
    assert [each.answers for each in resolved] == [answers]


async def test_an_agent_without_a_task_is_closed_when_asked_and_resumed_by_the_next_prompt(
    world: World,
) -> None:
    session = await world.session()
    assert world.engine.agent_state(session.id) == "none"
    await world.engine.close_agent(session.id)  # none is up: nothing to do
    await world.prompt(session)
    with pytest.raises(Conflict, match="under way"):  # queued, it starts at once
        await world.engine.close_agent(session.id)
    runner = await world.executor.wait_runner()
    await world.until(lambda: world.engine.agent_state(session.id) == "working")
    with pytest.raises(Conflict, match="under way"):
        await world.engine.close_agent(session.id)
    runner.end_turn()
    await world.wait(session, lambda now: now.last_stop_reason == "end_turn")
    await world.until(lambda: world.engine.agent_state(session.id) == "idle")
    await world.engine.close_agent(session.id)
    assert not runner.alive and ("close", False) in runner.told
    assert world.engine.agent_state(session.id) == "none"
    before = await world.types(session)
    task_id = await world.prompt(session)
    await world.until(lambda: len(world.executor.runners) == 2)
    await world.wait(session, lambda now: now.current_task == task_id)
    assert (await world.types(session))[: len(before)] == before
