"""What the real CLI can do beside its turns: efforts, instructions, compaction, subagents."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.claude import control, readiness
from agor_jupyter.agents.claude.probe import EFFORTS
from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    Compaction,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Text, Turn, say, script, use

Start = Callable[..., Any]


def efforts(server: AnthropicServer) -> list[str | None]:
    return [(asked.body.get("output_config") or {}).get("effort") for asked in server.asked]


async def test_efforts_are_listed_and_switch_live(talk: Start, server: AnthropicServer) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk(model="opus", effort="low")
    await chat.prompt("SCRIPT:hello")
    ready = chat.of(AgentReady)[0]
    assert ready.efforts == EFFORTS
    for effort in ready.efforts:
        await chat.adapter.set_effort(effort)
        await chat.prompt("SCRIPT:hello")
    assert efforts(server) == ["low", *ready.efforts]
    await chat.adapter.set_effort("")
    await chat.prompt("SCRIPT:hello")
    assert efforts(server)[-1] != "max", "empty: the model's own again"
    with pytest.raises(Unprocessable, match="heroic"):
        await chat.adapter.set_effort("heroic")
    await chat.adapter.set_effort("high")
    await chat.close()
    again = await talk(model="opus", effort="high", native_ref=chat.native_ref)
    await again.prompt("SCRIPT:hello")
    assert efforts(server)[-1] == "high"


async def test_an_effort_that_is_switched_in_mid_turn_holds_from_the_next_one(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["two"] = script(use("Write", file_path="a.txt", content="a"), say("Done."))
    chat = await talk(model="opus", effort="low")
    chat.answerer = lambda request: None
    await chat.send("SCRIPT:two")
    request = (await chat.wait(lambda: chat.of(PermissionRequest)))[0]
    await chat.adapter.set_effort("max")
    await chat.adapter.answer(request.request_id, Decision(outcome="selected", option_id="allow_once"))
    await chat.ended()
    await chat.prompt("Hello")
    assert efforts(server) == ["low", "low", "max"]


async def test_an_sdk_without_the_request_is_said() -> None:
    with pytest.raises(Conflict, match="while it runs") as caught:
        await control.set_effort(object(), "high")  # type: ignore[arg-type]  # what another SDK may be
    assert "next start" in caught.value.hint


def test_efforts_are_those_of_any_model_else_what_is_known() -> None:
    models = [{"value": "a"}, {"value": "b", "supportedEffortLevels": ["high", "low", "new"]}]
    assert readiness.efforts_of({"models": models}) == ("low", "high")
    assert readiness.efforts_of({}) == EFFORTS


def instruct(worktree: Path, **files: str) -> None:
    for name, text in files.items():
        path = worktree / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "read"),
    [
        ({"AGENTS_md": "SAY-AGENTS"}, ["AGENTS.md"]),
        (
            {"AGENTS_md": "SAY-AGENTS", "CLAUDE_md": "SAY-CLAUDE", ".claude__rules__a_md": "SAY-RULE"},
            ["CLAUDE.md", ".claude/rules/a.md"],
        ),
    ],
)
async def test_a_trusted_projects_instructions_are_read_and_listed(
    talk: Start, server: AnthropicServer, worktree: Path, files: dict[str, str], read: list[str]
) -> None:
    instruct(worktree, **files)
    chat = await talk(trusted=True)
    await chat.prompt("Hello")
    assert sorted(chat.of(AgentReady)[0].instructions) == sorted(read)
    heard = str(server.asked[0].body)
    for name, text in files.items():
        assert (text in heard) == (name.replace("__", "/").replace("_", ".") in read)


async def test_of_an_untrusted_project_nothing_is_read_or_run(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    hook = {"hooks": [{"type": "command", "command": "touch hooked"}]}
    settings = json.dumps({"hooks": {"UserPromptSubmit": [hook]}, "env": {"PLANTED": "1"}})
    servers = json.dumps({"mcpServers": {"planted": {"command": "touch", "args": ["started"]}}})
    instruct(worktree, CLAUDE_md="SAY-CLAUDE", AGENTS_md="SAY-AGENTS", _mcp_json=servers)
    instruct(worktree, **{".claude__settings_json": settings, ".claude__commands__go_md": "SAY-COMMAND"})
    chat = await talk(options={"trusted": True})  # a session's option is nobody's word for a repository
    await chat.prompt("Hello")
    ready = chat.of(AgentReady)[0]
    assert ready.instructions == ()
    assert "go" not in [item.name for item in ready.commands]
    heard = str(server.asked[0].body)
    assert "SAY-" not in heard
    assert not (worktree / "hooked").exists()
    assert not (worktree / "started").exists()
    await chat.close()
    trusted = await talk(trusted=True)
    await trusted.prompt("Hello")
    assert "go" in [item.name for item in trusted.of(AgentReady)[0].commands]
    assert (worktree / "hooked").exists(), "the planted hook would have run"
    assert not (worktree / "started").exists(), "a project's MCP servers are not started even then"


async def test_a_compaction_is_asked_for_by_a_prompt_and_told(talk: Start, server: AnthropicServer) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk()
    await chat.prompt("SCRIPT:hello")
    ended = await chat.prompt("/compact")
    assert ended.stop_reason == "end_turn"
    (told,) = chat.of(Compaction)
    assert told.before_tokens
    assert told.after_tokens
    assert (await chat.prompt("SCRIPT:hello")).stop_reason == "end_turn"
    assert "session is being continued" in str(server.asked[-1].body["messages"])
    assert "session is being continued" not in chat.text, "the summary is not said as words of the agent"


async def test_a_subagents_work_is_nested_in_the_call_that_began_it(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["parent"] = script(
        use("Agent", description="Look", prompt="SCRIPT:child", subagent_type="general-purpose"),
        say("It is on its way."),
    )
    server.book["child"] = script(
        use("Bash", command="touch made"), Turn(blocks=(Text(text="The child is done."),))
    )
    chat = await talk()
    await chat.prompt("SCRIPT:parent")
    await chat.wait(lambda: "The child is done." in chat.text)
    begun = next(call for call in chat.of(ToolCall) if call.parent_tool_call_id is None)
    inner = next(call for call in chat.of(ToolCall) if call.parent_tool_call_id is not None)
    words = next(item for item in chat.of(AgentMessageChunk) if "child is done" in item.text)
    assert inner.parent_tool_call_id == words.parent_tool_call_id == begun.tool_call_id
    ends = [item for item in chat.of(ToolCallUpdate) if item.tool_call_id == inner.tool_call_id]
    assert ends[-1].status == "completed"
    assert inner.kind == "execute"


async def test_the_context_is_told_with_its_size(talk: Start, server: AnthropicServer) -> None:
    server.book["hello"] = script(say("Hello.", input_tokens=1000, cached_read_tokens=500))
    chat = await talk()
    await chat.prompt("SCRIPT:hello")
    await chat.prompt("SCRIPT:hello")
    told = chat.of(UsageUpdate)[-1]
    assert (told.context_used, told.context_size) == (1520, 200_000)


async def test_instructions_that_nobody_can_count_hold_up_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        async def get_context_usage(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(readiness, "INSTRUCTIONS_SECONDS", 0.01)
    spec = SessionSpec(session_id=SessionId("ses_1"), worktree="/w", state_dir="/w", trusted=True)
    client: Any = Slow()
    assert await readiness.instructions_of(client, spec) == ()


def test_what_it_takes_for_instructions_is_on_the_list_of_trust() -> None:
    listed = {file.path for file in registry.get("claude").capabilities.project_files}
    assert {"CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", ".claude/"} <= listed
