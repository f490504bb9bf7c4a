"""Runners are started, spoken to, found again and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.errors import (
    AlreadyAnswered,
    Conflict,
    InvalidRequest,
    Unprocessable,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    ModeChanged,
    ModelChanged,
    PermissionRequest,
    PermissionResolved,
    TurnEnded,
)
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.policy import Policy
from agor_jupyter.executors.link import LocalLink
from agor_jupyter.runner.protocol import RunnerStarted, TaskAccepted
from tests.executors.conftest import Runners, last, new_task, said, steps, until_end, wait_gone

NOTHING = ()


async def test_a_turn_from_start_to_end(runners: Runners) -> None:
    handle, link = await runners.open()
    task = new_task()
    await link.prompt(task, "stream 50 tokens at 500/s", NOTHING)
    frames = await until_end(link)
    kinds = [type(frame.update) for _, frame in frames]
    assert kinds[0] is RunnerStarted
    assert kinds.index(TaskAccepted) < kinds.index(AgentMessageChunk)
    assert AgentReady in kinds
    assert said(frames) == "".join(f"tok{number} " for number in range(50))
    assert {frame.task_id for _, frame in frames if isinstance(frame.update, AgentMessageChunk)} == {task}
    offsets = [offset for offset, _ in frames]
    assert offsets == sorted(set(offsets))
    assert Path(handle.log_path).stat().st_size >= offsets[-1]
    await link.close_runner()
    assert (await last(link)).reason == "closed"
    await link.disconnect()
    await wait_gone(runners)
    assert not Path(handle.socket_path).exists()


async def test_the_process_is_detached_and_private(runners: Runners) -> None:
    handle, link = await runners.open()
    assert os.getsid(handle.pid) == handle.pid
    assert stat.S_IMODE(Path(handle.socket_path).stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(Path(handle.socket_path).parent.stat().st_mode) == 0o700
    for file in Path(handle.log_path).parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    here = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_file(fd)}
    theirs = set()
    for fd in os.listdir(f"/proc/{handle.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            theirs.add(os.readlink(f"/proc/{handle.pid}/fd/{fd}"))
    shared = {name for name in here & theirs if name.startswith(("/", "pipe", "socket"))} - {"/dev/null"}
    assert not shared
    await link.disconnect()


def _is_file(fd: str) -> bool:
    try:
        os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        return False
    return True


async def test_a_prompt_is_done_once(runners: Runners) -> None:
    _, link = await runners.open()
    task = new_task()
    await link.prompt(task, "stream 5 tokens at 500/s", NOTHING)
    await link.prompt(task, "stream 5 tokens at 500/s", NOTHING)
    await until_end(link)
    await link.prompt(task, "stream 5 tokens at 500/s", NOTHING)
    await link.prompt(new_task(), steps({"say": "other", "delay_ms": 0}), NOTHING)
    assert said(await until_end(link)) == "other"
    await link.disconnect()


async def test_a_prompt_in_mid_turn_is_refused(runners: Runners) -> None:
    _, link = await runners.open()
    await link.prompt(new_task(), steps({"wait": 20}), NOTHING)
    with pytest.raises(Conflict, match="at work"):
        await link.prompt(new_task(), "Another.", NOTHING)
    await link.interrupt()
    frames = await until_end(link)
    assert isinstance(frames[-1][1].update, TurnEnded)
    assert frames[-1][1].update.stop_reason == "cancelled"
    await link.disconnect()


async def test_many_may_watch_from_any_offset(runners: Runners) -> None:
    handle, link = await runners.open()
    await link.prompt(new_task(), "stream 40 tokens at 400/s", NOTHING)
    whole = await until_end(link)
    for offset, _ in whole[::3]:
        other = await runners.executor.connect(handle, offset)
        expected = [item for item in whole if item[0] > offset]
        if expected:
            assert await until_end(other) == expected
        await other.disconnect()
    with pytest.raises(InvalidRequest):
        await runners.executor.connect(handle, whole[0][0] - 1)
    await link.disconnect()


@pytest.mark.parametrize(
    ("mode", "by", "done"),
    [("ask", "robin", True), ("accept_edits", "policy", True), ("plan", "policy", False)],
)
async def test_the_policy_answers_what_the_mode_allows(
    runners: Runners, mode: str, by: str, done: bool
) -> None:
    policy = Policy(mode=mode, worktree=str(runners.folder))  # type: ignore[arg-type]  # a parametrised literal
    _, link = await runners.open(policy=policy)
    await link.prompt(new_task(), steps({"edit": {"path": "a.txt", "write": "x"}}), NOTHING)
    answer = "allow_once" if by == "robin" else None
    frames = await until_end(link, answer=answer)
    asked = [frame.update for _, frame in frames if isinstance(frame.update, PermissionRequest)]
    answered = [frame.update for _, frame in frames if isinstance(frame.update, PermissionResolved)]
    assert [item.request_id for item in asked] == [item.request_id for item in answered]
    assert [item.by for item in answered] == [by]
    assert (runners.folder / "a.txt").exists() == done
    await link.disconnect()


async def test_the_mode_can_change_in_between(runners: Runners) -> None:
    _, link = await runners.open()
    await link.set_mode("full_auto", by="robin")
    await link.set_model("demo-slow", by="robin")
    with pytest.raises(Unprocessable, match="no model"):
        await link.set_model("none", by="robin")
    await link.prompt(new_task(), steps({"run": ["true"]}), NOTHING)
    frames = [frame.update for _, frame in await until_end(link)]
    # The engine has stored what a person changed: the runner does not say it again.
    assert not any(isinstance(item, ModeChanged | ModelChanged) for item in frames)
    assert [item.by for item in frames if isinstance(item, PermissionResolved)] == ["policy"]
    await link.disconnect()


async def test_the_second_answer_is_refused(runners: Runners) -> None:
    _, link = await runners.open()
    await link.prompt(new_task(), steps({"run": ["true"]}), NOTHING)
    async for _, frame in link.frames():
        if isinstance(frame.update, PermissionRequest):
            yes = Decision(outcome="selected", option_id="allow_once")
            others = [Decision(outcome="selected", option_id="reject_once", message=str(n)) for n in range(4)]
            results = await asyncio.gather(
                *(
                    link.answer(frame.update.request_id, decision, by=f"p{number}")
                    for number, decision in enumerate([yes, *others])
                ),
                return_exceptions=True,
            )
            assert sum(result is None for result in results) == 1
            refused = [result for result in results if isinstance(result, AlreadyAnswered)]
            assert len(refused) == 4
            assert refused[0].fields["by"] == "p0"
            break
    frames = await until_end(link)
    assert sum(isinstance(frame.update, PermissionResolved) for _, frame in frames) == 1
    await link.answer(RequestId("req_0000000000000000"), yes, by="robin")
    await link.disconnect()


async def test_an_interrupt_withdraws_what_was_asked(runners: Runners) -> None:
    _, link = await runners.open()
    await link.prompt(new_task(), steps({"run": ["true"]}), NOTHING)
    async for _, frame in link.frames():
        if isinstance(frame.update, PermissionRequest):
            break
    await link.interrupt()
    frames = [frame.update for _, frame in await until_end(link)]
    resolved = next(item for item in frames if isinstance(item, PermissionResolved))
    assert (resolved.outcome, resolved.by) == ("cancelled", "agent")
    await link.disconnect()


async def test_an_interrupt_right_behind_a_prompt_is_not_lost(runners: Runners) -> None:
    for _ in range(5):
        _, link = await runners.open()
        await link.prompt(new_task(), steps({"wait": 60}), NOTHING)
        await link.interrupt()
        async with asyncio.timeout(5):
            frames = await until_end(link)
        assert isinstance(frames[-1][1].update, TurnEnded)
        assert frames[-1][1].update.stop_reason == "cancelled"
        await link.prompt(new_task(), steps({"say": "On."}), NOTHING)
        assert said(await until_end(link)) == "On."
        await link.disconnect()


async def test_what_the_agent_writes_has_the_modes_of_any_file(runners: Runners) -> None:
    before = os.umask(0o022)
    try:
        _, link = await runners.open(policy=Policy(mode="full_auto", worktree=str(runners.folder)))
    finally:
        os.umask(before)
    edit = {"edit": {"path": "edited.txt", "write": "x"}}
    await link.prompt(new_task(), steps(edit, {"run": ["touch", "touched.txt"]}), NOTHING)
    await until_end(link)
    for name in ("edited.txt", "touched.txt"):
        assert stat.S_IMODE((runners.folder / name).stat().st_mode) == 0o644, name
    await link.disconnect()


async def test_the_servers_secrets_do_not_reach_the_runner(
    runners: Runners, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "AGOR_JUPYTER_TOKEN", "SOME_SECRET"):
        monkeypatch.setenv(name, "canary-1c1c")
    handle, link = await runners.open()
    assert b"canary-1c1c" not in Path(f"/proc/{handle.pid}/environ").read_bytes()
    await link.disconnect()


async def test_finish_task_waits_for_the_turn(runners: Runners) -> None:
    _, link = await runners.open()
    await link.prompt(new_task(), "stream 40 tokens at 100/s", NOTHING)
    await link.close_runner(finish_task=True)
    frames = await until_end(link)
    assert said(frames).endswith("tok39 ")
    assert (await last(link)).reason == "closed"
    await link.disconnect()
    await wait_gone(runners)


@pytest.mark.parametrize(
    "line", [b'{"offset":9,"frame":%b}' % (b"[" * 300 + b"]" * 300), b'{"call":1}', b"{"]
)
async def test_frames_end_at_a_line_that_cannot_be_read(line: bytes) -> None:
    """A session that went on waiting would never hear of its runner again."""
    runtime = tempfile.mkdtemp(prefix="agt-", dir="/tmp")

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b'"attach"' in await reader.readline():
            writer.write(b'{"ack":0,"error":null}\n' + line + b"\n")
            await reader.read()  # till the other side hangs up
        writer.close()

    server = await asyncio.start_unix_server(speak, f"{runtime}/s")
    link = await LocalLink.open(f"{runtime}/s", 0)
    async with asyncio.timeout(10):
        assert [item async for item in link.frames()] == []
    await link.disconnect()
    server.close()
    shutil.rmtree(runtime)
