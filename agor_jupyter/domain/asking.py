"""Whether an answer answers all that was asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agor_jupyter.domain.content import Question
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest

NAMED = 80
"""How much of a question an error repeats; its field `missing` has all of it."""


def unanswered(questions: Sequence[Question], answers: Mapping[str, str]) -> tuple[str, ...]:
    """List the questions without an answer, in the order asked. Blank words are none."""
    return tuple(each.question for each in questions if not answers.get(each.question, "").strip())


def check_whole(request: PermissionRequest, option_id: str | None, answers: Mapping[str, str]) -> None:
    """Raise `Unprocessable` unless each question is answered: an answer is given once, so it is whole.

    Who rejects need answer nothing.
    """
    kind = next((option.kind for option in request.options if option.option_id == option_id), "")
    missing = () if kind.startswith("reject") else unanswered(request.questions, answers)
    if missing:
        named = ", ".join(f"“{_short(question)}”" for question in missing)
        raise Unprocessable(
            f"Not answered yet: {named}.",
            hint="A request is answered once: answer all its questions together.",
            missing=list(missing),
        )


def _short(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= NAMED else f"{line[:NAMED]}…"
