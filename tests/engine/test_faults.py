"""What hangs, is full or was tampered with: one session suffers, says so, and can go on."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping

import pytest

from agor_jupyter.agents.base import ToolAnswer
from agor_jupyter.domain.errors import Conflict, StorageFull, TimedOut
from agor_jupyter.domain.events import Draft
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended
from agor_jupyter.engine import session_runner, supervisor
from agor_jupyter.executors.base import Handle
from agor_jupyter.runner.protocol import RunnerEnded, RunnerSpec
from agor_jupyter.testing.fake_executor import FRAME_BYTES, FakeLink, FakeRunner
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


async def test_a_runner_that_hangs_at_its_start_leaves_no_record(world: World) -> None:
    """A record left behind would be adopted at the next start, in the living runner's place."""
    connect, times = world.executor.connect, [1]

    async def slow(handle: Handle, offset: int) -> FakeLink:
        if times[0]:
            times[0] -= 1
            raise TimedOut("The runner did not acknowledge in time.")
        return await connect(handle, offset)

    world.executor.connect = slow  # type: ignore[method-assign]  # the fake's own seam
    session = await world.session()
    await world.prompt(session)
    await world.wait(session, lambda now: bool(now.queue_paused))
    assert world.executor.reaped == [world.executor.runners[0].spec.run_id]
    await world.engine.resume(session.id, by=ANN)
    runner = await world.executor.wait_runner(1)
    runner.say_text("working")
    await world.wait(session, lambda now: now.status == "running")
    assert [row[0] for row in await world.log.runners()] == [runner.spec.run_id]
    await world.restart()
    runner.end_turn()
    assert (await world.wait(session, lambda now: now.current_task is None)).status == "idle"
    assert runner.alive


async def test_only_the_newest_record_of_a_session_is_adopted(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    older = Handle(
        run_id="run_0000000000000000", session_id=session.id, pid=len(world.executor.runners) + 1,
        started=0.0, boot=0.0, socket_path="/sock/old", log_path="/log/old",
    )  # fmt: skip
    world.executor.runners.append(FakeRunner(runner.spec))
    world.executor.runners[-1].kill()
    rows = await world.log.runners()
    await world.log.forget_runner(rows[0][0])
    await world.log.save_runner(older.run_id, session.id, older.model_dump_json())
    await world.log.save_runner(rows[0][0], session.id, rows[0][2])
    await world.restart()
    runner.end_turn()
    assert (await world.wait(session, lambda now: now.current_task is None)).status == "idle"
    assert await world.log.runners() == [(rows[0][0], session.id, rows[0][2], runner_bytes(runner))]


def runner_bytes(runner: FakeRunner) -> int:
    return FRAME_BYTES * len(runner.log)


async def test_a_mode_that_changes_while_the_runner_starts_reaches_it(world: World) -> None:
    session = await world.session()
    await world.engine.set_mode(session.id, "full_auto", by=ANN)
    start, begun, go = world.executor.start, asyncio.Event(), asyncio.Event()

    async def slow(spec: RunnerSpec) -> Handle:
        begun.set()
        await go.wait()
        return await start(spec)

    world.executor.start = slow  # type: ignore[method-assign]  # the fake's own seam
    await world.prompt(session)
    await begun.wait()
    await world.engine.set_mode(session.id, "ask", by=ANN)
    go.set()
    runner = await world.executor.wait_runner()
    assert runner.spec.policy.mode == "full_auto"
    assert [told for told in runner.told if told[0] == "mode"][-1] == ("mode", "ask")


async def test_a_mode_that_a_runner_did_not_take_is_told_again(world: World) -> None:
    session = await world.session()
    await world.engine.set_mode(session.id, "full_auto", by=ANN)
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    told = len([item for item in runner.told if item[0] == "mode"])
    runner.hangs = True
    await world.engine.set_mode(session.id, "ask", by=ANN)
    runner.hangs = False
    assert (await runner.wait_told("mode", told + 1))[1] == "ask"


async def test_a_held_database_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await heals(world, monkeypatch, TimedOut("Another program holds the database."))


async def test_a_fault_of_ours_costs_no_event(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_runner, "FAULT_SECONDS", 0.001)
    await heals(world, monkeypatch, ZeroDivisionError("a bug"))
    assert "a bug" in caplog.text


async def heals(world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let one append of the agent's words fail; all of them are there in the end, once."""
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    append, left = world.log.append, [1]

    async def flaky(session_id: SessionId, drafts: list[Draft], **options: object) -> Appended:
        if left[0] and any(draft.update.type == "agent_message_chunk" for draft in drafts):
            left[0] -= 1
            raise fault
        return await append(session_id, drafts, **options)  # type: ignore[arg-type]  # handed on as given

    monkeypatch.setattr(world.log, "append", flaky)
    runner.say_text("hello ")
    runner.say_text("there")
    runner.end_turn()
    done = await world.wait(session, lambda now: now.current_task is None)
    assert (done.status, left) == ("idle", [0])
    assert text_of(await world.events(session)) == "hello there"
    assert gapless(await world.events(session))
    task_id = await world.prompt(session, "second")
    await world.wait(session, lambda now: now.current_task == task_id)


async def test_a_tool_call_is_done_once_however_often_it_is_asked(world: World) -> None:
    done: list[str] = []
    go = asyncio.Event()

    async def tools(
        session_id: SessionId, call: str, tool: str, arguments: Mapping[str, object]
    ) -> ToolAnswer:
        done.append(call)
        await go.wait()
        return ToolAnswer(text="done")

    world.tools = tools
    await world.restart()
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()
    runner.call_tool("c1", "agor_whoami")
    await world.until(lambda: bool(done))
    runner.hang_up()  # asked again on the next connection
    await world.until(lambda: runner.asked_times == 2)
    go.set()
    assert (await runner.wait_told("tool"))[1:] == ("c1", ToolAnswer(text="done"))
    assert done == ["c1"]
