"""Shapes that real agents sent (see docs/agents-acp.md): each is played by the scripted agent, or fed."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.acp import content, offers, permissions
from agor_jupyter.agents.acp.kind import named
from agor_jupyter.agents.acp.offers import Choice
from agor_jupyter.agents.acp.presets import GENERIC
from agor_jupyter.agents.acp.translate import Translator
from agor_jupyter.agents.base import McpServer, ToolSpec
from agor_jupyter.domain.content import TerminalContent, Usage
from agor_jupyter.domain.errors import AgentUnavailable
from agor_jupyter.domain.events import (
    AgentUpdate,
    ModeChanged,
    Notice,
    PermissionRequest,
    Plan,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.policy import subject_of
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.conformance import PROBE
from agor_jupyter.testing.harnesses.acp import COMMAND
from tests.agents.acp.conftest import Start
from tests.agents.acp.talking import Talk, choose, spec_in, steps


def call(key: str, **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": "tool_call", "toolCallId": key, **more}


def change(key: str, **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": "tool_call_update", "toolCallId": key, **more}


def fed(translator: Translator, *told: dict[str, Any]) -> list[AgentUpdate]:
    return [update for item in told for update in translator.feed(item)]


# --- requests -------------------------------------------------------------------


async def test_a_request_may_leave_out_what_was_told_of_its_call(talk: Start, tmp_path: Path) -> None:
    """Mistral Vibe sends the call's id, and no more: what is asked must be seen, and told apart."""
    chat = await talk()
    diff = {"type": "diff", "path": str(tmp_path / "worktree" / "a.txt"), "newText": "text\n"}
    await chat.prompt(
        steps(
            {
                "update": call(
                    "w", title="Writing a.txt", kind="edit", content=[diff], locations=[{"path": "a.txt"}]
                )
            },
            {"ask": {"toolCallId": "w"}},
            {"update": call("r", title="bash: rm a", kind="execute", rawInput={"command": "rm a"})},
            {"ask": {"toolCallId": "r", "title": None}},
            {"update": call("s", title="bash: ls", kind="execute", rawInput={"command": "ls"})},
            {"ask": {"toolCallId": "s"}},
        )
    )
    write, remove, look = chat.of(PermissionRequest)
    assert (write.title, write.kind) == ("Writing a.txt", "edit")
    assert [item.path for item in write.content] == [diff["path"]]
    assert [place.path for place in write.locations] == [diff["path"]]
    assert (remove.kind, remove.input) == ("execute", {"command": "rm a"})
    assert len({subject_of(request) for request in (write, remove, look)}) == 3


async def test_always_to_what_nothing_is_known_of_holds_for_no_other(talk: Start) -> None:
    chat = await talk()
    chat.answerer = choose("allow_always")
    await chat.prompt(steps({"ask": {"toolCallId": "one"}}, {"ask": {"toolCallId": "two"}}))
    one, two = chat.of(PermissionRequest)
    assert subject_of(one) != subject_of(two)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"title": "agor_whoami"}, "whoami"),  # OpenCode
        ({"title": "agor-whoami"}, "whoami"),  # Copilot
        ({"title": '{"loud":true}', "_meta": {"toolName": "mcp__agor__whoami"}}, "whoami"),  # Qwen Code
        ({"title": '{"loud":true}', "_meta": {"toolName": "mcp__mine__whoami"}}, ""),
        ({"title": "x", "kind": "execute", "_meta": {"toolName": "mcp__agor__whoami"}}, ""),
        ({"title": "agorwhoami"}, ""),
    ],
)
def test_a_house_tool_is_known_by_the_names_that_they_give_it(told: dict[str, Any], found: str) -> None:
    assert permissions.house_tool(told, {"whoami"}) == found


def test_arguments_in_the_place_of_a_title_get_the_tools_name() -> None:
    """Qwen Code asks for a tool server's tool so: nobody could say what they allow."""
    told = {"title": '{"to":"all"}', "_meta": {"toolName": "mcp__mail__send"}}
    assert content.asked_title_of(told) == 'mcp__mail__send {"to":"all"}'
    assert content.asked_title_of({"title": "Send", "_meta": {"toolName": "mcp__mail__send"}}) == "Send"


@pytest.mark.parametrize("name", ["agor_agor", "agor-agor_who", "agor__agor"])
async def test_no_tool_server_can_be_taken_for_the_house(tmp_path: Path, name: str) -> None:
    fresh = Talk(spec_in(tmp_path, mcp_servers=(McpServer(name=name, command=("true",)),)))
    with pytest.raises(Exception, match="is taken"):
        await fresh.start()
    await fresh.close()


# --- acts that nobody was asked about -------------------------------------------


async def test_an_act_without_a_question_is_said_once(talk: Start) -> None:
    chat = await talk("--deaf")
    await chat.prompt(steps({"run": "true"}, {"write": ["a.txt", "x"]}, {"run": "false"}))
    (notice,) = chat.of(Notice)
    assert notice.level == "warning"
    assert "ran a command without asking" in notice.text
    assert "permissions" in notice.hint
    asked = await talk()
    await asked.prompt(steps({"run": "true"}, {"write": ["a.txt", "x"]}))
    assert asked.of(Notice) == []


def test_an_act_that_failed_before_it_was_asked_about_is_none() -> None:
    translator = Translator("/w", GENERIC.quirks)
    told = call("t", title="write", kind="edit", rawInput={}), change("t", status="failed")
    assert not [item for item in fed(translator, *told) if isinstance(item, Notice)]


async def test_opencode_is_made_to_ask_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    """It has no mode that asks, so variables do it; the program is known by its name."""
    program = tmp_path / "opencode"
    line = " ".join([*COMMAND[:1], *COMMAND[1:]])
    program.write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    for own, expected in ({}, "ask"), ({"OPENCODE_PERMISSION": '{"*": "allow"}'}, "allow"):
        options = {"command": [str(program)], "environment": own}
        chat = await Talk(spec_in(tmp_path, options=options)).start()
        await chat.prompt(steps({"run": 'printf %s "$OPENCODE_PERMISSION"'}))
        await chat.close()
        printed = [item for item in chat.contents if isinstance(item, TerminalContent)]
        assert json.loads(printed[-1].text)["*"] == expected


@pytest.mark.parametrize(("program", "forks"), [("opencode", True), ("/opt/bin/qwen", False), ("new", True)])
def test_a_program_that_cannot_fork_is_given_a_transcript(program: str, forks: bool) -> None:
    """Qwen Code says so only when it runs; by then the fork is made, and no prompt of it would work."""
    mine = named("acp.mine", (program, "--acp"), {"title": "Mine"})
    assert mine.capabilities.fork is forks
    assert forks or "Mine cannot fork" in mine.capabilities.notes["fork"]


async def test_a_known_program_says_how_it_is_installed(tmp_path: Path) -> None:
    for command, words in (("opencode", "acp"), "npm install -g opencode-ai"), (("zyx",), "Install 'zyx'"):
        probe = await named("acp.mine", command, {"command": command}).probe({"PATH": str(tmp_path)})
        assert not probe.installed
        assert words in probe.hint


# --- modes and efforts ----------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "current", "home"),
    [
        (("build", "plan"), "build", "build"),  # OpenCode
        (("build", "plan"), "plan", "build"),
        (("x#agent", "x#plan", "x#autopilot"), "x#agent", "x#agent"),  # Copilot
        (("plan", "autopilot"), "autopilot", ""),
        ((), "gone", ""),
    ],
)
def test_it_works_in_the_mode_it_began_in(values: tuple[str, ...], current: str, home: str) -> None:
    assert offers.home_of(Choice(values, current)) == home


async def test_it_comes_back_from_a_plan(talk: Start) -> None:
    """OpenCode's other mode is called `build`, Copilot's `agent`: none of the usual names."""
    chat = await talk("--modes=build,plan,yolo")
    await chat.adapter.set_mode("plan")
    await chat.prompt(steps({"update": {"sessionUpdate": "current_mode_update", "currentModeId": "plan"}}))
    await chat.adapter.set_mode("ask")
    await chat.prompt(steps({"update": {"sessionUpdate": "current_mode_update", "currentModeId": "plan"}}))
    assert [item.mode for item in chat.of(ModeChanged)] == ["plan"], "it had left the plan before"


def test_efforts_may_be_told_as_thinking() -> None:
    option = {"id": "thinking", "category": "thinking", "type": "select", "currentValue": "off"}
    told = offers.offer_of({"configOptions": [{**option, "options": [{"value": "off"}, {"value": "high"}]}]})
    assert (told.efforts.values, told.efforts.config_id) == (("off", "high"), "thinking")


async def test_what_forks_only_open_conversations_is_given_one(talk: Start, tmp_path: Path) -> None:
    """Mistral Vibe knows no conversation of another process before it has loaded it."""
    parent = await talk("--forks-open-ones")
    await parent.prompt("the-word-is-heron")
    point = ForkPoint(native_ref=parent.native_ref, worktree=str(tmp_path / "worktree"))
    child = await talk("--forks-open-ones", fork=point)
    assert child.native_ref != parent.native_ref
    await child.prompt(steps({"recall": True}))
    assert child.text == "the-word-is-heron", "and nothing of the replay"
    lacking = Talk(spec_in(tmp_path, "--forks-open-ones", "--without=load", fork=point))
    with pytest.raises(AgentUnavailable, match="Session not found"):
        await lacking.start()
    await lacking.close()


# --- results, plans, usage ------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        {"output": "one\n", "metadata": {"exit": 3}},  # OpenCode
        {"content": "one\n", "contents": [{"type": "shell_exit", "exitCode": 3}]},  # Copilot
        {"type": "shell_result", "exitCode": 3},  # Qwen Code
    ],
)
def test_an_exit_code_stands_in_their_own_records(record: dict[str, Any]) -> None:
    translator = Translator("/w", GENERIC.quirks)
    shown = [{"type": "content", "content": {"type": "text", "text": "one\n"}}]
    told = (
        call("t", title="bash", kind="execute", status="pending"),
        change("t", status="completed", content=shown, rawOutput=record),
    )
    last = [item for item in fed(translator, *told) if isinstance(item, ToolCallUpdate)][-1]
    assert last.status == "failed"
    assert last.content == (TerminalContent(text="one\n", exit_code=3),)


def test_a_plan_may_be_the_input_of_a_tool() -> None:
    """OpenCode tells its to-do list no other way; what tells it both ways tells it once."""
    translator = Translator("/w", GENERIC.quirks)
    todos = [{"content": "Look", "status": "completed", "priority": "high"}, {"content": "Act"}]
    told = (
        call("t", title="todowrite", kind="other", rawInput={}),
        change("t", status="in_progress", rawInput={"todos": todos}),
        change("t", status="completed", rawInput={"todos": todos}),
        call("u", title="todo", rawInput={"todos": "none", "action": "read"}),
        change("u", status="completed", rawInput={"todos": "none", "action": "read"}),
        call("v", title="edit", kind="edit", rawInput={}),
        change("v", status="completed", rawInput={"path": "/w/a"}),
    )
    (plan,) = (item for item in fed(translator, *told) if isinstance(item, Plan))
    assert fed(translator, {"sessionUpdate": "plan", "entries": todos}) == []
    assert [(entry.content, entry.status) for entry in plan.entries] == [
        ("Look", "completed"),
        ("Act", "pending"),
    ]


async def test_tokens_may_be_told_beside_words(talk: Start) -> None:
    """Qwen Code tells them with an empty chunk after each answer of its model; the turn has the sum."""
    translator = Translator("/w", GENERIC.quirks)
    usage = {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120, "cachedReadTokens": 30}
    chunk = {
        "sessionUpdate": "agent_message_chunk",
        "content": {"type": "text", "text": ""},
        "_meta": {"usage": usage},
    }
    updates = fed(translator, chunk, chunk)
    assert [item.context_used for item in updates if isinstance(item, UsageUpdate)] == [120, 120]
    assert translator.usage_of_turn() == Usage(input_tokens=140, output_tokens=40, cached_read_tokens=60)
    assert translator.usage_of_turn() == Usage()
    chat = await talk()
    ended = await chat.prompt(steps({"update": chunk}))
    assert ended.usage.input_tokens == 100, "what the answer to the prompt tells counts first"


async def test_tokens_of_the_session_become_those_of_the_turn(talk: Start) -> None:
    """Copilot and Mistral Vibe count as the protocol's words have it: over all turns."""
    chat = await talk("--title=Copilot", "--counts-the-session")
    used = [(await chat.prompt("Hello")).usage for _ in range(3)]
    assert [(usage.input_tokens, usage.output_tokens) for usage in used] == [(100, 20)] * 3
    await chat.close()
    again = await talk("--title=Copilot", "--counts-the-session", native_ref=chat.native_ref)
    first, second = [(await again.prompt("Hello")).usage for _ in range(2)]
    assert first.input_tokens == 0, "how much there was before is not known"
    assert second.input_tokens == 100


# --- what is said beyond the protocol, and after the end -------------------------


async def test_news_of_its_own_is_left_alone(talk: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Qwen Code tells its mode, Mistral Vibe its retries by notifications of their own."""
    chat = await talk()
    await chat.prompt(steps({"notify": ["qwen/notify/session/mode-update", {"v": 1}]}, {"say": "Fine."}))
    assert chat.text == "Fine."
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_answer_to_an_agent_that_is_gone_is_dropped(
    talk: Start, caplog: pytest.LogCaptureFixture
) -> None:
    chat = await talk()
    chat.answerer = lambda _: None
    await chat.send(steps({"write": ["a.txt", "x"]}))
    await chat.wait(lambda: chat.of(PermissionRequest))
    await chat.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_takes_no_stdio_servers_is_said_to_work_without(talk: Start) -> None:
    """Copilot drops them without a word."""
    tools = (ToolSpec(name="agor_whoami", description="", parameters={"type": "object"}),)
    bridge = (sys.executable, "-c", "")
    chat = await talk("--title=Copilot", mcp_servers=(PROBE,), tools=tools, bridge=bridge)
    (notice,) = chat.of(Notice)
    assert f"({PROBE.name}, Agor's own tools)" in notice.text
    assert notice.tool_servers == (PROBE.name,)
    assert (await chat.prompt("Hello")).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Internal error: Scripted rate limit.", "wait a little"),  # OpenCode
        ("API Error: 529 Overloaded", "overloaded"),
        ("Internal error: It broke.", "Resume the session"),
    ],
)
async def test_a_wrapped_fault_is_known_by_its_words(talk: Start, said: str, hint: str) -> None:
    chat = await talk()
    ended = await chat.prompt(steps({"fail": [-32603, said]}))
    assert hint in ended.hint
    assert not ended.error.startswith("Internal error")
