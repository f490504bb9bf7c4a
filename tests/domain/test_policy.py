"""The policy table: every mode against every kind of request."""

from __future__ import annotations

import pytest

from agor_jupyter.domain.content import Mode, Question, ToolKind, ToolLocation
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.policy import Allow, AlwaysRule, Ask, Deny, Policy, decide, subject_of

ROOT = "/w/tree"


def request(
    kind: ToolKind, *paths: str, command: str = "", questions: tuple[Question, ...] = ()
) -> PermissionRequest:
    return PermissionRequest(
        request_id=RequestId("req_1"),
        title="do it",
        kind=kind,
        input={"command": command} if command else {},
        locations=tuple(ToolLocation(path=path) for path in paths),
        questions=questions,
        digest="0",
    )


INSIDE, OUTSIDE = "/w/tree/a.py", "/w/tree-2/a.py"

TABLE: list[tuple[Mode, ToolKind, str, type]] = [
    ("ask", "read", INSIDE, Allow),
    ("ask", "read", OUTSIDE, Ask),
    ("ask", "search", INSIDE, Allow),
    ("ask", "edit", INSIDE, Ask),
    ("ask", "execute", INSIDE, Ask),
    ("ask", "fetch", INSIDE, Ask),
    ("accept_edits", "edit", INSIDE, Allow),
    ("accept_edits", "edit", OUTSIDE, Ask),
    ("accept_edits", "edit", "/w/tree/../secret", Ask),
    ("accept_edits", "delete", INSIDE, Ask),
    ("accept_edits", "execute", INSIDE, Ask),
    ("plan", "read", INSIDE, Allow),
    ("plan", "edit", INSIDE, Deny),
    ("plan", "execute", INSIDE, Deny),
    ("plan", "switch_mode", INSIDE, Ask),
    ("full_auto", "execute", OUTSIDE, Allow),
    ("full_auto", "switch_mode", INSIDE, Ask),
]


@pytest.mark.parametrize(("mode", "kind", "path", "expected"), TABLE)
def test_decision(mode: Mode, kind: ToolKind, path: str, expected: type) -> None:
    assert isinstance(decide(request(kind, path), Policy(mode=mode, worktree=ROOT)), expected)


def test_an_edit_that_names_no_file_is_asked_for() -> None:
    assert isinstance(decide(request("edit"), Policy(mode="accept_edits", worktree=ROOT)), Ask)


def test_a_question_is_always_a_persons_to_answer() -> None:
    asked = request("other", questions=(Question(question="Which?"),))
    assert isinstance(decide(asked, Policy(mode="full_auto", worktree=ROOT)), Ask)


def test_always_means_this_command_and_no_other() -> None:
    policy = Policy(mode="ask", worktree=ROOT, always=(AlwaysRule(kind="execute", subject="make test"),))
    assert isinstance(decide(request("execute", command="make test"), policy), Allow)
    assert isinstance(decide(request("execute", command="make test; rm -rf /"), policy), Ask)


def test_always_edit_stays_inside_the_worktree() -> None:
    policy = Policy(mode="ask", worktree=ROOT, always=(AlwaysRule(kind="edit", subject=""),))
    assert isinstance(decide(request("edit", INSIDE), policy), Allow)
    assert isinstance(decide(request("edit", OUTSIDE), policy), Ask)


def test_always_covers_only_what_was_seen() -> None:
    """A title is shortened, and a long command was clipped: only the digest names all of it."""
    cases: list[tuple[ToolKind, str]] = [("fetch", ""), ("other", ""), ("execute", "x" * 3000)]
    for kind, command in cases:
        seen = request(kind, command=command)
        policy = Policy(worktree=ROOT, always=(AlwaysRule(kind=seen.kind, subject=subject_of(seen)),))
        assert isinstance(decide(seen, policy), Allow)
        other = seen.model_copy(update={"digest": "another"})
        assert isinstance(decide(other, policy), Ask)
