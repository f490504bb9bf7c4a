"""What an agent says is readable for all who come after it, however deep, long or broken it is."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.clip import (
    DEPTH,
    INPUT_CHARACTERS,
    LEAST_ITEMS,
    LIMIT,
    TOO_DEEP,
    clip_input,
    fits,
    is_deep,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentUpdate,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
    agent_update_adapter,
)
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.runner.bounds import TEXT_CHARACTERS
from agor_jupyter.runner.log import Log, read_file
from agor_jupyter.runner.protocol import Frame, Logged, ToolAsked, bridge_of
from agor_jupyter.runner.recorder import Recorder, completed
from agor_jupyter.runner.toolbox import UNREADABLE, Toolbox

CALL = {"tool_call_id": "t", "title": "a tool"}
SESSION = SessionSpec(session_id=SessionId("ses_1"), worktree="/w", state_dir="/s")


def nested(levels: int, *, lists: bool = False) -> dict[str, Any]:
    value: Any = "the end"
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return {"a": value}


@pytest.mark.parametrize("lists", [False, True])
@pytest.mark.parametrize("levels", [200, 300, 900])
@pytest.mark.parametrize("kind", ["tool_call", "tool_call_update", "permission_request"])
async def test_what_is_nested_deep_can_be_read_again(
    tmp_path: Path, kind: str, levels: int, lists: bool
) -> None:
    asked = {"request_id": "r", "title": "t", "digest": "d"} if kind == "permission_request" else CALL
    update = agent_update_adapter.validate_python(
        {"type": kind, **asked, "input": nested(levels, lists=lists)}
    )
    deep, after = [
        frame.update for frame in await logged(tmp_path, update, TurnEnded(stop_reason="end_turn"))
    ]
    assert isinstance(deep, ToolCall | ToolCallUpdate | PermissionRequest)
    assert TOO_DEEP in json.dumps(deep.input, ensure_ascii=False)
    assert isinstance(after, TurnEnded)


async def test_a_text_that_would_fill_a_line_comes_in_pieces(tmp_path: Path) -> None:
    text = "\x01" * (12 * 2**20)  # six bytes each, as JSON: a line of the socket holds less
    frames = await logged(tmp_path, AgentMessageChunk.model_validate({"message_id": "m", "text": text}))
    said = [frame.update.text for frame in frames if isinstance(frame.update, AgentMessageChunk)]
    assert "".join(said) == text
    assert max(map(len, said)) <= 2 * TEXT_CHARACTERS


async def test_so_does_the_output_of_a_tool(tmp_path: Path) -> None:
    whole = {"tool_call_id": "t", "title": "cat", "input": nested(300), "output_delta": "y" * (3 * 2**20)}
    told = [frame.update for frame in await logged(tmp_path, ToolCallUpdate.model_validate(whole))]
    pieces = [update for update in told if isinstance(update, ToolCallUpdate)]
    assert "".join(update.output_delta or "" for update in pieces) == "y" * (3 * 2**20)
    assert max(len(update.output_delta or "") for update in pieces) <= 2 * TEXT_CHARACTERS
    assert [update.title for update in pieces if update.title] == ["cat"]


async def logged(folder: Path, *updates: AgentUpdate) -> list[Frame]:
    """Record updates as a runner does; give what the socket's other side reads of them."""

    async def told() -> AsyncIterator[AgentUpdate]:
        for update in updates:
            yield update

    log = Log(str(folder / "events.jsonl"))
    recorder = Recorder(log)
    async for update in completed(told(), SESSION):
        recorder.record(update, None)
    recorder.close()
    log.close()
    lines = read_file(str(folder / "events.jsonl"), 0)
    return [Logged.model_validate_json(b'{"offset":%d,"frame":%b}' % line).frame for line in lines]


def test_an_input_keeps_its_shape_where_it_is_not_deep() -> None:
    shallow = nested(DEPTH - 2)
    assert not is_deep(shallow)
    assert clip_input(shallow) == shallow
    assert is_deep(nested(DEPTH))
    assert not is_deep(clip_input(nested(5000)))


@pytest.mark.parametrize(
    "given",
    [
        {"numbers": list(range(2_000_000))},
        {"words": ["x" * 60_000] * 100},
        {str(number): number for number in range(500_000)},
        {"x" * 5_000_000: 1},
        {"rows": [[number] * 100 for number in range(20_000)]},
    ],
)
async def test_a_large_input_is_kept_in_part(tmp_path: Path, given: dict[str, Any]) -> None:
    assert not fits(given)
    update = ToolCall.model_validate({**CALL, "input": given})
    (frame,) = await logged(tmp_path, update)
    assert isinstance(frame.update, ToolCall)
    assert "left out" in frame.model_dump_json()
    assert len(frame.model_dump_json()) < 4 * INPUT_CHARACTERS


def test_an_input_of_many_strings_keeps_some_of_each() -> None:
    whole = {f"k{number}": "y" * 60_000 for number in range(LEAST_ITEMS)}
    kept = clip_input({**whole, "command": "rm -rf x"})
    assert kept["k0"] == "y" * 60_000
    assert kept["k19"].startswith("yy")
    assert clip_input({"command": "ls", "rest": whole})["command"] == "ls"
    assert fits(clip_input({"content": "z" * 10 * LIMIT})), "what was clipped is not clipped again"
    assert fits({"content": "z" * LIMIT, "more": [1, None, {"a": "b"}]})


async def test_contents_that_no_adapter_clipped_are_clipped(tmp_path: Path) -> None:
    long = "z" * (40 * 2**20)
    content = [
        {"type": "text", "text": long},
        {"type": "terminal", "text": long, "exit_code": 1, "truncated": 5},
        {"type": "diff", "path": "a", "old_text": None, "new_text": long},
    ]
    (frame,) = await logged(
        tmp_path, ToolCallUpdate.model_validate({"tool_call_id": "t", "content": content})
    )
    assert isinstance(frame.update, ToolCallUpdate) and frame.update.content
    assert len(frame.model_dump_json()) < 5 * LIMIT
    assert [getattr(item, "truncated", None) for item in frame.update.content][2] is None
    assert getattr(frame.update.content[1], "truncated") > 39 * 2**20  # noqa: B009  # one of three kinds


@pytest.mark.parametrize("given", [nested(150), nested(300), {"a": object()}, {"a": {1, 2}}])
async def test_arguments_that_nobody_can_read_are_refused_at_once(given: dict[str, Any]) -> None:
    told: list[ToolAsked] = []
    box = Toolbox((ToolSpec(name="t", description="", parameters={}),), told.append)
    async with asyncio.timeout(5):
        assert await box.call("t", given) == UNREADABLE
    assert told == []


async def test_half_a_pair_in_an_argument_is_replaced() -> None:
    told: list[ToolAsked] = []
    box = Toolbox((ToolSpec(name="t", description="", parameters={}),), told.append)
    calling = asyncio.create_task(box.call("t", {"text": "a\ud800b"}))
    await asyncio.sleep(0)
    assert ToolAsked.model_validate_json(told[0].model_dump_json()).input == {"text": "a?b"}
    box.answer(told[0].call, ToolAnswer(text="done"))
    assert (await calling).text == "done"


async def test_a_line_that_a_bridge_should_not_say_is_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    folder = tempfile.mkdtemp(prefix="agt-", dir="/tmp")
    box = Toolbox((), lambda asked: None)
    await box.open(f"{folder}/t")
    reader, writer = await asyncio.open_unix_connection(f"{folder}/t")
    writer.write(b'{"type": "call_tool", "id": "sk-of-ann", "tool": "t"}\n')
    assert await asyncio.wait_for(reader.read(), 10) == b""
    assert "dropped" in caplog.text
    assert "sk-of-ann" not in caplog.text
    writer.close()
    await box.close()
    shutil.rmtree(folder)


HOSTILE = (
    b"\xff\xfe{",
    b"[" * 5000,
    b'{"id": 1, "method": "initialize", "params": [1]}',
    b'{"id": 2, "method": "tools/call", "params": "x"}',
    b'{"id": 3, "method": "ping", "params": null}',
)


async def test_a_bridge_outlives_what_it_cannot_read(tmp_path: Path) -> None:
    command = bridge_of(str(tmp_path / "nowhere"))
    assert command[0] == sys.executable
    pipe = asyncio.subprocess.PIPE
    bridge = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await asyncio.wait_for(bridge.communicate(b"\n".join((*HOSTILE, b""))), 30)
    answered = {json.loads(line)["id"] for line in out.splitlines()}
    assert {1, 3} <= answered, err.decode()
