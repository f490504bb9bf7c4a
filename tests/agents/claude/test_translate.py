"""Golden files: what the real CLI said (see `record`), and what becomes of it.

`AGOR_WRITE_GOLDEN=1` writes the expected updates anew; read the difference before it is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import ResultMessage
from claude_agent_sdk._internal.message_parser import parse_message

from agor_jupyter.agents.claude import turns
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentUpdate,
    Compaction,
    Notice,
    Plan,
    ToolCall,
    ToolCallUpdate,
)

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name.split(".")[0] for path in GOLDEN.glob("*.messages.jsonl"))


def translated(name: str) -> list[AgentUpdate]:
    """Translate a recording as the connection does."""
    translator = Translator("/w")
    updates: list[AgentUpdate] = []
    before = 0.0
    for line in (GOLDEN / f"{name}.messages.jsonl").read_text(encoding="utf-8").splitlines():
        message = parse_message(json.loads(line))
        if message is None:
            continue
        updates += translator.feed(message)
        if isinstance(message, ResultMessage):
            cost = turns.cost_of_turn(message.total_cost_usd, before)
            before = message.total_cost_usd or 0.0
            updates += translator.end_turn()
            usage = turns.usage_of(message.usage, round(cost or 0.0, 6))
            ref = translator.last_message_ref
            updates.append(turns.ended(message, usage, interrupted=False, last_message_ref=ref))
    return updates


def test_the_recordings_are_there() -> None:
    assert {"words", "edits", "commands", "plan", "agent", "overloaded", "mcp", "compaction"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_becomes_the_expected_updates(name: str) -> None:
    got = [update.model_dump(mode="json", exclude_defaults=True) for update in translated(name)]
    typed = [{"type": update.type, **item} for update, item in zip(translated(name), got, strict=True)]
    path = GOLDEN / f"{name}.updates.json"
    if os.environ.get("AGOR_WRITE_GOLDEN"):
        path.write_text(json.dumps(typed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert typed == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_each_call_begins_once_and_ends_once(name: str) -> None:
    open_calls: set[str] = set()
    for update in translated(name):
        if isinstance(update, ToolCall):
            assert update.tool_call_id not in open_calls
            open_calls.add(update.tool_call_id)
        if isinstance(update, ToolCallUpdate):
            assert update.tool_call_id in open_calls
            if update.status in ("completed", "failed"):
                open_calls.remove(update.tool_call_id)
    assert open_calls == set()


def feed(translator: Translator, **message: Any) -> list[AgentUpdate]:
    defaults = {"uuid": "u", "session_id": "s", "parent_tool_use_id": None}
    parsed = parse_message({**defaults, **message})
    assert parsed is not None
    return translator.feed(parsed)


def assistant(translator: Translator, *content: dict[str, Any], **more: Any) -> list[AgentUpdate]:
    message = {"id": "m1", "role": "assistant", "model": "m", "content": list(content)}
    return feed(translator, type="assistant", message=message, **more)


def test_a_message_that_was_streamed_is_not_said_twice() -> None:
    translator = Translator("/w")
    feed(translator, type="stream_event", event={"type": "message_start", "message": {"id": "m1"}})
    delta = {"type": "text_delta", "text": "Hello"}
    streamed = feed(translator, type="stream_event", event={"type": "content_block_delta", "delta": delta})
    assert [update.text for update in streamed if isinstance(update, AgentMessageChunk)] == ["Hello"]
    assert assistant(translator, {"type": "text", "text": "Hello"}) == []


def test_a_whole_message_of_two_blocks_is_said_whole() -> None:
    said = assistant(Translator("/w"), {"type": "text", "text": "One. "}, {"type": "text", "text": "Two."})
    assert "".join(update.text for update in said if isinstance(update, AgentMessageChunk)) == "One. Two."


def test_a_subagents_call_is_nested_in_the_call_that_began_it() -> None:
    tool = {"type": "tool_use", "id": "t2", "name": "Bash", "input": {"command": "ls"}}
    call = assistant(Translator("/w"), tool, parent_tool_use_id="t1")[0]
    assert isinstance(call, ToolCall)
    assert (call.parent_tool_call_id, call.kind, call.title) == ("t1", "execute", "ls")


def test_an_aborted_turn_fails_its_open_calls_but_not_a_background_agents() -> None:
    translator = Translator("/w")
    mine = {"type": "tool_use", "id": "mine", "name": "Bash", "input": {"command": "a"}}
    other = {"type": "tool_use", "id": "other", "name": "Bash", "input": {"command": "b"}}
    assistant(translator, mine)
    assistant(translator, other, parent_tool_use_id="agent")
    assert translator.end_turn() == [ToolCallUpdate(tool_call_id="mine", status="failed")]
    assert translator.knows("other")


def test_tasks_fold_into_whole_plans() -> None:
    translator = Translator("/w")
    plans: list[AgentUpdate] = []
    for number, subject in enumerate(("Look", "Test"), 1):
        made = {"type": "tool_use", "id": f"c{number}", "name": "TaskCreate", "input": {"subject": subject}}
        plans += assistant(translator, made)
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": "ok"}
        plans += feed(
            translator,
            type="user",
            message={"role": "user", "content": [result]},
            tool_use_result={"task": {"id": str(number), "subject": subject}},
        )
    done = {
        "type": "tool_use",
        "id": "c3",
        "name": "TaskUpdate",
        "input": {"taskId": "1", "status": "completed"},
    }
    plans += assistant(translator, done)
    result = {"type": "tool_result", "tool_use_id": "c3", "content": "ok"}
    plans += feed(translator, type="user", message={"role": "user", "content": [result]}, tool_use_result={})
    assert all(isinstance(plan, Plan) for plan in plans)
    last = plans[-1]
    assert isinstance(last, Plan)
    assert [(entry.content, entry.status) for entry in last.entries] == [
        ("Look", "completed"),
        ("Test", "pending"),
    ]


def test_a_compaction_is_told() -> None:
    sizes = {"pre_tokens": 120000, "post_tokens": 9000}
    said = feed(Translator("/w"), type="system", subtype="compact_boundary", compact_metadata=sizes)
    assert said == [Compaction(before_tokens=120000, after_tokens=9000)]


def test_a_limit_that_is_used_up_is_told_and_a_free_one_is_not() -> None:
    info = {"status": "rejected", "rateLimitType": "five_hour"}
    said = feed(Translator("/w"), type="rate_limit_event", rate_limit_info=info)
    assert isinstance(said[0], Notice)
    assert "five-hour" in said[0].text
    assert feed(Translator("/w"), type="rate_limit_event", rate_limit_info={"status": "allowed"}) == []


def test_huge_input_is_clipped_in_the_log() -> None:
    tool = {
        "type": "tool_use",
        "id": "t",
        "name": "Write",
        "input": {"file_path": "a", "content": "x" * 10**6},
    }
    call = assistant(Translator("/w"), tool)[0]
    assert isinstance(call, ToolCall)
    assert len(call.model_dump_json()) < 80_000
