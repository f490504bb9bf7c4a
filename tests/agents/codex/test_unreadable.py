"""What Codex says in a shape that we do not know costs itself alone: not the turn, and not the session."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.codex.connection import Connection
from agor_jupyter.agents.codex.wire import Message, Refused, Wire
from agor_jupyter.domain.errors import AgentUnavailable
from agor_jupyter.domain.events import AgentMessageChunk
from agor_jupyter.domain.ids import SessionId

PROGRAM = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "method" in asked and "id" in asked:
        print(asked["params"]["raw"])
        print(json.dumps({"id": asked["id"], "result": {"ok": True}}), flush=True)
"""
"""Says a line as it was told to, then answers."""

Open = Callable[[], Awaitable[Wire]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    wires: list[Wire] = []

    async def hear(message: Message) -> None:
        return None

    async def start() -> Wire:
        environment = {"PATH": os.environ["PATH"]}
        argv = [sys.executable, "-c", PROGRAM]
        wires.append(await Wire.open(argv, cwd=str(tmp_path), environment=environment, hear=hear))
        return wires[-1]

    yield start
    for wire in wires:
        await wire.end()


async def call(wire: Wire, raw: str) -> dict[str, Any]:
    return await wire.call("echo", {"raw": raw}, seconds=30)


@pytest.mark.parametrize(
    "raw", ['{"id": [1], "result": 1}', '{"id": {}, "error": 3}', '{"method": "m", "params": []}']
)
async def test_a_line_that_is_no_message_is_passed_over(opened: Open, raw: str) -> None:
    wire = await opened()
    assert await call(wire, raw) == {"ok": True}
    assert await call(wire, "{}") == {"ok": True}


@pytest.mark.parametrize(
    "error", ['"It is full."', '{"code": "E", "message": "It is full."}', '["It is full."]']
)
async def test_an_error_in_no_known_shape_is_a_refusal(opened: Open, error: str) -> None:
    wire = await opened()
    with pytest.raises(Refused, match="It is full"):
        await call(wire, f'{{"id": 1, "error": {error}}}')
    assert await call(wire, "{}") == {"ok": True}


async def test_a_line_that_is_nested_too_deep_ends_the_reading_in_order(opened: Open) -> None:
    wire = await opened()
    with pytest.raises(AgentUnavailable):
        await call(wire, "[" * 9999 + "]" * 9999)
    await asyncio.wait_for(wire.reading, 30)


@pytest.mark.parametrize(
    "told",
    [
        {"method": "item/started", "params": {"item": {"type": {}, "id": "i"}}},
        {"method": "item/completed", "params": {"item": 3}},
        {"method": "thread/tokenUsage/updated", "params": {"tokenUsage": {"total": [1]}}},
        {"method": "turn/plan/updated", "params": {"plan": 4}},
        {"method": "item/commandExecution/requestApproval", "id": 1, "params": {"command": {}, "cwd": []}},
        {"method": "item/fileChange/requestApproval", "id": 2, "params": {"grantRoot": [3]}},
    ],
    ids=json.dumps,
)
async def test_a_message_in_no_known_shape_ends_no_turn(tmp_path: Path, told: Message) -> None:
    spec = SessionSpec(session_id=SessionId("ses_1"), worktree=str(tmp_path), state_dir=str(tmp_path))
    connection = Connection(spec, None)
    await connection._hear(told)
    said = {"itemId": "i", "delta": "Here."}
    await connection._hear({"method": "item/agentMessage/delta", "params": said})
    async with asyncio.timeout(10):
        async for update in connection.updates():
            if isinstance(update, AgentMessageChunk):
                assert update.text == "Here."
                break
