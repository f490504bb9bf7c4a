"""Which session a cell's prompt goes to, from what was written and what the server lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agor_jupyter.magics.parse import UsageError
from agor_jupyter.transcripts.answering import own_names

Record = Mapping[str, Any]


def find(wanted: str, records: Sequence[Record], noun: str, label: str) -> Record:
    """Find a record by its id, a unique beginning of its id, or its label (`title`, `name`).

    Raises `UsageError` when none or more than one fits.
    """
    exact = [record for record in records if wanted in (record["id"], record.get(label))]
    if len(exact) == 1:
        return exact[0]
    lower = wanted.lower()
    loose = exact or [
        record
        for record in records
        if str(record["id"]).startswith(wanted)
        or str(record["id"]).partition("_")[2].startswith(wanted)
        or str(record.get(label, "")).lower().startswith(lower)
    ]
    if len(loose) == 1:
        return loose[0]
    if not loose:
        raise UsageError(f"There is no {noun} {wanted!r}. See `%agor sessions` and `%agor status`.")
    names = ", ".join(f"{record['id']} ({record.get(label)})" for record in loose[:4])
    raise UsageError(f"More than one {noun} begins with {wanted!r}: {names}.")


_TRANSCRIPT = re.compile(r"-([0-9a-z]{8})(?:-\d+)?\.agor\.ipynb$")


def transcript_session(notebook: str, sessions: Sequence[Record]) -> str | None:
    """Name the session whose transcript a notebook's path is, by the id at the end of its name."""
    match = _TRANSCRIPT.search(notebook)
    found = [str(session["id"]) for session in sessions if match and session["id"].endswith(match[1])]
    return found[0] if len(found) == 1 else None


def recorded_task(cell_id: str | None) -> str | None:
    """Name the task whose turn a transcript's cell shows."""
    return cell_id.removeprefix("agor-") if cell_id and cell_id.startswith("agor-task_") else None


def option_for(choice: str, request: Record) -> tuple[str | None, dict[str, str]]:
    """Turn a person's word into an option's id, or into the answer of a question.

    Raises `UsageError` when the request has no such option.
    """
    options: list[Record] = list(request.get("options") or [])
    questions: list[Record] = list(request.get("questions") or [])
    kinds = _WORDS.get(choice.lower(), ())
    for kind in kinds:
        fitting = [option for option in options if option.get("kind") == kind]
        if len(fitting) > 1:
            raise UsageError(f"{choice!r} can mean more than one thing here: {_named(fitting)}.")
        if fitting:
            return str(fitting[0]["option_id"]), {}
    for option in options:
        if choice in (option.get("option_id"), option.get("name")):
            return str(option["option_id"]), {}
    if questions:
        return None, answers_for([choice], questions)
    if own_names({**request, "options": options}):
        raise UsageError(f"{choice!r} is no answer to this. It can be: {_named(options)}.")
    names = ", ".join(str(option.get("name")) for option in options)
    raise UsageError(f"{choice!r} is no answer to this. It can be: allow, always, reject ({names}).")


def _named(options: Sequence[Record]) -> str:
    return ", ".join(f"{option.get('option_id')} ({option.get('name')})" for option in options)


@dataclass(frozen=True)
class Given:
    """An answer as the server takes it."""

    option_id: str | None
    answers: dict[str, str]
    message: str = ""


def answer_for(words: Sequence[str], request: Record) -> Given:
    """Turn what stands behind the request into an answer: an option and a message, or words for questions.

    Raises `UsageError` when it does not fit.
    """
    questions: list[Record] = list(request.get("questions") or [])
    if questions and not request.get("options"):
        return Given(None, answers_for(words, questions))
    option, answers = option_for(words[0], request)
    return Given(option, answers, " ".join(words[1:]))


def answers_for(words: Sequence[str], questions: Sequence[Record]) -> dict[str, str]:
    """Give each question its answer: by name (`NAME=TEXT`), the others in the order they were asked.

    A name is a question's header, its words or its number, however it is capitalised; what names none is
    text. A single question needs no name: all words are its answer. Raises `UsageError` unless all have one.
    """
    single = len(questions) == 1
    found: dict[str, str] = {}
    free: list[str] = []
    for word in [" ".join(words)] if single else words:
        name, equals, text = word.partition("=")
        question = _called(name, questions) if equals and not single else None
        if question is None:
            free.append(word)
        elif question in found:
            raise UsageError(f"{question!r} is answered twice.")
        else:
            found[question] = text
    asked = [str(question["question"]) for question in questions]
    left = [question for question in asked if question not in found]
    if len(free) > len(left):
        raise UsageError(f"More answers than questions ({len(asked)}): quote an answer that has spaces.")
    found |= zip(left, free, strict=False)
    missing = [question for question in asked if not found.get(question, "").strip()]
    if missing:
        raise UsageError(f"Not answered: {', '.join(map(repr, missing))}. Answer all questions in one line.")
    return found


def _called(name: str, questions: Sequence[Record]) -> str | None:
    wanted = name.strip().casefold()
    fitting = [
        str(question["question"])
        for number, question in enumerate(questions, 1)
        if wanted in (str(number), *(str(question.get(key, "")).casefold() for key in ("question", "header")))
    ]
    return fitting[0] if wanted and len(fitting) == 1 else None


_WORDS = {
    "allow": ("allow_once", "allow_always"),
    "yes": ("allow_once", "allow_always"),
    "always": ("allow_always",),
    "reject": ("reject_once", "reject_always"),
    "no": ("reject_once", "reject_always"),
    "deny": ("reject_once", "reject_always"),
}
