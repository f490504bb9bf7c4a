"""An answer is whole or it is none."""

from __future__ import annotations

import pytest

from agor_jupyter.domain.asking import ANSWER_CHARS, MOST_TAKEN, check_whole, taken, unanswered
from agor_jupyter.domain.content import PermissionOption, Question
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.domain.ids import RequestId

RED = ("red", "blue", "red, dark")
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


@pytest.mark.parametrize(
    ("question", "answer", "fits"),
    [
        (Question(question="Which?", choices=RED), "blue", True),
        (Question(question="Which?", choices=RED), " red, dark ", True),
        (Question(question="Which?", choices=RED), "green", False),
        (Question(question="Which?", choices=RED), "red, blue", False),
        (Question(question="Which?", choices=RED, own=True), "green, as grass", True),
        (Question(question="Which?", choices=RED, multiple=True), "red, dark, blue", True),
        (Question(question="Which?", choices=RED, multiple=True), "blue,red", True),
        (Question(question="Which?", choices=RED, multiple=True), "blue, green", False),
        (Question(question="Which?", choices=RED, multiple=True, own=True), "blue, green", True),
        (Question(question="Which?", choices=("", "a"), multiple=True), ",b", False),
        (WHICH, "anything", True),
        (WHICH, "x" * ANSWER_CHARS, True),
        (WHICH, "x" * (ANSWER_CHARS + 1), False),
        (Question(question="Which?", choices=RED, own=True), "x" * (ANSWER_CHARS + 1), False),
    ],
)
def test_words_of_ones_own_are_taken_where_they_will_do(question: Question, answer: str, fits: bool) -> None:
    given = {"Which?": answer}
    if fits:
        check_whole(asked(question), None, given)
        return
    with pytest.raises(Unprocessable) as caught:
        check_whole(asked(question, options=OPTIONS), None, given)
    assert caught.value.fields["unfit"] == "Which?"
    assert len(caught.value.detail) < 250
    check_whole(asked(question, options=OPTIONS), "no", given)


def test_what_an_answer_may_cost_is_bounded() -> None:
    found, rest = taken(("a", "b"), "a," * 5000)
    assert (found, rest.startswith("a,a")) == (["a"] * MOST_TAKEN, True)
    with pytest.raises(Unprocessable):
        check_whole(
            asked(Question(question="Which?", choices=RED, multiple=True)), None, {"Which?": "red," * 999}
        )


def test_an_unfit_answer_names_the_choices_as_far_as_anybody_reads() -> None:
    many = Question(question="Which?", choices=tuple(f"choice {number} {'x' * 200}" for number in range(99)))
    with pytest.raises(Unprocessable) as caught:
        check_whole(asked(many), None, {"Which?": "none"})
    assert "choice 19" in caught.value.hint and "choice 20" not in caught.value.hint


def test_choices_are_described_one_by_one() -> None:
    long = Question(question="?", choices=("a", "b"), descriptions=("x" * 1000, "two\n  lines"))
    assert [len(each) for each in long.descriptions] == [500, 9]
    assert long.descriptions[1] == "two lines"
    # What only says the choice again says nothing.
    assert Question(question="?", choices=("a", "b"), descriptions=(" a", "")).descriptions == ()
    for wrong in (("only one",), ("one", "two", "three")):
        with pytest.raises(ValueError, match="give each choice its own"):
            Question(question="?", choices=("a", "b"), descriptions=wrong)


def test_a_question_of_an_older_log_is_read() -> None:
    older = Question.model_validate({"question": "?", "header": "", "choices": ["a"], "multiple": False})
    assert (older.descriptions, older.own) == ((), False)
