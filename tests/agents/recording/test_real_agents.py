"""What real agents said, as their golden files keep it, becomes a script that says no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agor_jupyter.agents.demo.script import Script
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentUpdate,
    PermissionRequest,
    PermissionResolved,
    Plan,
    ToolCall,
    agent_update_adapter,
)
from tests.agents.recording.taping import Tape

AGENTS = Path(__file__).resolve().parent.parent
GOLDEN = sorted(AGENTS.glob("*/golden/*.updates.json"))


def updates_of(path: Path) -> list[AgentUpdate]:
    """Read golden updates. They leave out what has its default, the type of a content too."""
    listed = json.loads(path.read_text("utf-8"))
    for item in listed:
        for part in item.get("content") or ():
            kind = "diff" if "path" in part else "terminal" if "exit_code" in part else "text"
            part.setdefault("type", kind)
    return [agent_update_adapter.validate_python(item) for item in listed]


def taped(updates: list[AgentUpdate]) -> list[dict[str, Any]]:
    """Give the steps of a session whose one turn these are, and where everything was allowed."""
    tape = Tape()
    heard: list[AgentUpdate] = []
    for update in updates:
        heard.append(update)
        if isinstance(update, PermissionRequest) and update.options:
            answer = {"request_id": update.request_id, "option_id": update.options[0].option_id, "by": "ann"}
            heard.append(PermissionResolved(outcome="selected", **answer))
    tape.take("Go", heard)
    script = yaml.safe_load(tape.saved("/w").script)
    Script.model_validate(script)
    steps: list[dict[str, Any]] = script["turns"][0]["steps"]
    return steps


def every(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        found += [step, *every(step.get("tool", {}).get("steps", []))]
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parts[-3]}-{path.name.split('.')[0]}")
def test_a_golden_session_is_a_script(path: Path) -> None:
    updates = updates_of(path)
    steps = every(taped(updates))
    said = [update.text for update in updates if isinstance(update, AgentMessageChunk)]
    written = [step["say"] for step in steps if "say" in step]  # what is within an `if` is our own
    assert sorted("".join(written)) == sorted("".join(said))
    calls = {update.tool_call_id for update in updates if isinstance(update, ToolCall)}
    assert sum("tool" in step for step in steps) >= len(calls)
    plans = [update for update in updates if isinstance(update, Plan)]
    assert sum("plan" in step for step in steps) == len(plans)


def test_a_real_sub_agent_stands_within_its_call() -> None:
    steps = taped(updates_of(AGENTS / "claude" / "golden" / "agent.updates.json"))
    assert any(step.get("tool", {}).get("steps") for step in steps)


def test_a_real_agents_edits_are_made_again() -> None:
    for agent in ("claude", "codex"):
        steps = every(taped(updates_of(AGENTS / agent / "golden" / "edits.updates.json")))
        assert any(step.get("tool", {}).get("edits") for step in steps), agent
