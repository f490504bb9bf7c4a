"""The policy answers what it may, a person the rest, and each request once."""

from __future__ import annotations

import pytest

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import Mode, PermissionOption, Question, TextContent, ToolKind, ToolLocation
from agor_jupyter.domain.errors import AlreadyAnswered
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.policy import Policy
from agor_jupyter.runner.approvals import MOST_OPEN, TOO_MANY, Approvals, shown_whole

OPTIONS = (
    PermissionOption(option_id="yes", name="Allow", kind="allow_once"),
    PermissionOption(option_id="ever", name="Always", kind="allow_always"),
    PermissionOption(option_id="no", name="Reject", kind="reject_once"),
)
ALLOW = Decision(outcome="selected", option_id="yes")
ALWAYS = Decision(outcome="selected", option_id="ever")


def request(number: int, kind: ToolKind = "execute", **more: object) -> PermissionRequest:
    base = PermissionRequest(
        request_id=RequestId(f"req_{number}"),
        title="make",
        kind=kind,
        input={"command": "make"},
        locations=(ToolLocation(path="/w/a"),),
        options=OPTIONS,
        digest="d",
    )
    return base.model_copy(update=more)


def approvals(mode: Mode) -> Approvals:
    return Approvals(Policy(mode=mode, worktree="/w"))


@pytest.mark.parametrize(
    ("mode", "kind", "option"),
    [
        ("ask", "execute", None),
        ("ask", "read", "yes"),
        ("accept_edits", "edit", "yes"),
        ("accept_edits", "execute", None),
        ("plan", "edit", "no"),
        ("full_auto", "execute", "yes"),
    ],
)
def test_the_policy_answers_by_its_option(mode: Mode, kind: ToolKind, option: str | None) -> None:
    found = approvals(mode).ask(request(1, kind))
    if option is None:
        assert found is None
    else:
        assert found is not None
        assert found.resolved.by == "policy"
        assert found.resolved.option_id == found.decision.option_id == option
        assert bool(found.resolved.message) == (option == "no")


def test_a_question_waits_in_every_mode() -> None:
    asked = request(1, "other", questions=(Question(question="Which?"),))
    assert approvals("full_auto").ask(asked) is None


def test_always_holds_for_the_same_command_only() -> None:
    here = approvals("ask")
    assert here.ask(request(1)) is None
    assert here.answer(RequestId("req_1"), ALWAYS, by="robin") is not None
    again = here.ask(request(2))
    assert again is not None
    assert again.resolved.option_id == "yes"  # one rule of ours, not one more of the agent's
    assert here.ask(request(3, input={"command": "make install"})) is None


def test_once_makes_no_rule() -> None:
    here = approvals("ask")
    here.ask(request(1))
    here.answer(RequestId("req_1"), ALLOW, by="robin")
    assert here.ask(request(2)) is None


def test_a_second_answer_names_the_first() -> None:
    here = approvals("ask")
    here.ask(request(1))
    here.answer(RequestId("req_1"), ALLOW, by="robin")
    with pytest.raises(AlreadyAnswered) as caught:
        here.answer(RequestId("req_1"), ALWAYS, by="kim")
    assert caught.value.fields == {"by": "robin", "option_id": "yes"}


def test_the_same_answer_again_is_nothing_new() -> None:
    here = approvals("ask")
    here.ask(request(1))
    assert here.answer(RequestId("req_1"), ALWAYS, by="robin") is not None
    assert here.answer(RequestId("req_1"), ALWAYS, by="robin") is None
    assert len(here.policy.always) == 1


def test_what_nobody_asked_is_ignored() -> None:
    assert approvals("ask").answer(RequestId("req_9"), ALLOW, by="robin") is None


def test_a_withdrawn_request_is_closed_once() -> None:
    here = approvals("ask")
    here.ask(request(1))
    found = here.withdraw(RequestId("req_1"))
    assert found is not None
    assert (found.outcome, found.by) == ("cancelled", "agent")
    assert here.withdraw(RequestId("req_1")) is None
    assert here.answer(RequestId("req_1"), ALLOW, by="robin") is None  # too late: ignored


def test_the_mode_counts_from_the_next_request_on() -> None:
    here = approvals("ask")
    assert here.ask(request(1)) is None
    here.set_mode("full_auto")
    assert list(here.open) == ["req_1"]
    assert here.ask(request(2)) is not None


def test_what_is_asked_is_shown_whole() -> None:
    """A person must see the address, the arguments, the command: a title is short."""
    asked = request(1, "fetch", input={"url": "https://example.org/?q=1", "prompt": "Sum it up"})
    (content,) = shown_whole(asked).content
    assert isinstance(content, TextContent)
    assert "https://example.org/?q=1" in content.text and "Sum it up" in content.text
    (command,) = shown_whole(request(1, "execute", input={"command": "make all\nmake test"})).content
    assert isinstance(command, TextContent) and command.text == "make all\nmake test"
    long = shown_whole(request(1, "execute", input={"command": "x" * 9000})).content[0]
    assert isinstance(long, TextContent) and long.truncated == 1000
    same = request(1)
    assert shown_whole(same) is same


def test_what_nobody_could_read_is_rejected() -> None:
    found = approvals("ask")
    assert [found.ask(request(number)) for number in range(MOST_OPEN)] == [None] * MOST_OPEN
    rejected = found.ask(request(1000))
    assert rejected is not None
    assert (rejected.decision.option_id, rejected.decision.message) == ("no", TOO_MANY)
    question = found.ask(request(1001, "other", options=(), questions=(Question(question="Which?"),)))
    assert question is not None
    assert question.decision.outcome == "cancelled"
    assert len(found.open) == MOST_OPEN
    assert found.answer(RequestId("req_1"), ALLOW, by="ann") is not None
    assert found.ask(request(1002)) is None
