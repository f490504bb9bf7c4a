"""Golden files: what real agents said (see `record`), and what becomes of it.

`AGOR_WRITE_GOLDEN=1` writes the expected updates anew; read the difference before it is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.acp.presets import GEMINI, GENERIC, Quirks
from agor_jupyter.agents.acp.translate import Translator
from agor_jupyter.domain.content import TerminalContent, TextContent
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.jsonl"))


def translated(name: str) -> list[AgentUpdate]:
    """Translate a recording as the connection does, without its requests' answers."""
    quirks = GEMINI.quirks if name.startswith("gemini") else GENERIC.quirks
    translator = Translator("/w", quirks)
    updates: list[AgentUpdate] = []
    for line in (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        params = message["params"]
        if message["method"] == "session/update":
            updates += translator.feed(params["update"])
        else:
            diffs = [item for item in params["toolCall"].get("content", []) if item["type"] == "diff"]
            updates += translator.asked({**params["toolCall"], "content": diffs})
    return updates + translator.end_turn("end_turn")


def test_the_recordings_are_there() -> None:
    agents = {"scripted-words", "scripted-edits", "scripted-commands", "scripted-plan", "plain-commands"}
    assert set(NAMES) == agents | {"gemini-words", "gemini-edits", "gemini-commands"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_becomes_the_expected_updates(name: str) -> None:
    got = [
        {"type": item.type, **item.model_dump(mode="json", exclude_defaults=True)}
        for item in translated(name)
    ]
    path = GOLDEN / f"{name}.updates.json"
    if os.environ.get("AGOR_WRITE_GOLDEN"):
        path.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert got == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_call_begins_and_ends_once(name: str) -> None:
    updates = translated(name)
    begun = [item.tool_call_id for item in updates if isinstance(item, ToolCall)]
    assert len(set(begun)) == len(begun)
    for key in begun:
        changes = [item for item in updates if isinstance(item, ToolCallUpdate) and item.tool_call_id == key]
        assert [item.status for item in changes if item.status in ("completed", "failed")] == [
            changes[-1].status
        ]


def fed(*told: dict[str, Any], quirks: Quirks = GENERIC.quirks) -> list[AgentUpdate]:
    translator = Translator("/w", quirks)
    return [update for item in told for update in translator.feed(item)]


def chunk(text: str, kind: str = "agent_message_chunk", **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}, **more}


def test_chunks_of_one_message_share_its_id() -> None:
    thought = chunk("Hm", "agent_thought_chunk")
    call = {"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Look"}
    updates = fed(chunk("a"), chunk("b"), thought, chunk("c"), call, chunk("d"), chunk("e", messageId="own"))
    ids = [item.message_id for item in updates if isinstance(item, AgentMessageChunk | AgentThoughtChunk)]
    assert ids == ["message-1", "message-1", "message-2", "message-3", "message-4", "own"]


def test_a_thought_of_its_own_stands_alone() -> None:
    quirks = Quirks(whole_thoughts=True, empty_subject="****\n")
    told = [chunk(text, "agent_thought_chunk") for text in ("****\nOne.", "**Two**\nAnd more.", "****\n")]
    updates = [item for item in fed(*told, quirks=quirks) if isinstance(item, AgentThoughtChunk)]
    assert [item.text for item in updates] == ["One.", "**Two**\nAnd more."]
    assert len({item.message_id for item in updates}) == 2


def test_a_call_that_is_told_only_by_its_end_begins_too() -> None:
    told = {
        "sessionUpdate": "tool_call_update",
        "toolCallId": "t",
        "status": "failed",
        "kind": "read",
        "content": [{"type": "content", "content": {"type": "text", "text": "No such file"}}],
    }
    begun, ended, *rest = fed(told, {**told, "status": "completed"})
    assert isinstance(begun, ToolCall)
    assert isinstance(ended, ToolCallUpdate)
    assert (begun.title, begun.kind, begun.status) == ("Read", "read", "in_progress")
    assert (ended.status, ended.content) == ("failed", (TextContent(text="No such file"),))
    assert rest == [], "after its end nothing more is told of it"


def test_a_result_without_content_is_taken_from_its_record() -> None:
    begun = {"sessionUpdate": "tool_call", "toolCallId": "t", "title": "ls", "kind": "execute"}
    ended = {
        "sessionUpdate": "tool_call_update",
        "toolCallId": "t",
        "status": "completed",
        "content": [],
        "rawOutput": {"output": "a.txt", "exitCode": 2},
    }
    last = fed(begun, ended)[-1]
    assert isinstance(last, ToolCallUpdate)
    assert last.content == (TerminalContent(text="a.txt", exit_code=2),)
    assert last.status == "failed", "a command that gave 2 has failed, whatever the agent calls it"


def test_the_end_of_a_turn_ends_its_calls() -> None:
    for reason, status in (("end_turn", "completed"), ("cancelled", "failed"), ("lost", "failed")):
        translator = Translator("/w", Quirks())
        translator.feed({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "Look"})
        (left,) = translator.end_turn(reason)  # type: ignore[arg-type]  # a row of the table
        assert isinstance(left, ToolCallUpdate)
        assert left.status == status


def test_long_output_is_kept_in_part() -> None:
    long = {"type": "content", "content": {"type": "text", "text": "x" * 500_000}}
    updates = fed({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "t", "content": [long]})
    (shown,) = [item.content for item in updates if isinstance(item, ToolCallUpdate) and item.content]
    assert isinstance(shown[0], TextContent)
    assert shown[0].truncated > 400_000


def test_cost_counts_only_in_dollars() -> None:
    translator = Translator("/w", Quirks())
    translator.begin(is_new=True)
    euros = {"sessionUpdate": "usage_update", "used": 7, "size": 9, "cost": {"amount": 3, "currency": "EUR"}}
    (told,) = translator.feed(euros)
    assert isinstance(told, UsageUpdate)
    assert (told.context_used, told.context_size) == (7, 9)
    assert translator.cost_of_turn() is None
    translator.feed({**euros, "cost": {"amount": 3, "currency": "usd"}})
    assert translator.cost_of_turn() == 3.0
