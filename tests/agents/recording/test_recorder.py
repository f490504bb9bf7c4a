"""Events in, a script out: what is kept, what is only said, and that every text comes back as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from agor_jupyter.agents.demo.script import Script
from agor_jupyter.agents.recording import recorder
from agor_jupyter.agents.recording.steps import Comment
from agor_jupyter.agents.recording.text import as_data, written
from agor_jupyter.domain.content import (
    Attachment,
    DiffContent,
    PermissionOption,
    TerminalContent,
    TextContent,
    Usage,
)
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import (
    AgentThoughtChunk,
    Compaction,
    PermissionRequest,
    PermissionResolved,
    Steered,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, RequestId, TaskId, ToolCallId
from agor_jupyter.domain.redaction import Redactor
from tests.agents.recording.taping import ANN, TREE, Tape, call, done, edit, said, steps_of, taped


def test_words_are_joined_and_their_pace_is_kept() -> None:
    tape = Tape()
    task = tape.begin("Go")
    for piece in ("One ", "two ", "three."):
        tape.add(task, said(piece), after_ms=120)
    tape.add(task, AgentThoughtChunk(message_id=MessageId("t"), text="Hm."), after_ms=60_000)
    tape.add(task, TaskEnded(stop_reason="end_turn"))
    assert steps_of(tape) == [{"say": "One two three.", "delay_ms": 60}, {"wait": 3.0}, {"think": "Hm."}]


def test_news_of_the_tokens_take_no_time() -> None:
    tape = Tape()
    task = tape.begin("Go")
    tape.add(task, said("One.", "a"))
    tape.add(task, UsageUpdate(usage=Usage()), after_ms=2000)
    tape.add(task, said("Two.", "b"), after_ms=300)
    tape.add(task, TaskEnded(stop_reason="end_turn"))
    assert steps_of(tape) == [{"say": "One."}, {"wait": 2.3}, {"say": "Two."}]


def test_a_prompt_is_known_as_it_was_when_it_began() -> None:
    tape = Tape()
    task = TaskId("task_0000000000000001")
    tape.add(task, TaskQueued(by=ANN, prompt="First"))
    tape.add(task, TaskUpdated(by=ANN, prompt="Second"))
    tape.add(task, TaskStarted(base_sha="0" * 40))
    tape.add(task, TaskEnded(stop_reason="end_turn"))
    script = tape.saved(TREE).script
    assert "Second" in script and "First" not in script


def test_a_remark_within_a_sub_agent_is_told_too() -> None:
    inner = call("in", kind="edit", parent_tool_call_id=ToolCallId("out"))
    outside = DiffContent(path="/elsewhere/a.py", old_text="a", new_text="b")
    recording = taped(call("out"), inner, done("in", outside), done("out")).saved(TREE)
    assert recording.notes == ("This change is only shown, not made: it is outside the worktree.",)


def test_what_lies_beside_the_worktree_is_outside_it() -> None:
    beside = DiffContent(path=f"{TREE}-2/a.py", old_text="a", new_text="b")
    (tool,) = steps_of(taped(call(kind="edit"), done("c", beside)))
    assert "edits" not in tool["tool"] and tool["tool"]["diffs"][0]["path"] == f"{TREE}-2/a.py"


def test_what_was_not_answered_or_not_ended_is_not_done() -> None:
    change = DiffContent(path=f"{TREE}/a.py", old_text="a", new_text="b")
    options = (PermissionOption(option_id="y", name="Yes", kind="allow_once"),)
    asked = PermissionRequest(
        request_id=RequestId("r"),
        tool_call_id=ToolCallId("c"),
        title="Do",
        options=options,
        content=(change,),
        digest="0",
    )
    waiting, cut_off = (
        Tape(),
        taped(call(kind="edit"), done("c", change, status=None), stop_reason="cancelled"),
    )
    task = waiting.begin("Go on")
    waiting.add(task, call(kind="edit"))
    waiting.add(task, asked)
    for steps in (steps_of(waiting), steps_of(cut_off)[:-1]):
        (tool,) = steps
        assert tool["tool"]["failed"] is True and "edits" not in tool["tool"]


def test_a_long_title_makes_a_short_name() -> None:
    name = taped(said("Done.")).saved(TREE, title=f"{'a' * 59} and more").name
    assert name == f"{'a' * 59}.demo.yml"


def test_nothing_is_given_while_a_known_secret_is_left() -> None:
    class Blind(Redactor):
        def clean_parts(self, parts: Sequence[str]) -> list[str]:
            return list(parts)

    saving = recorder.Recorder(
        "A session", "made here", TREE, Blind({"a-known-secret-4711": "credential"}, {})
    )
    saving.take(taped(said("It is a-known-secret-4711.")).events)
    with pytest.raises(AssertionError, match="a known secret is left"):
        saving.write()


def test_what_a_person_waited_for_is_no_wait() -> None:
    options = (PermissionOption(option_id="y", name="Yes", kind="allow_once"),)
    request = PermissionRequest(
        request_id=RequestId("r"), tool_call_id=ToolCallId("c"), title="Do", options=options, digest="0"
    )
    tape = Tape()
    task = tape.begin("Go")
    tape.add(task, call(kind="execute", input={"command": "make"}))
    tape.add(task, request)
    answer = PermissionResolved(request_id=RequestId("r"), outcome="selected", option_id="y", by="ann")
    tape.add(task, answer, after_ms=3_600_000)
    tape.add(task, done("c", TerminalContent(text="made\n", exit_code=0)), after_ms=1500)
    tape.add(task, TaskEnded(stop_reason="end_turn"))
    tool, otherwise = steps_of(tape)
    assert tool["tool"] == {
        "title": "Do",
        "kind": "execute",
        "input": {"command": "make"},
        "ask": True,
        "seconds": 1.5,
        "output": "made\n",
        "exit_code": 0,
    }
    assert otherwise["if"]["rejected"] is True


@pytest.mark.parametrize(
    ("updates", "edits"),
    [
        (edit(None, "new\n"), [{"path": "a.py", "write": "new\n"}]),
        (edit("", "new\n"), [{"path": "a.py", "write": "new\n"}]),
        (edit("old\n", "new\n"), [{"path": "a.py", "find": "old\n", "replace": "new\n"}]),
        (edit("o", "n", replace_all=True), [{"path": "a.py", "find": "o", "replace": "n", "every": True}]),
        (edit("old\n", None), [{"path": "a.py", "delete": True}]),
        (
            edit("a\n⋮\nb", "A\n⋮\nB"),
            [
                {"path": "a.py", "find": "a", "replace": "A"},
                {"path": "a.py", "find": "b", "replace": "B"},
            ],
        ),
    ],
)
def test_edits_can_be_made_again(updates: list[Any], edits: list[dict[str, Any]]) -> None:
    assert steps_of(taped(*updates))[0]["tool"]["edits"] == edits


@pytest.mark.parametrize(
    ("updates", "reason"),
    [
        (edit("a", "b", path="../other/a.py"), "outside the worktree"),
        (edit("a\n… 7 bytes left out …\nb", "b"), "too long to be kept whole"),
        (edit("a\n⋮\nb", "A"), "only parts of it"),
    ],
)
def test_what_cannot_be_made_again_is_shown_and_said(updates: list[Any], reason: str) -> None:
    saved = taped(*updates).saved(TREE)
    tool = yaml.safe_load(saved.script)["turns"][0]["steps"][0]["tool"]
    assert "edits" not in tool and tool["diffs"]
    assert reason in saved.script.split("- tool:")[0]
    assert any(reason in note for note in saved.notes)


def test_a_change_that_failed_is_not_made() -> None:
    updates = [
        call(kind="edit"),
        done("c", DiffContent(path="a", old_text="x", new_text="y"), status="failed"),
    ]
    tool = steps_of(taped(*updates))[0]["tool"]
    assert tool["failed"] is True and "edits" not in tool


def test_what_commands_changed_is_said() -> None:
    saved = taped(*edit("a", "b"), files_changed=3).saved(TREE)
    assert "3 files were changed here, 1 of them by edits that are made again." in saved.script


def test_what_was_within_a_call_stays_within_it() -> None:
    inner = call("d", title="Inner", parent_tool_call_id=ToolCallId("c"))
    updates = [
        call(title="Outer"),
        said("I look.", "s", "c"),
        inner,
        done("d"),
        done("c", TextContent(text="Found")),
    ]
    tool = steps_of(taped(*updates))[0]["tool"]
    assert tool == {
        "title": "Outer",
        "steps": [{"say": "I look."}, {"tool": {"title": "Inner"}}],
        "text": "Found",
    }


def test_a_call_that_names_itself_as_its_parent_is_kept() -> None:
    updates = [call(title="Own", parent_tool_call_id=ToolCallId("c")), done("c", TextContent(text="Found"))]
    assert steps_of(taped(*updates))[0]["tool"] == {"title": "Own", "text": "Found"}


@pytest.mark.parametrize(
    ("ended", "last"),
    [
        ({"stop_reason": "failed", "error": "No.", "hint": "Log in."}, {"fail": "No.", "hint": "Log in."}),
        ({"stop_reason": "lost", "error": "Gone."}, {"fail": "Gone."}),
        ({"stop_reason": "cancelled"}, {"end": "cancelled"}),
        ({"stop_reason": "max_tokens"}, {"end": "max_tokens"}),
        ({"usage": Usage(input_tokens=7, cost_usd=2.0)}, {"usage": {"input_tokens": 7}}),
    ],
)
def test_the_end_is_kept(ended: dict[str, Any], last: dict[str, Any]) -> None:
    assert steps_of(taped(said("x"), **ended))[-1] == last


def test_what_no_script_can_do_is_a_comment() -> None:
    tape = Tape()
    file = Attachment(name="plan.txt", media_type="text/plain", data="x")
    task = tape.begin("Go", attachments=(file,))
    tape.add(task, Steered(by=ANN, text="Faster,\nplease"))
    tape.add(task, Compaction(before_tokens=900, after_tokens=90))
    saved = tape.saved(TREE)
    for words in ("plan.txt", "Somebody put in here: Faster, please", "not at its end", "900 → 90 tokens"):
        assert words in saved.script
    assert yaml.safe_load(saved.script)["turns"][0]["steps"] == [
        {"note": "The context was compacted (900 → 90 tokens)."}
    ]


def test_only_what_was_begun_is_a_turn_and_as_it_was_edited() -> None:
    tape = Tape()
    for task, text in (("task_a", "taken back"), ("task_b", "first words")):
        tape.add(TaskId(task), TaskQueued(by=ANN, prompt=text))
    tape.add(TaskId("task_a"), TaskRemoved(by=ANN))
    tape.add(TaskId("task_b"), TaskUpdated(by=ANN, prompt="second words"))
    with pytest.raises(Unprocessable, match="Nothing was done"):
        tape.saved()
    tape.task("other")
    assert "words" not in tape.saved().script


def test_a_prompt_that_comes_again_plays_on() -> None:
    tape = Tape()
    for prompt, text in (("go on", "one"), ("stop", "two"), ("Go  on\n", "three")):
        tape.task(prompt, said(text))
    script = Script.model_validate(yaml.safe_load(tape.saved().script))
    heard: list[str] = []
    told = []
    for prompt in ("go on", "stop", "GO ON", "go on", "stop", "what?"):
        step = script.turn_for(prompt, heard)[0].steps[0]
        told.append(getattr(step, "say", ""))
        heard.append(prompt)
    assert told[:5] == ["one", "two", "three", "three", "two"]
    assert "    go on\n\n    stop" in told[5]


def test_a_prompt_is_found_again() -> None:
    token = "ghp_" + "a1B2" * 9
    long = "Why (does) *this* [regex]? " * 100
    for prompt, typed in (
        (f"use {token} now", "use something now"),
        (long, long),
        (long, long[:400]),
        ("", "  "),
        ("{prompt}\\", "{prompt}\\"),
    ):
        tape = Tape()
        tape.task(prompt, said("yes"))
        script = Script.model_validate(yaml.safe_load(tape.saved().script))
        assert script.turn_for(typed)[0] is script.turns[0], prompt
        assert script.turn_for("something else")[0] is script.turns[1]


@pytest.mark.parametrize(
    "text",
    [
        "a\nb",
        "  indented\nb\n\n",
        "\n\nlead",
        "trailing \nspace ",
        "tab\there\n\tand there\n",
        "# no comment\n- no list: {no: map}",
        "\x1b[31mred\x1b[0m\r\nnext\r",
        "\x00\x07\x7f\x85\u2028\u2029\ufeff",
        "'\"`{1}{prompt}${x}%",
        "--- \n...\n---",
        "🙂 数\n",
        "null",
        "1e3",
        "x" * 3000 + " " + "y" * 3000,
        " \n \n",
    ],
)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    items = [
        Comment(text),
        {"say": text},
        {"tool": {"title": text, "steps": [Comment(text), {"think": text}]}},
    ]
    turns = [("x", items), ("", [Comment(text)])]
    members = {"version": 1, "recorded": True}
    assert yaml.safe_load(written([text], members, turns)) == as_data(members, turns)
