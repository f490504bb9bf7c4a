"""An answer is whole or it is none."""

from __future__ import annotations

import pytest

from agor_jupyter.domain.asking import check_whole, unanswered
from agor_jupyter.domain.content import PermissionOption, Question
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId

WHICH, WHY = Question(question="Which?"), Question(question="Why?")
OPTIONS = (
    PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
    PermissionOption(option_id="no", name="No", kind="reject_once"),
)


def asked(*questions: Question, options: tuple[PermissionOption, ...] = ()) -> PermissionRequest:
    return PermissionRequest(
        request_id=RequestId("req_1"), title="Ask", questions=questions, options=options, digest="d"
    )


@pytest.mark.parametrize(
    ("answers", "missing"),
    [
        ({}, ("Which?", "Why?")),
        ({"Which?": "a"}, ("Why?",)),
        ({"Why?": " \n", "Which?": "a"}, ("Why?",)),
        ({"Why?": "so", "Which?": "a", "more": ""}, ()),
    ],
)
def test_what_has_no_answer(answers: dict[str, str], missing: tuple[str, ...]) -> None:
    assert unanswered((WHICH, WHY), answers) == missing


def test_an_incomplete_answer_names_what_is_missing() -> None:
    with pytest.raises(Unprocessable) as caught:
        check_whole(asked(WHICH, Question(question="W" * 500)), None, {"Which?": "a"})
    assert caught.value.fields["missing"] == ["W" * 500]
    assert len(caught.value.detail) < 150
    check_whole(asked(WHICH, WHY), None, {"Which?": "a", "Why?": "so"})


def test_who_rejects_answers_nothing() -> None:
    request = asked(WHICH, options=OPTIONS)
    check_whole(request, "no", {})
    with pytest.raises(Unprocessable):
        check_whole(request, "yes", {})
    check_whole(asked(options=OPTIONS), "yes", {})
