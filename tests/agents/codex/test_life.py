"""The life of one conversation, with the real Codex."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agor_jupyter.agents.base import Decision, McpServer, SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.codex.adapter import CodexAdapter
from agor_jupyter.agents.codex.probe import EFFORTS
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.content import DiffContent, TerminalContent
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.events import (
    AgentReady,
    Compaction,
    Notice,
    PermissionRequest,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.harnesses.codex import add_file, escalated
from agor_jupyter.testing.model_script import Echo, Text, ToolUse, Turn, say, script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.conftest import Talk

Start = Callable[..., Any]
RECALL = script(Turn(blocks=(Echo(of="prompts"),)))
WHOAMI = ToolSpec(name="agor_whoami", description="Say which session this is.", parameters={"type": "object"})


async def test_it_is_ready_with_models_efforts_and_its_version(talk: Start) -> None:
    ready = (await talk()).ready
    assert ready.native_ref
    assert ready.version.startswith("0.163.")
    assert ready.model == "gpt-5.5"
    assert "gpt-5.5" in ready.models
    assert "high" in ready.efforts
    assert ready.model_labels["gpt-5.5"] == "GPT-5.5"
    told = [(item.name, item.description) for item in ready.commands]
    assert told[0] == ("compact", "Sum up the conversation so far, to make room in the context")
    assert [name for name, _ in told][:3] == ["compact", "review", "init"]


async def test_the_efforts_go_with_the_model(talk: Start) -> None:
    chat = await talk()
    assert "ultra" not in chat.ready.efforts
    await chat.adapter.set_model("gpt-6-sol")
    await chat.prompt("hello")
    again = chat.of(AgentReady)[-1]
    assert (again.model, again.efforts) == ("gpt-6-sol", EFFORTS)
    assert again.commands == chat.ready.commands


async def test_a_conversation_that_was_never_prompted_can_be_resumed(talk: Start) -> None:
    first = await talk()
    reference = first.ready.native_ref
    await first.close()
    again = await talk(native_ref=reference)
    assert (await again.prompt("hello")).stop_reason == "end_turn"
    assert again.ready.native_ref != reference, "Codex has not kept it, so it is a new one"


async def test_a_fork_that_was_never_prompted_can_be_resumed(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    server.book["recall"] = RECALL
    parent = await talk()
    await parent.prompt("the-word-is-heron")
    point = ForkPoint(native_ref=parent.ready.native_ref, worktree=str(worktree))
    child = await talk(fork=point)
    reference = child.ready.native_ref
    await child.close()
    again = await talk(native_ref=reference)
    await again.prompt("SCRIPT:recall")
    assert "the-word-is-heron" in again.text


async def test_a_fork_works_in_another_worktree(talk: Start, tmp_path: Path, server: ResponsesServer) -> None:
    server.book["write"] = script(use("apply_patch", input=add_file("made.txt", "made\n")))
    other = tmp_path / "other"
    other.mkdir()
    parent = await talk()
    await parent.prompt("hello")
    point = ForkPoint(native_ref=parent.ready.native_ref, worktree=parent.spec.worktree)
    child = await talk(fork=point, worktree=str(other))
    assert (await child.prompt("SCRIPT:write")).stop_reason == "end_turn"
    assert (other / "made.txt").read_text() == "made\n"


async def test_one_live_client_for_one_conversation(
    talk: Start, make_spec: Callable[..., SessionSpec]
) -> None:
    first = await talk()
    await first.prompt("hello")
    second = CodexAdapter()
    with pytest.raises(Conflict, match="Another process is live"):
        await second.start(make_spec(native_ref=first.ready.native_ref))
    await second.close()


async def test_a_conversation_is_taken_up_after_a_kill_in_mid_tool(
    talk: Start, server: ResponsesServer
) -> None:
    server.book["long"] = script(Turn(blocks=(escalated("sleep 65"),)))
    server.book["recall"] = RECALL
    first = await talk()
    await first.prompt("the-word-is-heron")
    await first.send("SCRIPT:long")
    async with asyncio.timeout(20):
        while not [process for process in _processes(first) if "sleep" in process.cmdline()]:
            await asyncio.sleep(0.02)
    for pid in _programs(first):
        psutil.Process(pid).kill()
    ended = await first.ended()
    assert ended.stop_reason == "lost"
    assert "Resume the session" in ended.hint
    assert [call.status for call in first.of(ToolCallUpdate)][-1] == "failed"
    await first.gone()
    await _alone(first)
    again = await talk(native_ref=first.ready.native_ref)
    await again.prompt("SCRIPT:recall")
    assert "the-word-is-heron" in again.text


async def test_the_tools_of_the_house_outlive_a_resume(
    make_spec: Callable[..., SessionSpec], server: ResponsesServer
) -> None:
    server.book["who"] = script(use("agor_whoami"), Turn(blocks=(Echo(of="results"),)))
    asked: list[str] = []

    async def call(tool: str, arguments: Any) -> ToolAnswer:
        asked.append(tool)
        return ToolAnswer(text="you are under test", failed=len(asked) > 1)

    reference = ""
    for status in ("completed", "failed"):
        one = Talk(make_spec(tools=(WHOAMI,), native_ref=reference))
        one.adapter.use_tools(call)
        await one.start()
        await one.prompt("SCRIPT:who")
        reference = one.ready.native_ref
        assert "you are under test" in one.text
        assert one.result("agor_whoami").status == status
        await one.close()
    assert asked == ["agor_whoami", "agor_whoami"]


async def test_an_interrupt_ends_commands_and_leaves_mcp_servers(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    # Of a command that Codex keeps in the background: one sleep has no mark, the other no parent.
    line = "(setsid sleep 67.31 &); touch begun; exec env -i /bin/sleep 66.31"
    ask = {"sandbox_permissions": "require_escalated", "justification": "Serve", "yield_time_ms": 250}
    server.book["long"] = script(use("exec_command", cmd=line, **ask), say("Slowly.", hold_seconds=20))
    server.book["shout"] = script(use("mcp__probe__shout", text="heron"), Turn(blocks=(Echo(of="results"),)))
    probe = McpServer(name="probe", command=(sys.executable, "-I", "-S", str(mcp_probe.__file__)))
    one = await talk(mcp_servers=(probe,))
    await one.prompt("SCRIPT:shout")
    await one.send("SCRIPT:long")
    await _exists(worktree / "begun")
    async with asyncio.timeout(20):
        while server.asked[-1].choice.step == 0:  # until the turn goes on without the command
            await asyncio.sleep(0.02)
    began = asyncio.get_running_loop().time()
    await one.adapter.interrupt()
    assert asyncio.get_running_loop().time() - began < 2.0
    assert (await one.ended()).stop_reason == "cancelled"
    sleeping = {tuple(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])}
    assert not sleeping & {("sleep", "67.31"), ("/bin/sleep", "66.31")}
    assert await one.prompt("SCRIPT:shout")
    assert one.text.count("HERON") == 2


async def test_words_of_a_rejection_reach_the_model(talk: Start, server: ResponsesServer) -> None:
    server.book["write"] = script(
        Turn(blocks=(Text(text="I write."), ToolUse(name="apply_patch", input={"input": add_file("a", "a")})))
    )
    one = await talk()
    one.answerer = lambda request: Decision(
        outcome="selected", option_id="reject_once", message="Not in this folder."
    )
    assert (await one.prompt("SCRIPT:write")).stop_reason == "end_turn"
    assert "Not in this folder." in str(server.asked[-1].body["input"])


async def test_what_the_sandbox_allows_runs_unasked_and_no_more(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    server.book["look"] = script(use("exec_command", cmd="cat here; touch made; echo end"))
    (worktree / "here").write_text("it is here")
    one = await talk()
    await one.prompt("SCRIPT:look")
    shown = one.shown("cat here")
    assert isinstance(shown, TerminalContent)
    assert "it is here" in shown.text
    assert "Read-only file system" in shown.text
    assert not (worktree / "made").exists()
    assert one.of(PermissionRequest) == []


async def test_in_full_auto_the_worktree_is_open_and_the_rest_is_not(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    outside = Path(f"/var/tmp/agor-codex-{os.getpid()}")
    server.book["work"] = script(
        use("exec_command", cmd=f"echo one > made; touch {outside}; echo end"),
        use("apply_patch", input=add_file("patched.txt", "two\n")),
    )
    one = await talk()
    await one.adapter.set_mode("full_auto")
    await one.prompt("SCRIPT:work")
    assert (worktree / "made").read_text() == "one\n"
    assert (worktree / "patched.txt").exists()
    assert not outside.exists()
    assert one.of(PermissionRequest) == []


async def test_an_edit_shows_the_whole_text_before_and_after(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    (worktree / "a.txt").write_text("one\ntwo\nthree\n")
    patch = "*** Begin Patch\n*** Update File: a.txt\n@@\n one\n-two\n+zwei\n three\n*** End Patch\n"
    server.book["edit"] = script(use("apply_patch", input=patch))
    one = await talk()
    await one.prompt("SCRIPT:edit")
    whole = DiffContent(
        path=str(worktree / "a.txt"), old_text="one\ntwo\nthree\n", new_text="one\nzwei\nthree\n"
    )
    assert one.of(PermissionRequest)[0].content == (whole,)
    assert one.shown("Edit a.txt") == whole


async def test_compact_is_a_command(talk: Start) -> None:
    one = await talk()
    await one.prompt("hello")
    assert (await one.prompt("/compact")).stop_reason == "end_turn"
    assert one.of(Compaction)[0].before_tokens
    assert (await one.prompt("hello again")).stop_reason == "end_turn"


async def test_another_model_and_effort_hold_from_the_next_turn(talk: Start, server: ResponsesServer) -> None:
    one = await talk()
    await one.prompt("hello")
    await one.adapter.set_effort("high")
    await one.adapter.set_model("gpt-5.6-luna")
    await one.prompt("hello")
    asked = [(item.model, item.effort) for item in server.asked]
    assert asked[0] == ("gpt-5.5", "medium")
    assert asked[-1] == ("gpt-5.6-luna", "high")


async def test_the_model_is_told_to_plan_in_plan_mode_and_only_there(
    talk: Start, server: ResponsesServer
) -> None:
    one = await talk(mode="plan")
    await one.prompt("hello")
    assert "Plan Mode" in str(server.asked[-1].body["input"][-4:])
    await one.adapter.set_mode("ask")
    await one.prompt("hello")
    modes = [str(item) for item in server.asked[-1].body["input"] if "collaboration_mode" in str(item)]
    assert "Default" in modes[-1]


async def test_usage_is_of_the_turn_also_after_a_resume(talk: Start, server: ResponsesServer) -> None:
    server.book["used"] = script(
        say("Used.", input_tokens=50, cached_read_tokens=40, output_tokens=20), afterwards=""
    )
    first = await talk()
    await first.prompt("SCRIPT:used")
    await first.prompt("SCRIPT:used")
    await first.close()
    again = await talk(native_ref=first.ready.native_ref)
    usage = (await again.prompt("SCRIPT:used")).usage
    assert (usage.input_tokens, usage.cached_read_tokens, usage.output_tokens) == (50, 40, 20)
    told = again.of(UsageUpdate)[-1]
    assert told.context_used == 110
    assert told.context_size > 100_000


async def test_a_command_that_outlives_the_turn_ends_with_the_session(
    talk: Start, server: ResponsesServer, worktree: Path
) -> None:
    serve = {"cmd": "touch begun; sleep 69", "yield_time_ms": 250}
    ask = {"sandbox_permissions": "require_escalated", "justification": "Serve"}
    server.book["serve"] = script(use("exec_command", **serve, **ask))
    one = await talk()
    await one.prompt("SCRIPT:serve")
    assert one.result("touch begun").status == "completed"
    assert [process for process in _processes(one) if "sleep" in process.cmdline()]
    await one.close()
    await _alone(one)


async def test_an_unknown_conversation_says_so(make_spec: Callable[..., SessionSpec]) -> None:
    adapter = CodexAdapter()
    with pytest.raises(AgentUnavailable, match="no record of this conversation"):
        await adapter.start(make_spec(native_ref="01a21421-e0c0-7320-8c44-ef57a385a2b3"))
    await adapter.close()


async def test_an_mcp_server_that_does_not_start_is_told(talk: Start) -> None:
    one = await talk(mcp_servers=(McpServer(name="broken", command=("/nowhere/at-all",)),))
    notice = await one.wait(lambda: [item for item in one.of(Notice) if "broken" in item.text])
    assert notice[0].level == "warning"
    assert (await one.prompt("hello")).stop_reason == "end_turn"


def _processes(one: Talk) -> list[psutil.Process]:
    found = []
    for pid in marked(f"AGOR_SESSION={one.spec.session_id}"):
        try:
            found.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    return found


def _programs(one: Talk) -> list[int]:
    return [process.pid for process in _processes(one) if "app-server" in process.cmdline()]


async def _exists(path: Path) -> None:
    async with asyncio.timeout(20):
        while not path.exists():
            await asyncio.sleep(0.02)


async def _alone(one: Talk) -> None:
    async with asyncio.timeout(5):
        while marked(f"AGOR_SESSION={one.spec.session_id}"):
            await asyncio.sleep(0.05)
