"""Golden files: what the real Codex said (see `record`), and what becomes of it.

`AGOR_WRITE_GOLDEN=1` writes the expected updates anew; read the difference before it is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agor_jupyter.agents.codex import permissions, turns
from agor_jupyter.agents.codex.permissions import Seen
from agor_jupyter.agents.codex.translate import Translator
from agor_jupyter.domain.content import TextContent, ToolLocation
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    Compaction,
    ModelChanged,
    Notice,
    ToolCall,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import RequestId

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.name.split(".")[0] for path in GOLDEN.glob("*.messages.jsonl"))


def translated(name: str) -> list[AgentUpdate]:
    """Translate a recording as the connection does."""
    translator = Translator("/w")
    updates: list[AgentUpdate] = []
    for line in (GOLDEN / f"{name}.messages.jsonl").read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        method, params, texts = message["method"], message["params"], message.get("texts") or {}
        if method == "turn/completed":
            ended = turns.ended(params["turn"], translator.usage, interrupted=False, login_hint="Log in.")
            updates += [*translator.end_turn(completed=ended.stop_reason == "end_turn"), ended]
        elif method in permissions.METHODS:
            item = translator.item(str(params.get("itemId"))) or translator.call_of(
                str(params.get("serverName"))
            )
            seen = Seen(tuple(ToolLocation(path=path) for path in texts), texts)
            request_id = RequestId(f"req_{message['id']}")
            updates.append(permissions.request_of(request_id, method, params, item, seen, "/w"))
        elif "id" not in message:
            updates += translator.feed(method, params, texts)
    return updates


def test_the_recordings_are_there() -> None:
    assert {"words", "edits", "commands", "plan", "tools", "review", "overloaded", "failed"} <= set(NAMES)


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


def test_words_that_were_not_streamed_are_said_once() -> None:
    translator = Translator("/w")
    message = {"item": {"type": "agentMessage", "id": "m", "text": "Whole."}}
    assert [type(item) for item in translator.feed("item/completed", message)] == [AgentMessageChunk]
    assert translator.feed("item/completed", message) == []
    thought = {"item": {"type": "reasoning", "id": "r", "summary": ["One.", "Two."], "content": []}}
    said = translator.feed("item/completed", thought)
    assert [item.text for item in said if isinstance(item, AgentThoughtChunk)] == ["One.\n\nTwo."]


def test_a_call_without_an_end_fails_with_its_turn_and_is_not_ended_twice() -> None:
    translator = Translator("/w")
    call = {"type": "mcpToolCall", "id": "c", "server": "s", "tool": "t", "arguments": {}}
    translator.feed("item/started", {"item": call})
    assert [update.status for update in translator.end_turn(completed=True)] == ["failed"]
    assert translator.end_turn(completed=True) == []


def test_words_of_a_rejection_stand_in_the_call() -> None:
    translator = Translator("/w")
    call = {"type": "fileChange", "id": "c", "changes": [], "status": "inProgress"}
    translator.feed("item/started", {"item": call})
    translator.note_rejection("c", "Not here.")
    ended = translator.feed("item/completed", {"item": {**call, "status": "declined"}})[-1]
    assert isinstance(ended, ToolCallUpdate)
    assert (ended.status, ended.content) == ("failed", (TextContent(text="Not here."),))


def test_a_compaction_tells_how_full_it_was() -> None:
    translator = Translator("/w")
    used = {"total": {"inputTokens": 900}, "last": {"inputTokens": 900}, "modelContextWindow": 1000}
    translator.feed("thread/tokenUsage/updated", {"tokenUsage": used})
    item = {"item": {"type": "contextCompaction", "id": "c"}}
    assert translator.feed("item/started", item) == []
    assert translator.feed("item/completed", item) == [Compaction(before_tokens=900)]


def test_news_are_told_and_noise_is_not() -> None:
    translator = Translator("/w")
    noise = {"summary": "Codex could not find bubblewrap on PATH. Install it."}
    assert translator.feed("configWarning", noise) == []
    told = translator.feed("configWarning", {"summary": "Nothing is right. Look at it."})
    assert told == [Notice(level="warning", text="Nothing is right.")]
    assert translator.feed("model/rerouted", {"toModel": "gpt-x"}) == [ModelChanged(model="gpt-x")]
    assert translator.feed("something/new", {"what": 1}) == []


def test_huge_input_is_clipped_in_the_log() -> None:
    change = {"path": "/w/a", "kind": {"type": "add"}, "diff": "x" * 10**6}
    item = {"type": "fileChange", "id": "c", "changes": [change], "status": "inProgress"}
    call = Translator("/w").feed("item/started", {"item": item})[0]
    assert len(call.model_dump_json()) < 80_000
