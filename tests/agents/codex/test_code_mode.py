"""Codex's newer models write JavaScript that calls its tools: each call is told, and asked, all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from agor_jupyter.agents.base import SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.events import PermissionRequest, Plan, ToolCall
from agor_jupyter.testing.harnesses.codex import add_file, escalated
from agor_jupyter.testing.model_script import script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.conftest import Talk

MODEL = "gpt-6.1-sol"


def call(tool: str, argument: object) -> str:
    return f"text(await tools.{tool}({json.dumps(argument)}));\n"


async def test_each_call_of_a_program_is_told_and_asked(
    make_spec: Callable[..., SessionSpec], server: ResponsesServer, worktree: Path
) -> None:
    program = (
        call("exec_command", {"cmd": "touch nope; echo in"})
        + call("apply_patch", add_file("made.txt", "made\n"))
        + call("exec_command", escalated("touch out").input)
        + call("agor_whoami", {})
        + call("update_plan", {"plan": [{"step": "Look", "status": "pending"}]})
    )
    server.book["program"] = script(use("functions__exec", input=program))

    async def answer(tool: str, arguments: Any) -> ToolAnswer:
        return ToolAnswer(text="you are under test")

    whoami = ToolSpec(name="agor_whoami", description="Who?", parameters={"type": "object"})
    one = Talk(make_spec(model=MODEL, tools=(whoami,)))
    one.adapter.use_tools(answer)
    await one.start()
    assert (await one.prompt("SCRIPT:program")).stop_reason == "end_turn"
    titles = [item.title for item in one.of(ToolCall)]
    assert titles == ["touch nope; echo in", "Write made.txt", "touch out", "agor_whoami"]
    assert [item.title for item in one.of(PermissionRequest)] == ["Write made.txt", "touch out"]
    assert one.of(Plan)
    assert "you are under test" in str(server.asked[-1].body["input"][-1])
    assert {path.name for path in worktree.iterdir()} == {"made.txt", "out"}
    await one.close()
    assert marked(f"AGOR_SESSION={one.spec.session_id}") == set()


async def test_an_interrupt_ends_the_commands_of_a_program(
    talk: Callable[..., Any], server: ResponsesServer
) -> None:
    server.book["long"] = script(
        use("functions__exec", input=call("exec_command", escalated("sleep 64.31").input))
    )
    one = await talk(model=MODEL)
    await one.send("SCRIPT:long")

    def sleeping() -> bool:
        found = psutil.process_iter(["cmdline"])
        return any(process.info["cmdline"] == ["sleep", "64.31"] for process in found)

    async with asyncio.timeout(20):
        while not sleeping():
            await asyncio.sleep(0.02)
    await one.adapter.interrupt()
    assert (await one.ended()).stop_reason == "cancelled"
    assert not sleeping()
