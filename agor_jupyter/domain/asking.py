"""Whether an answer answers all that was asked, and with what was offered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from agor_jupyter.domain.content import Question
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest

ANSWER_CHARS = 20_000
"""The longest answer to a question."""
NAMED = 80
"""How much of a question an error repeats; its field `missing` has all of it."""
MOST_NAMED = 20
MOST_TAKEN = 300
"""How many choices one answer takes at most."""


def unanswered(questions: Sequence[Question], answers: Mapping[str, str]) -> tuple[str, ...]:
    """List the questions without an answer, in the order asked. Blank words are none."""
    return tuple(each.question for each in questions if not answers.get(each.question, "").strip())


def taken(choices: Collection[str], given: str) -> tuple[list[str], str]:
    """Read which of `choices` an answer takes, at most `MOST_TAKEN`, and what of it is none of them.

    Several come joined by commas, which may stand in a choice too: the longest that fits is meant.
    Who asks and who answers are not trusted with our time: each step looks once at each length of a choice.
    """
    known = {choice for choice in choices if choice}
    lengths = sorted({len(choice) for choice in known}, reverse=True)
    found: list[str] = []
    rest = given.strip()
    while rest and len(found) < MOST_TAKEN:
        fitting = (rest[:end] for end in lengths if rest[end : end + 1] in ("", ",") and rest[:end] in known)
        choice = next(fitting, "")
        if not choice:
            break
        found.append(choice)
        rest = rest[len(choice) :].lstrip(",").strip()
    return found, rest


def fits(question: Question, answer: str) -> bool:
    """Say whether an answer is one that the question offers: a choice, or any words where those will do."""
    choices = [choice.strip() for choice in question.choices]
    if question.own or not choices or answer.strip() in choices:
        return True
    return question.multiple and not taken(choices, answer)[1]


def check_whole(request: PermissionRequest, option_id: str | None, answers: Mapping[str, str]) -> None:
    """Raise `Unprocessable` unless each question is answered: an answer is given once, so it is whole.

    Where a question takes no words of the person's own, its answer is one of the choices.

    Who rejects need answer nothing.
    """
    kind = next((option.kind for option in request.options if option.option_id == option_id), "")
    if kind.startswith("reject"):
        return
    missing = unanswered(request.questions, answers)
    if missing:
        named = ", ".join(f"“{_short(question)}”" for question in missing)
        raise Unprocessable(
            f"Not answered yet: {named}.",
            hint="A request is answered once: answer all its questions together.",
            missing=list(missing),
        )
    for question in request.questions:
        _check_one(question, answers[question.question])


def _check_one(question: Question, answer: str) -> None:
    if len(answer) > ANSWER_CHARS:
        raise Unprocessable(
            f"The answer to “{_short(question.question)}” is too long.",
            hint=f"An answer has at most {ANSWER_CHARS:,} characters.",
            unfit=question.question,
        )
    if not fits(question, answer):
        shown = ", ".join(f"“{_short(choice)}”" for choice in question.choices[:MOST_NAMED])
        more = ", …" if len(question.choices) > MOST_NAMED else ""
        raise Unprocessable(
            f"“{_short(answer)}” is none of the choices of “{_short(question.question)}”.",
            hint=f"Choose {'among' if question.multiple else 'one of'}: {shown}{more}.",
            unfit=question.question,
        )


def _short(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= NAMED else f"{line[:NAMED]}…"
