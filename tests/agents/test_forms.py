"""Forms of MCP servers as questions, and a person's answers as what the server takes: tables."""

from __future__ import annotations

from typing import Any

import pytest

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.forms import DECLINE, MOST_CHARACTERS, MOST_FIELDS, MOST_SHOWN, Outcome, form_of
from agor_jupyter.domain.ids import RequestId

TITLED = {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "b", "title": "Blue"}]}
MANY = {"type": "array", "items": {"type": "string", "enum": ["a", "a, b", "c"]}}


def outcome(schema: dict[str, Any], answer: str, *, required: bool = True) -> Outcome:
    form = form_of("s", "?", {"properties": {"x": schema}, "required": ["x"] if required else []})
    return form.outcome(Decision(outcome="selected", answers={"x": answer}))


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        ({"type": "string"}, " words ", "words"),
        ({"type": "integer"}, "3", 3),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "boolean"}, "yes", True),
        ({"type": "boolean"}, "no", False),
        ({"type": "boolean"}, "true", True),
        ({"type": "string", "enum": ["red", "blue"]}, "blue", "blue"),
        ({"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "Blue"]}, "Blue", "b"),
        ({"type": "string", "enum": ["r", "b"], "enumNames": ["Red", "Blue"]}, "b", "b"),
        (TITLED, "Red", "r"),
        (MANY, "a, b, c", ["a, b", "c"]),
        (MANY, "a", ["a"]),
    ],
)
def test_an_answer_gets_its_type(schema: dict[str, Any], answer: str, value: object) -> None:
    found = outcome(schema, answer)
    assert found == Outcome("accept", {"x": value})
    assert type(found.content["x"]) is type(value)


@pytest.mark.parametrize(
    ("schema", "answer", "words"),
    [
        ({"type": "integer"}, "2.5", "a whole number"),
        ({"type": "number"}, "many", "a number"),
        ({"type": "number"}, "nan", "a number"),
        ({"type": "number"}, "inf", "a number"),
        ({"type": "number"}, "-inf", "a number"),
        ({"type": "integer", "minimum": 1}, "0", "less than 1"),
        ({"type": "integer", "maximum": 9}, "10", "more than 9"),
        ({"type": "boolean"}, "perhaps", "yes or no"),
        ({"type": "string", "enum": ["red"]}, "green", "none of the choices"),
        (MANY, "a, d", "none of the choices"),
        ({"type": "string", "minLength": 3}, "ab", "at least 3"),
        ({"type": "string", "maxLength": 1}, "ab", "at most 1"),
        ({"type": "string"}, "", "needed"),
    ],
)
def test_what_does_not_fit_is_said_and_asked_again(schema: dict[str, Any], answer: str, words: str) -> None:
    (problem,) = outcome(schema, answer).problems
    assert words in problem
    form = form_of("s", "Why", {"properties": {"x": schema}})
    again = form.request(RequestId("req_2"), None, (problem,))
    assert problem in again.description


@pytest.mark.parametrize("answer", ["", "-"])
def test_a_field_that_is_not_needed_may_be_left_out(answer: str) -> None:
    assert outcome({"type": "integer"}, answer, required=False) == Outcome("accept", {})
    assert outcome({"type": "integer", "default": 5}, answer, required=False).content == {"x": 5}
    form = form_of("s", "?", {"properties": {"x": {"type": "boolean", "default": True}}})
    assert form.questions[0].choices == ("yes", "no", "-")
    assert "x (it is then yes)" in form.request(RequestId("req_1"), None).description


def test_no_is_no_and_withdrawn_is_a_cancel() -> None:
    form = form_of("s", "?", {"properties": {"x": {"type": "string"}}})
    assert form.request(RequestId("req_1"), None).options == (DECLINE,)
    declined = Decision(outcome="selected", option_id=DECLINE.option_id, answers={"x": "words"})
    assert form.outcome(declined).action == "decline"
    assert form.outcome(Decision(outcome="selected")).action == "decline"
    assert form.outcome(Decision(outcome="cancelled", answers={"x": "words"})).action == "cancel"


def test_a_form_without_fields_asks_for_a_yes() -> None:
    form = form_of("s", "Delete all?", {"type": "object", "properties": {}})
    (question,) = form.questions
    assert (question.question, question.choices) == ("Delete all?", ("yes", "no"))
    for answer, action in (("yes", "accept"), ("no", "decline")):
        decision = Decision(outcome="selected", answers={"Delete all?": answer})
        assert form.outcome(decision).action == action


def test_two_fields_that_ask_the_same_are_told_apart() -> None:
    same = {"type": "string", "description": "Name?"}
    form = form_of("s", "?", {"properties": {"first": same, "last": same}, "required": ["first", "last"]})
    assert [item.question for item in form.questions] == ["Name?", "Name? [last]"]
    given = Decision(outcome="selected", answers={"Name?": "Ann", "Name? [last]": "Lee"})
    assert form.outcome(given).content == {"first": "Ann", "last": "Lee"}


def test_what_is_no_form_breaks_nothing() -> None:
    for schema in (None, 3, {"properties": 3}, {"properties": {"x": 3}, "required": 3}):
        assert form_of("s", "Go?", schema).fields == ()


def test_the_digest_is_of_the_whole_form() -> None:
    one = form_of("s", "?", {"properties": {"x": {"type": "string", "maxLength": 1}}})
    two = form_of("s", "?", {"properties": {"x": {"type": "string", "maxLength": 2}}})
    assert one.request(RequestId("r"), None).digest != two.request(RequestId("r"), None).digest


def test_a_form_that_nobody_would_read_is_too_big() -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(MOST_FIELDS)}
    assert not form_of("s", "?", {"properties": fields}).too_big
    assert form_of("s", "?", {"properties": {**fields, "more": {"type": "string"}}}).too_big
    assert form_of("s", "x" * (MOST_CHARACTERS + 1), {"properties": {}}).too_big
    many = form_of("s", "?", {"properties": {f"f{number}": {} for number in range(100_000)}})
    assert (many.too_big, len(many.fields)) == (True, MOST_FIELDS + 1)


SPACED = {"type": "string", "enum": ["", " a", "a", "a ", "-", "b", "b"]}


def test_every_choice_can_be_chosen() -> None:
    """Answers are read without the spaces around them: what differs by those alone is told apart."""
    form = form_of("s", "?", {"properties": {"x": SPACED}})
    (question,) = form.questions
    assert question.choices == ("(empty)", "a", "a [2]", "a [3]", "- [2]", "b", "-")
    for choice, value in zip(question.choices, ["", " a", "a", "a ", "-", "b"], strict=False):
        given = Decision(outcome="selected", answers={"x": choice})
        assert form.outcome(given).content == {"x": value}
    needed = form_of("s", "?", {"properties": {"x": SPACED}, "required": ["x"]})
    assert "-" in needed.questions[0].choices
    assert needed.outcome(Decision(outcome="selected", answers={"x": "-"})).content == {"x": "-"}


def test_several_empty_choices_of_a_list_are_each_their_own() -> None:
    many = {"type": "array", "items": {"type": "string", "enum": [" a", "a, b", "a"]}}
    form = form_of("s", "?", {"properties": {"x": many}, "required": ["x"]})
    given = Decision(outcome="selected", answers={"x": ", ".join(form.questions[0].choices)})
    assert form.outcome(given).content == {"x": [" a", "a, b", "a"]}


def test_long_questions_and_choices_are_clipped_and_stay_apart() -> None:
    long = "q" * 3000
    fields = {name: {"type": "string", "description": long + name} for name in ("n" * 400, "n" * 401, "m")}
    fields["c"] = {"type": "string", "enum": [long + "1", long + "2"]}
    form = form_of("s", "?", {"properties": fields, "required": list(fields)})
    asked = [item.question for item in form.questions]
    assert len(set(asked)) == 4 and all(len(text) <= MOST_SHOWN + 70 for text in asked) and "…" in asked[0]
    choice = form.questions[3].choices[1]
    assert len(choice) < MOST_SHOWN + 10
    answers = dict(zip(asked, ["one", "two", "three", choice], strict=True))
    given = form.outcome(Decision(outcome="selected", answers=answers))
    assert list(given.content.values()) == ["one", "two", "three", long + "2"]


def test_a_question_without_words_has_a_name() -> None:
    form = form_of("s", " ", {"properties": {"": {"type": "string", "description": "  "}}, "required": [""]})
    assert [item.question for item in form.questions] == ["(empty)"]
    assert form.outcome(Decision(outcome="selected", answers={"(empty)": "x"})).content == {"": "x"}
    assert form_of("s", " ", None).questions[0].question == "Go on?"


def test_a_form_begins_by_saying_where_the_answers_go() -> None:
    form = form_of("web\n pages", "All is secret.\nYour password?", {"properties": {"x": {"type": "string"}}})
    first, *rest = form.request(RequestId("r"), None).description.splitlines()
    assert "the server web pages: no passwords" in first and "log" in first
    assert rest[:2] == ["All is secret.", "Your password?"]
    assert form_of("web", "Go?", None).request(RequestId("r"), None).description == "Go?"
