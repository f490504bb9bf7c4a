"""What a line says of an answer that was given."""

from __future__ import annotations

from typing import Any

import pytest

from agor_jupyter.transcripts.answering import told

KINDS = ("allow_once", "allow_always", "reject_once", "reject_always")
ASKED: dict[str, Any] = {
    "title": "Run the tests",
    "kind": "execute",
    "input": {"command": "npm test\n"},
    "options": [{"option_id": kind, "name": kind.upper(), "kind": kind} for kind in KINDS],
}
TWICE = [{"option_id": name, "name": f"Yes, {name}", "kind": "allow_once"} for name in ("freely", "slowly")]


@pytest.mark.parametrize(
    ("asked", "option", "said"),
    [
        ({}, "allow_once", "Allowed once: `npm test`"),
        ({}, "allow_always", "Allowed always: `npm test`"),
        ({}, "reject_once", "Rejected: `npm test`"),
        ({}, "reject_always", "Rejected always: `npm test`"),
        ({"input": {"command": "make\nmake install"}}, "allow_once", "Allowed once: Run the tests"),
        ({"kind": "edit", "title": "Write\n a.py"}, "allow_once", "Allowed once: Write a.py"),
        ({"kind": "edit", "title": "The plan", "options": TWICE}, "freely", "Chose “Yes, freely”: The plan"),
    ],
)
def test_it_says_what_was_done_to_what(asked: dict[str, Any], option: str, said: str) -> None:
    assert told({**ASKED, **asked}, option, {}) == said


def test_it_says_why_and_what_was_answered() -> None:
    assert told(ASKED, "reject_once", {}, "not\nnow") == "Rejected: `npm test` “not now”"
    answers = {"Which?": "blue", "Why?": "it is calm"}
    assert told({"questions": [{}]}, None, answers) == "Answered “Which?”: blue · Answered “Why?”: it is calm"
