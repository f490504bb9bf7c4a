"""How much a recording holds: lengths, depths, and what counts towards them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from agor_jupyter.agents.demo.script import Script
from agor_jupyter.agents.recording import recorder
from agor_jupyter.agents.recording.nodes import DEEPEST, FLATTENED
from agor_jupyter.domain.content import (
    TerminalContent,
)
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import (
    Notice,
    PermissionRequest,
    Steered,
    TaskEnded,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import RequestId, ToolCallId
from tests.agents.recording.taping import ANN, Tape, call, done, said, steps_of, taped


def test_a_long_output_is_clipped_and_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = taped(call(kind="execute"), done("c", TerminalContent(text="x" * 100_000)))
    assert len(steps_of(tape)[0]["tool"]["output"]) < 21_000
    monkeypatch.setattr(recorder, "MOST_CHARACTERS", 2**20)
    tape = taped(*(said("x" * 100_000, f"m{number}") for number in range(11)))
    with pytest.raises(Unprocessable, match="more than 1 MiB"):
        tape.saved()


def test_output_that_is_told_again_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_CHARACTERS", 2**20)
    text = TerminalContent(text="x" * 100_000)
    taped(call(), *(done("c", text) for _ in range(50))).saved()


def test_a_hundred_thousand_events_take_seconds() -> None:
    tape = Tape()
    task = tape.begin("Go")
    for number in range(50_000):
        tape.add(task, said("word ", f"m{number // 100}"))
        tape.add(task, ToolCallUpdate(tool_call_id=ToolCallId("none"), output_delta="x"))
    tape.add(task, TaskEnded(stop_reason="end_turn"))
    begun = time.process_time()
    saved = tape.saved()
    assert time.process_time() - begun < 30
    assert saved.script.count("word") == 50_000


def test_calls_are_flat_from_a_depth_on_and_the_script_says_so() -> None:
    tape, depth = Tape(), 400
    parents = [None, *(ToolCallId(f"c{number}") for number in range(depth - 1))]
    calls = [call(f"c{number}", parent_tool_call_id=parent) for number, parent in enumerate(parents)]
    ends = [done(f"c{number}") for number in reversed(range(depth))]
    tape.task("Go", *calls, said("As deep as can be", parent=f"c{depth - 1}"), *ends)
    saved = tape.saved()
    Script.model_validate(yaml.safe_load(saved.script))
    assert saved.script.count("- tool:") == depth and saved.script.count("As deep as can be") == 1
    assert FLATTENED in saved.script and saved.notes == (FLATTENED,)
    tape = Tape()
    tape.task("Go", *calls[:DEEPEST], *ends[-DEEPEST:])
    assert tape.saved().notes == ()


def test_an_input_is_kept_to_a_depth() -> None:
    tape = Tape()
    deep: Any = "bottom"
    for _ in range(300):
        deep = {"a": [deep]}
    tape.task("Go", call(input={"deep": deep, "flat": "top"}), done())
    script = tape.saved().script
    assert "bottom" not in script and "top" in script and "…" in script
    Script.model_validate(yaml.safe_load(script))


def test_all_that_is_kept_counts_before_it_is_cleaned() -> None:
    text = "x" * (recorder.MOST_CHARACTERS // 2)
    request = PermissionRequest(request_id=RequestId("r"), title="May I?", description=text, digest="d")
    for update in (request, Notice(text=text), Steered(by=ANN, text=text), done("c", input={"a": text})):
        tape = Tape()
        tape.task("Go", call(), update, update, update)
        with pytest.raises(Unprocessable, match="too much"):
            tape.saved()
