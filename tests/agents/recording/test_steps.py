"""How a prompt is found again, and what of a request is only its input once more."""

from __future__ import annotations

import re

import pytest
import yaml

from agor_jupyter.agents.recording import text
from agor_jupyter.agents.recording.steps import pattern_of
from agor_jupyter.domain.content import TextContent
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId, ToolCallId
from tests.agents.recording.taping import Tape, call, done, steps_of


@pytest.mark.parametrize(
    ("prompt", "given", "found"),
    [
        ("Use [secret-1] now", "use  anything\nNOW ", True),
        ("Use [secret-1] now", "use it now and then", False),
        # More than a few were taken out: it is known by how it begins.
        ("a [secret-1] b [secret-2] c [secret-3] d", "a x b y c z d", True),
        ("a [secret-1] b [secret-2] c [secret-3] d", "x b y c z d", False),
    ],
)
def test_a_prompt_is_found_again_whatever_was_taken_out(prompt: str, given: str, found: bool) -> None:
    assert (re.search(pattern_of(prompt), given) is not None) is found


@pytest.mark.parametrize(
    ("given", "told", "preview"),
    [
        ({"command": "make all"}, "make all", None),
        ({"command": "make all"}, "make", None),
        ({"command": "make all"}, "It takes an hour.", "It takes an hour."),
        ({"url": "x"}, '{\n "url": "x"\n}', None),
    ],
)
def test_of_a_request_that_is_kept_which_its_input_does_not_say(
    given: dict[str, str], told: str, preview: str | None
) -> None:
    request = PermissionRequest(
        request_id=RequestId("r"),
        tool_call_id=ToolCallId("c"),
        title="Do",
        input=given,
        content=(TextContent(text=told),),
        digest="0",
    )
    tape = Tape()
    tape.task("Go", call(kind="execute", input=given), request, done())
    assert steps_of(tape)[0]["tool"].get("preview") == preview


def test_what_would_not_read_as_it_was_is_written_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loses(yaml.SafeDumper): ...

    Loses.add_representer(
        str, lambda dumper, said: dumper.represent_scalar("tag:yaml.org,2002:str", said[:1])
    )
    monkeypatch.setattr(text, "_dumpers", lambda: (Loses, yaml.SafeDumper))
    assert yaml.safe_load(text.written([], {"name": "whole"}, [("", [{"say": "words"}])])) == {
        "name": "whole",
        "turns": [{"steps": [{"say": "words"}]}],
    }
    monkeypatch.setattr(text, "_dumpers", lambda: (Loses, Loses))
    with pytest.raises(AssertionError, match="does not read as it was written"):
        text.written([], {"name": "whole"}, [])
