"""What may be written after `%agor` and `%%agor`, and what it means."""

from __future__ import annotations

import pytest

from agor_jupyter.magics import choose
from agor_jupyter.magics.complete import complete
from agor_jupyter.magics.parse import (
    VERBS,
    Answer,
    CellOptions,
    Connect,
    Help,
    Open,
    Sessions,
    Status,
    UsageError,
    parse_cell,
    parse_line,
)
from agor_jupyter.magics.transform import transform


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Help()),
        ("help", Help()),
        ("status", Status()),
        ("sessions", Sessions()),
        ("open Fix the parser", Open("Fix the parser")),
        ("connect http://h/ tok", Connect("http://h/", "tok")),
        ("connect http://h/?token=x", Connect("http://h/?token=x", "")),
        ("answer req_1 allow", Answer("req_1", ("allow",))),
        ('answer req_1 reject "not {now} $x"', Answer("req_1", ("reject", "not {now} $x"))),
    ],
)
def test_lines(line: str, command: object) -> None:
    assert parse_line(line) == command


@pytest.mark.parametrize(
    "line", ["stats", "open", "status now", "connect", "connect a b c", "answer r", "open 'x"]
)
def test_lines_that_cannot_be_read(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_line(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", CellOptions()),
        ("ses_1", CellOptions(session="ses_1")),
        ("'Fix the parser' --mode plan", CellOptions(session="Fix the parser", mode="plan")),
        ("-w fix --agent demo", CellOptions(worktree="fix", agent="demo")),
        (
            "--worktree=fix -a=demo --mode=full_auto",
            CellOptions(worktree="fix", agent="demo", mode="full_auto"),
        ),
    ],
)
def test_cells(line: str, options: CellOptions) -> None:
    assert parse_cell(line) == options


@pytest.mark.parametrize("line", ["a b", "-w", "--mode", "--mode fast", "--what", "a -w b", "'"])
def test_cells_that_cannot_be_read(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_cell(line)
    assert "\n" not in str(caught.value)


def test_the_async_cell() -> None:
    made = transform(["%%agor -w x\n", "say 'hi' {a} $b\n", "%magic\n"])
    assert len(made) == 1
    assert made[0].startswith("await ")
    compile(made[0].removeprefix("await "), "cell", "exec")
    assert repr("say 'hi' {a} $b\n%magic\n") in made[0]
    for other in (["x = 1\n"], ["%%agorx\n"], ["%%agor?\n"], ["%%agor ?\n"], [], ["%agor status\n"]):
        assert transform(other) == other
    assert transform(["%%agor\n"])[0].startswith("await ")


RECORDS = [
    {"id": "ses_abc1", "title": "Fix the parser"},
    {"id": "ses_abd2", "title": "Write docs"},
    {"id": "ses_xyz3", "title": "Write docs"},
]


def test_find() -> None:
    assert choose.find("ses_abc1", RECORDS, "session", "title")["id"] == "ses_abc1"
    assert choose.find("xyz", RECORDS, "session", "title")["id"] == "ses_xyz3"
    assert choose.find("fix", RECORDS, "session", "title")["id"] == "ses_abc1"
    for wanted in ("ses_ab", "Write docs", "nothing", "write"):
        with pytest.raises(UsageError):
            choose.find(wanted, RECORDS, "session", "title")


def test_transcripts_name_their_session() -> None:
    assert choose.transcript_session("a/wt-title-ses_abc1.agor.ipynb", RECORDS) is None
    records = [{"id": "ses_000000001234abcd"}]
    assert choose.transcript_session("/x/wt-t-1234abcd-2.agor.ipynb", records) == "ses_000000001234abcd"
    assert choose.recorded_task("agor-task_1") == "task_1"
    assert choose.recorded_task("agor-head") is None
    assert choose.recorded_task(None) is None


def test_words_of_an_answer() -> None:
    options = [
        {"option_id": "o1", "name": "Allow once", "kind": "allow_once"},
        {"option_id": "o2", "name": "Reject", "kind": "reject_once"},
    ]
    assert choose.option_for("allow", {"options": options}) == ("o1", {})
    assert choose.option_for("no", {"options": options}) == ("o2", {})
    assert choose.option_for("o2", {"options": options}) == ("o2", {})
    with pytest.raises(UsageError):
        choose.option_for("always", {"options": options})
    question = {"questions": [{"question": "Which?"}]}
    assert choose.option_for("blue", question) == (None, {"Which?": "blue"})


PLAN = {
    "kind": "switch_mode",
    "options": [
        {"option_id": "start_asking", "name": "Start; ask before each edit", "kind": "allow_once"},
        {"option_id": "start_editing", "name": "Start; edit freely", "kind": "allow_once"},
        {"option_id": "stay", "name": "Keep planning", "kind": "reject_once"},
    ],
}
TWO = {"questions": [{"question": "Which colour?", "header": "Colour"}, {"question": "How many?"}]}


def test_a_word_that_means_two_options_chooses_none_of_them() -> None:
    with pytest.raises(UsageError, match=r"start_asking .*start_editing"):
        choose.answer_for(("allow",), PLAN)
    with pytest.raises(UsageError, match=r"stay \(Keep planning\)"):
        choose.answer_for(("always",), PLAN)
    assert choose.answer_for(("start_editing",), PLAN) == choose.Given("start_editing", {})
    assert choose.answer_for(("no", "not", "yet"), PLAN) == choose.Given("stay", {}, "not yet")


@pytest.mark.parametrize(
    "words",
    [
        ("light blue", "3"),
        ("colour=light blue", "3"),
        ("3", "COLOUR=light blue"),
        ("How many?=3", "light blue"),
        ("2=3", "1=light blue"),
    ],
)
def test_several_questions_are_answered_in_their_order_or_by_name(words: tuple[str, ...]) -> None:
    answers = {"Which colour?": "light blue", "How many?": "3"}
    assert choose.answer_for(words, TWO) == choose.Given(None, answers)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("blue",), "How many"),
        (("2=3",), "Which colour"),
        (("blue", " "), "How many"),
        (("light", "blue", "3"), "quote"),
        (("1=blue", "colour=red"), "twice"),
    ],
)
def test_answers_that_do_not_fit_say_why(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose.answer_for(words, TWO)


def test_all_words_are_the_answer_to_a_single_question() -> None:
    asked = {"questions": [{"question": "Which?", "header": "a"}]}
    assert choose.answer_for(("a=b", "or", "c"), asked) == choose.Given(None, {"Which?": "a=b or c"})
    # A text with a sign of equality that names no question is text.
    assert choose.answer_for(("x=1", "y=2"), TWO).answers == {"Which colour?": "x=1", "How many?": "y=2"}


def test_completion() -> None:
    names = {"session": ["ses_1"], "worktree": ["fix"], "agent": ["demo"], "request": ["req_1"]}
    assert complete("%agor ", names) == ("", list(VERBS))
    assert complete("%agor st", names) == ("st", ["status"])
    assert complete("%agor answer ", names) == ("", ["req_1"])
    assert complete("%agor answer req_1 al", names) == ("al", ["allow", "always"])
    assert complete("%%agor --a", names) == ("--a", ["--agent"])
    assert complete("%%agor -w ", names) == ("", ["fix"])
    assert complete("%%agor -w fix --agent d", names) == ("d", ["demo"])
    assert complete("%%agor ses_1 --mode pl", names) == ("pl", ["plan"])
    assert complete("x = %agor", names) is None
    assert complete("%agor", names) is None
