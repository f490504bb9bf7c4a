"""A runner begins, ends and is found again; what cannot begin says why."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.process import marked
from agor_jupyter.domain.errors import (
    AgentUnavailable,
    RunnerLost,
)
from agor_jupyter.domain.policy import Policy
from agor_jupyter.runner.host import RUN_MARKER
from agor_jupyter.runner.log import read_file
from agor_jupyter.runner.protocol import Frame, RunnerEnded
from tests.executors.conftest import Runners, last, new_task, said, steps, until_end, wait_gone

NOTHING = ()


async def test_a_clock_that_was_set_does_not_lose_a_runner(runners: Runners) -> None:
    handle = await runners.start()
    moved = handle.model_copy(update={"started": handle.started + 86400, "boot": handle.boot + 86400})
    assert await runners.executor.is_alive(moved)
    # The same numbers after another boot: the marker tells that it is somebody else.
    assert not await runners.executor.is_alive(moved.model_copy(update={"run_id": "run_0000000000000000"}))


async def test_a_socket_that_was_swept_away_comes_back(runners: Runners) -> None:
    handle, link = await runners.open()
    Path(handle.socket_path).unlink()
    async with asyncio.timeout(5):
        while True:
            try:
                again = await runners.executor.connect(handle, 0)
                break
            except RunnerLost:
                await asyncio.sleep(0.05)
    await link.prompt(new_task(), steps({"say": "Here."}), NOTHING)
    assert said(await until_end(link)) == said(await until_end(again)) == "Here."
    await link.disconnect()
    await again.disconnect()


async def test_sigterm_ends_it_in_order(runners: Runners) -> None:
    handle, link = await runners.open()
    child = steps({"run": {"argv": [sys.executable, "-c", "import time; time.sleep(99)"], "ask": False}})
    await link.prompt(new_task(), child, NOTHING)
    async with asyncio.timeout(5):
        while len(marked(f"{RUN_MARKER}={handle.run_id}")) < 2:
            await asyncio.sleep(0.02)
    os.kill(handle.pid, signal.SIGTERM)
    assert (await last(link)).reason == "closed"
    await link.disconnect()
    await wait_gone(runners)


async def test_a_hangup_ends_neither_the_runner_nor_what_nohup_means(runners: Runners) -> None:
    handle, link = await runners.open(policy=Policy(mode="full_auto", worktree=str(runners.folder)))
    os.kill(handle.pid, signal.SIGHUP)
    show = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_DFL)"
    await link.prompt(new_task(), steps({"run": ["{python}", "-c", show]}), NOTHING)
    frames = await until_end(link)
    assert any("True" in str(frame.update) for _, frame in frames)
    await link.disconnect()


async def test_an_agent_that_cannot_start_says_why(runners: Runners) -> None:
    spec = runners.spec()
    session = spec.session.model_copy(update={"options": {"script": "no-such-script"}})
    spec = spec.model_copy(update={"session": session})
    try:
        handle = await runners.start(spec)
    except AgentUnavailable as error:  # it was over before the socket was seen: said at once
        assert "no-such-script" in error.detail
    else:
        await wait_gone(runners)
        with pytest.raises(RunnerLost):
            await runners.executor.connect(handle, 0)
    frames = [Frame.model_validate_json(line) for _, line in read_file(spec.log_path, 0)]
    ended = frames[-1].update
    assert isinstance(ended, RunnerEnded)
    assert ended.reason == "start_failed"
    assert "no-such-script" in ended.error


async def test_what_an_agent_lacks_is_named_by_a_start_that_failed_for_it(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the runner was over before its socket was seen: its log says it."""
    ended = RunnerEnded(reason="start_failed", error="It has no fork.", hint="Begin anew.", capability="fork")
    line = Frame(at_ms=1, update=ended).model_dump_json()
    write = "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10))"
    monkeypatch.setattr(
        "agor_jupyter.executors.local._command",
        lambda spec: [sys.executable, "-c", write, spec.log_path, line],
    )
    with pytest.raises(AgentUnavailable, match=r"It has no fork\.") as caught:
        await runners.executor.start(runners.spec())
    assert (caught.value.hint, caught.value.fields["capability"]) == ("Begin anew.", "fork")


async def test_an_unknown_agent_is_unavailable(runners: Runners) -> None:
    with pytest.raises(AgentUnavailable, match="no agent 'nobody'"):
        await runners.executor.start(runners.spec(agent="nobody"))


async def test_a_runner_that_dies_at_once_shows_its_log(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "agor_jupyter.executors.local._command",
        lambda spec: [sys.executable, "-c", "raise SystemExit('ouch')"],
    )
    with pytest.raises(RunnerLost) as caught:
        await runners.executor.start(runners.spec())
    assert "ouch" in caught.value.hint


async def test_an_agent_that_dies_ends_its_runner(runners: Runners) -> None:
    handle, link = await runners.open()
    await link.prompt(new_task(), steps({"say": "bye"}, {"crash": 9}), NOTHING)
    async for _ in link.frames():
        pass  # ends when the process is gone
    await link.disconnect()
    async with asyncio.timeout(5):
        while await runners.executor.is_alive(handle):
            await asyncio.sleep(0.01)
    assert said(await runners.executor.leftovers(handle, 0)) == "bye"


async def test_another_process_of_the_same_number_is_not_it(runners: Runners) -> None:
    handle = await runners.start()
    assert await runners.executor.is_alive(handle)
    assert not await runners.executor.is_alive(handle.model_copy(update={"started": handle.started - 10}))
    assert not await runners.executor.is_alive(handle.model_copy(update={"boot": handle.boot - 1000}))
    other = handle.model_copy(update={"pid": os.getpid(), "run_id": "run_0000000000000000"})
    await runners.executor.reap(other)  # must not end this process
    assert await runners.executor.is_alive(handle)


async def test_a_dead_runner_is_no_zombie(runners: Runners) -> None:
    handle = await runners.start()
    os.kill(handle.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while psutil.pid_exists(handle.pid):
            await asyncio.sleep(0.01)
    assert not await runners.executor.is_alive(handle)


async def test_without_a_server_and_work_it_ends(runners: Runners) -> None:
    # The longest that it may be alone: two seconds. (The wait without work is a constant of the host.)
    handle, link = await runners.open(orphan_hours=2 / 3600)
    await link.prompt(new_task(), steps({"wait": 60}), NOTHING)
    await link.disconnect()
    await wait_gone(runners, 10)
    ended = (await runners.executor.leftovers(handle, 0))[-1][1].update
    assert isinstance(ended, RunnerEnded)
    assert ended.reason == "orphaned"


async def test_while_a_server_watches_it_stays(runners: Runners) -> None:
    handle, link = await runners.open(orphan_hours=1 / 3600)
    await asyncio.sleep(3)  # what is tested is that nothing happens in this time
    assert await runners.executor.is_alive(handle)
    await link.disconnect()


async def test_idle_it_ends(runners: Runners) -> None:
    _, link = await runners.open(idle_seconds=1.5)
    assert (await last(link)).reason == "idle"
    await link.disconnect()


FORGE = """
import json, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
command = {"type": "set_mode", "id": 1, "mode": "full_auto", "by": "robin"}
try:
    peer.sendall(json.dumps(command).encode() + b"\\n")
    print("heard:", peer.recv(100))
except OSError:
    print("heard:", b"")
"""


@pytest.mark.parametrize("prefix", [[], ["env", "-i"]], ids=["as it is", "without its environment"])
async def test_an_agent_cannot_answer_for_a_person(runners: Runners, prefix: list[str]) -> None:
    """A script that it runs finds the runner's socket, and is turned away from it."""
    handle, link = await runners.open(policy=Policy(mode="full_auto", worktree=str(runners.folder)))
    forge = {"run": [*prefix, sys.executable, "-c", FORGE, handle.socket_path]}
    await link.prompt(new_task(), steps(forge), NOTHING)
    frames = await until_end(link)
    assert any("heard: b''" in str(frame.update) for _, frame in frames)
    assert not any("ack" in str(frame.update) for _, frame in frames)
    await link.disconnect()
