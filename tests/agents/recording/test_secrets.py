"""Canaries in every place of a session: none is in the script, and how many were taken out is said."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from agor_jupyter.domain.content import DiffContent, Question, TerminalContent, TextContent, ToolLocation
from agor_jupyter.domain.events import (
    AgentThoughtChunk,
    Notice,
    PermissionRequest,
    Plan,
    SessionUpdate,
    Steered,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import MessageId, RequestId, ToolCallId, UserId
from tests.agents.recording.taping import TREE, Tape, call, done, said

KNOWN = "my-own\\words/are=secret+77"
SHAPED = "ghp_" + "a1B2" * 9
HOME = "/home/ann/.netrc"


def asking(text: str) -> PermissionRequest:
    return PermissionRequest(
        request_id=RequestId("r"),
        title=text,
        description=text,
        input={text: {"deep": [text]}},
        content=(TextContent(text=f"Because {text}"),),
        digest="0",
    )


def places(text: str) -> dict[str, list[SessionUpdate]]:
    half = len(text) // 2
    questions = (Question(question=text, header=text, choices=(text, "b"), descriptions=("a", text)),)
    asked = PermissionRequest(request_id=RequestId("q"), title="Q", questions=questions, digest="0")
    shown = ToolCallUpdate(tool_call_id=ToolCallId("c"), output_delta=text[:half])
    rest = ToolCallUpdate(tool_call_id=ToolCallId("c"), output_delta=text[half:])
    diff = DiffContent(path=f"{text}/a.py", old_text=f"x {text}", new_text=f"y {text}")
    written = DiffContent(path="b.py", old_text=None, new_text=f"KEY = '{text}'\n")
    return {
        "message": [said(text)],
        "two chunks": [said(text[:half]), said(text[half:])],
        "one message, a call between": [said(text[:half]), call(), done(), said(text[half:])],
        "thought": [AgentThoughtChunk(message_id=MessageId("t"), text=text)],
        "tool title": [call(title=text), done()],
        "tool input": [call(input={"a": [{"b": text}], text: 1}), done()],
        "telling name": [
            call(input={"api_key": text, "headers": {"Authorization": f"Bearer {text}"}}),
            done(),
        ],
        "locations": [call(locations=(ToolLocation(path=text),)), done()],
        "output": [call(kind="execute"), done("c", TerminalContent(text=text, exit_code=0))],
        "output in two": [call(kind="execute"), shown, rest, done()],
        "text": [call(), done("c", TextContent(text=text))],
        "diff": [call(kind="edit"), done("c", diff)],
        "new file": [call(kind="edit", input={"content": text}), done("c", written)],
        "failed": [call(), done("c", TextContent(text=text), status="failed")],
        "request": [asking(text)],
        "question": [asked],
        "plan": [Plan.model_validate({"entries": [{"content": text}]})],
        "notice": [Notice(text=text, hint=text)],
        "steered": [Steered(by=UserId("ann"), text=text)],
    }


def clean(script: str, secret: str) -> bool:
    """Neither the script nor what is read from it holds the secret, nor most of it."""
    flat: list[str] = []

    def walk(value: Any) -> None:
        match value:
            case dict():
                for name, item in value.items():
                    walk(name)
                    walk(item)
            case list():
                for item in value:
                    walk(item)
            case _:
                flat.append(str(value))

    walk(yaml.safe_load(script))
    pieces = (secret, secret[: len(secret) // 2], secret[len(secret) // 2 :])
    return not any(piece in text for piece in pieces for text in (script, *flat))


@pytest.mark.parametrize("place", places("x"))
@pytest.mark.parametrize("secret", [KNOWN, SHAPED], ids=["known", "shaped"])
def test_no_canary_is_left(place: str, secret: str) -> None:
    tape = Tape()
    tape.task("Go", *places(secret)[place])
    tape.task("Again", said("end"), stop_reason="end_turn")
    saved = tape.saved(TREE, secrets={KNOWN: "credential"})
    assert clean(saved.script, secret)
    assert sum(saved.removed.values()) >= 1
    assert clean(yaml.safe_dump([*saved.notes, saved.name, *saved.removed]), secret)


@pytest.mark.parametrize("secret", [KNOWN, SHAPED])
def test_no_canary_is_left_in_prompt_title_and_error(secret: str) -> None:
    tape = Tape()
    tape.task(f"Use {secret}.", said("no"), stop_reason="failed", error=f"{secret} is wrong", hint=secret)
    saved = tape.saved(TREE, secrets={KNOWN: "credential"}, title=f"Use {secret}")
    assert clean(saved.script, secret)
    assert secret.lower() not in saved.name
    assert saved.name.endswith(".demo.yml")


def test_a_text_that_something_was_taken_out_of_is_not_looked_for() -> None:
    tape = Tape()
    tape.task("Go", *places(SHAPED)["diff"], *places(SHAPED)["new file"])
    first, second = (step["tool"] for step in yaml.safe_load(tape.saved(TREE).script)["turns"][0]["steps"])
    assert "edits" not in first and first["diffs"][0]["old"] == "x [secret-1]"
    assert second["edits"] == [{"path": "b.py", "write": "KEY = '[secret-1]'\n"}]


def test_folders_are_relative_and_a_home_is_not_told() -> None:
    tape = Tape()
    tape.task(
        f"Look at {HOME}",
        call(title=f"Read {TREE}/a.py", locations=(ToolLocation(path=f"{TREE}/a.py"),)),
        done("c", TextContent(text=f"{TREE}: {HOME}")),
    )
    saved = tape.saved(TREE)
    tool = yaml.safe_load(saved.script)["turns"][0]["steps"][0]["tool"]
    assert tool == {"title": "Read a.py", "paths": ["a.py"], "text": ".: ~/.netrc"}
    assert "/home/ann" not in saved.script and TREE not in saved.script
    assert saved.removed["path"] >= 4


def test_a_number_and_a_value_whose_name_tells_are_secrets_too() -> None:
    given = {"pin": 48151623, "many": 3, "db_password": "zq81-hh27-plain", "sure": True}
    tape = Tape()
    tape.task("Go", call(input=given), done())
    saved = tape.saved(TREE, {"48151623": "variable"})
    (step,) = yaml.safe_load(saved.script)["turns"][0]["steps"]
    assert step["tool"]["input"] == {
        "pin": "[secret-1]",
        "many": 3,
        "db_password": "[secret-2]",
        "sure": True,
    }
    assert saved.removed == {"variable": 1, "named secret": 1}
