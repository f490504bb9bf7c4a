"""Chunks are joined within 50 ms and never across anything that stands between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.agents.base import McpServer, SessionSpec
from agor_jupyter.domain.content import TerminalContent
from agor_jupyter.domain.errors import StorageFull
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    AgentUpdate,
    Notice,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import MessageId, SessionId, TaskId, ToolCallId
from agor_jupyter.runner.log import Log, read_file
from agor_jupyter.runner.protocol import Frame
from agor_jupyter.runner.recorder import Recorder, completed

ONE, TWO = TaskId("task_0000000000000001"), TaskId("task_0000000000000002")


def chunk(text: str, message: str = "m") -> AgentMessageChunk:
    return AgentMessageChunk(message_id=MessageId(message), text=text)


def output(text: str) -> ToolCallUpdate:
    return ToolCallUpdate(tool_call_id=ToolCallId("c"), output_delta=text)


@pytest.fixture
def log(tmp_path: Path):
    log = Log(str(tmp_path / "events.jsonl"))
    yield log
    log.close()


def logged(log: Log) -> list[Frame]:
    return [Frame.model_validate_json(line) for _, line in log.read(0)]


async def test_many_tokens_make_few_lines(log: Log) -> None:
    recorder = Recorder(log)
    for number in range(300):
        recorder.record(chunk(f"tok{number} "), ONE)
        await asyncio.sleep(0.001)
    recorder.flush()
    frames = logged(log)
    assert len(frames) < 30
    text = "".join(frame.update.text for frame in frames if isinstance(frame.update, AgentMessageChunk))
    assert text == "".join(f"tok{number} " for number in range(300))


async def test_a_chunk_is_never_held_long(log: Log) -> None:
    recorder = Recorder(log)
    recorder.record(chunk("first"), ONE)
    assert len(logged(log)) == 1  # the first of a burst is not held at all
    recorder.record(chunk("second"), ONE)
    assert len(logged(log)) == 1
    async with asyncio.timeout(0.5):
        await log.wait_longer_than(log.size)
    assert len(logged(log)) == 2


async def test_nothing_joins_across_what_stands_between(log: Log) -> None:
    recorder = Recorder(log)
    given: list[tuple[AgentUpdate, TaskId]] = [
        (chunk("a"), ONE),
        (chunk("b"), ONE),
        (Notice(text="between"), ONE),
        (chunk("c"), ONE),
        (chunk("d", "other"), ONE),
        (AgentThoughtChunk(message_id=MessageId("other"), text="e"), ONE),
        (chunk("f", "other"), ONE),
        (chunk("g", "other"), TWO),
        (output("h"), TWO),
        (output("i"), TWO),
        (ToolCallUpdate(tool_call_id=ToolCallId("c"), status="completed", output_delta="j"), TWO),
        (ToolCallUpdate(tool_call_id=ToolCallId("c"), content=(TerminalContent(text="k"),)), TWO),
    ]
    for update, task_id in given:
        recorder.record(update, task_id)
    recorder.flush()
    shown = [
        (frame.task_id, getattr(frame.update, "text", None) or getattr(frame.update, "output_delta", None))
        for frame in logged(log)
    ]
    assert shown == [
        (ONE, "a"),
        (ONE, "b"),
        (ONE, "between"),
        (ONE, "c"),
        (ONE, "d"),
        (ONE, "e"),
        (ONE, "f"),
        (TWO, "g"),
        (TWO, "hi"),
        (TWO, "j"),
        (TWO, None),
    ]


async def test_a_full_disk_stops_who_feeds_it_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agor_jupyter.runner.recorder.RETRY_SECONDS", 0.01)
    path = str(tmp_path / "events.jsonl")
    log = Log(path)
    recorder = Recorder(log)
    real, full = log.append, True

    def append(lines: list[bytes]) -> int:
        if full:
            raise StorageFull("full")
        return real(lines)

    monkeypatch.setattr(log, "append", append)
    for number in range(3):
        recorder.record(Notice(text=str(number)), ONE)
    waiting = asyncio.create_task(recorder.wait_writable())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    full = False
    async with asyncio.timeout(1):
        await waiting
    log.close()
    texts = [Frame.model_validate_json(line).update for _, line in read_file(path, 0)]
    assert [update.text for update in texts if isinstance(update, Notice)] == ["0", "1", "2"]


async def test_half_a_character_does_not_end_the_log(log: Log) -> None:
    recorder = Recorder(log)
    recorder.record(Notice(text="half \ud83d and \n more"), ONE)
    recorder.record(chunk("a\ud800b"), ONE)
    recorder.flush()
    texts = [getattr(frame.update, "text", "") for frame in logged(log)]
    assert texts == ["half ? and \n more", "a?b"]


async def test_ready_is_completed_with_what_the_agent_started_with() -> None:
    """An adapter may tell of a missing server before it is ready; nothing is kept of those not ours."""
    missing = Notice(level="warning", text="b is not there.", tool_servers=("b", "its-own"))
    ready = AgentReady(native_ref="n")

    async def told() -> AsyncIterator[AgentUpdate]:
        for update in (ready, missing, chunk("x"), ready):
            yield update

    servers = tuple(McpServer(name=name, command=(name,)) for name in ("a", "b"))
    spec = SessionSpec(
        session_id=SessionId("ses_1"), worktree="/w", state_dir="/s", mcp_servers=servers, trusted=True
    )
    said = [update async for update in completed(told(), spec)]
    assert said[1:3] == [missing, chunk("x")]
    assert [update.tool_servers for update in said if isinstance(update, AgentReady)] == [
        {"a": "", "b": ""},
        {"a": "", "b": "b is not there."},
    ]
    assert all(update.trusted for update in said if isinstance(update, AgentReady))
