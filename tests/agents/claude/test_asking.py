"""What Claude Code asks a person: acts, questions, plans. The real CLI decides what to ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import Question
from agor_jupyter.domain.events import (
    ModeChanged,
    PermissionRequest,
    PermissionResolved,
    ToolCall,
    ToolCallUpdate,
)
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Echo, Turn, say, script, use

Start = Callable[..., Any]


def choose(option_id: str, message: str = "") -> Callable[[PermissionRequest], Decision]:
    return lambda request: Decision(outcome="selected", option_id=option_id, message=message)


async def test_a_call_is_told_before_it_is_asked_about(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["many"] = script(*[use("Bash", command=f"touch file{number}") for number in range(5)])
    chat = await talk()
    await chat.prompt("SCRIPT:many")
    told: set[str] = set()
    asked = 0
    for update in chat.updates:
        if isinstance(update, ToolCall):
            told.add(update.tool_call_id)
        if isinstance(update, PermissionRequest):
            asked += 1
            assert update.tool_call_id in told
    assert asked == 5
    assert len({request.digest for request in chat.of(PermissionRequest)}) == 5


async def test_always_means_this_command_in_this_session_and_nothing_more(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["first"] = script(use("Bash", command="touch made"), say("Made."))
    server.book["more"] = script(
        use("Bash", command="touch made too"), use("Write", file_path=str(worktree / "a.txt"), content="a")
    )
    chat = await talk()
    chat.answerer = choose("allow_always")
    await chat.prompt("SCRIPT:first")
    assert (worktree / "made").exists()

    chat.answerer = choose("reject_once")
    await chat.prompt("SCRIPT:more")

    # The CLI had suggested `touch made *`, to edit freely, to add the folder, and to write the rule
    # into the project; none of that was asked of the person, so none was taken up.
    assert [request.kind for request in chat.of(PermissionRequest)] == ["execute", "execute", "edit"]
    assert not (worktree / "too").exists()
    assert not (worktree / "a.txt").exists()
    assert not (worktree / ".claude").exists()


async def test_a_rejection_carries_its_reason_to_the_model(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["reject"] = script(
        use("Write", file_path=str(worktree / "a.txt"), content="a"), Turn(blocks=(Echo(of="results"),))
    )
    chat = await talk()
    chat.answerer = choose("reject_once", "Use b.txt instead.")
    ended = await chat.prompt("SCRIPT:reject")
    assert ended.stop_reason == "end_turn"
    assert "Use b.txt instead." in chat.text
    assert not (worktree / "a.txt").exists()
    assert chat.result("Write").status == "failed"


async def test_what_is_asked_about_is_what_would_be_touched(
    talk: Start, server: AnthropicServer, worktree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (worktree / "link").symlink_to(outside)
    server.book["link"] = script(use("Write", file_path=str(worktree / "link" / "a.txt"), content="a"))
    chat = await talk()
    chat.answerer = choose("reject_once")
    await chat.prompt("SCRIPT:link")
    request = chat.of(PermissionRequest)[0]
    assert str(outside / "a.txt") in [place.path for place in request.locations]
    assert not (outside / "a.txt").exists()


async def test_a_question_and_its_answer(talk: Start, server: AnthropicServer) -> None:
    told = {"red": "Warm,\n  as a rose", "blue": "blue"}
    options = [{"label": label, "description": meaning} for label, meaning in told.items()]
    asked = {"question": "Which colour?", "header": "Colour", "multiSelect": False, "options": options}
    server.book["ask"] = script(use("AskUserQuestion", questions=[asked]), Turn(blocks=(Echo(of="results"),)))
    chat = await talk()
    chat.answerer = lambda request: Decision(outcome="selected", answers={"Which colour?": "blue"})
    await chat.prompt("SCRIPT:ask")
    assert chat.of(PermissionRequest)[0].questions == (
        Question(
            question="Which colour?",
            header="Colour",
            choices=("red", "blue"),
            descriptions=("Warm, as a rose", ""),
            own=True,
        ),
    )
    assert "blue" in chat.text

    chat.answerer = lambda request: Decision(outcome="selected", answers={"Which colour?": "green, as grass"})
    await chat.prompt("SCRIPT:ask")
    assert "green, as grass" in chat.text

    chat.answerer = lambda request: Decision(outcome="cancelled")
    ended = await chat.prompt("SCRIPT:ask")
    assert ended.stop_reason == "end_turn"
    assert "did not answer" in chat.text


async def test_plan_mode_asks_before_it_is_left_and_the_mode_follows(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    made = worktree / "a.txt"
    server.book["plan"] = script(
        use("ExitPlanMode", plan="# The plan\n1. Write a.txt"),
        use("Write", file_path=str(made), content="a"),
        say("Done."),
    )
    chat = await talk(mode="plan")
    chat.answerer = choose("reject_once", "Think again.")
    await chat.prompt("SCRIPT:plan")
    request = chat.of(PermissionRequest)[0]
    assert request.kind == "switch_mode"
    assert "Write a.txt" in request.description
    assert [option.kind for option in request.options] == ["allow_once", "allow_once", "reject_once"]
    assert chat.of(ModeChanged) == []

    chat.answerer = lambda request: Decision(
        outcome="selected",
        option_id="start_editing" if request.kind == "switch_mode" else "allow_once",
    )
    await chat.prompt("SCRIPT:plan")

    assert [change.mode for change in chat.of(ModeChanged)] == ["accept_edits"]
    assert made.read_text() == "a"
    # The runner's policy decides on edits from here on, so they must still come to it.
    assert chat.of(PermissionRequest)[-1].kind == "edit"


async def test_the_plan_that_claude_wrote_down_is_what_is_asked_about(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk(mode="plan")
    await chat.prompt("SCRIPT:hello")
    # The CLI tells the model where its plan belongs: outside the worktree, in its own folder.
    places = re.findall(r"[^\s'\"]*plans/[\w.-]+\.md", str(server.asked[-1].body))
    server.book["plan"] = script(use("Write", file_path=places[0], content="# My plan"), use("ExitPlanMode"))
    chat.answerer = choose("start_asking")
    await chat.prompt("SCRIPT:plan")
    assert [(request.kind, request.description) for request in chat.of(PermissionRequest)] == [
        ("switch_mode", "# My plan")
    ]
    assert [change.mode for change in chat.of(ModeChanged)] == ["ask"]


async def test_modes_switch_live(talk: Start, server: AnthropicServer, worktree: Path) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk()
    await chat.adapter.set_mode("plan")
    await chat.prompt("SCRIPT:hello")
    assert "Plan mode is active" in str(server.asked[-1].body["messages"])
    await chat.adapter.set_mode("full_auto")
    await chat.prompt("SCRIPT:hello")
    await chat.adapter.set_mode("ask")
    assert chat.of(ModeChanged) == [], "a switch from outside is not told back"


async def test_an_interrupt_withdraws_the_question(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["write"] = script(use("Write", file_path=str(worktree / "a.txt"), content="a"))
    chat = await talk()
    chat.answerer = lambda request: None
    await chat.send("SCRIPT:write")
    request = (await chat.wait(lambda: chat.of(PermissionRequest)))[0]
    await chat.adapter.interrupt()
    ended = await chat.ended()
    assert ended.stop_reason == "cancelled"
    assert chat.of(PermissionResolved) == [
        PermissionResolved(request_id=request.request_id, outcome="cancelled", by="agent")
    ]
    await chat.adapter.answer(request.request_id, Decision(outcome="selected", option_id="allow_once"))
    assert not (worktree / "a.txt").exists()
    failed = [call for call in chat.of(ToolCallUpdate) if call.status == "failed"]
    assert len(failed) == 1


async def test_reads_inside_the_worktree_run_unasked_and_outside_are_asked(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    (worktree / "a.txt").write_text("inside\n")
    server.book["read"] = script(
        use("Read", file_path=str(worktree / "a.txt")),
        use("Bash", command="ls; cat a.txt"),
        use("Read", file_path="/etc/hostname"),
    )
    chat = await talk()
    await chat.prompt("SCRIPT:read")
    asked = chat.of(PermissionRequest)
    assert [(request.kind, request.locations[0].path) for request in asked] == [("read", "/etc/hostname")]
