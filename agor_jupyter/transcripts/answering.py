"""How a waiting request can be answered by a line, said in words. Pure, and of the standard library only:
kernels use it too. A request is a mapping with the keys of `PermissionRequest`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agor_jupyter.transcripts.markdown import clean, one_line, plain

Request = Mapping[str, Any]
MOST_LINES = 20
LINE_CHARS = 800
"""Room for a choice and all that is kept of what it means."""


def own_names(request: Request) -> bool:
    """Say whether the options go by their own names: allow, always and reject would not tell them apart.

    So it is where two are of one kind, and where a change of mode (a plan, say) is asked for: there
    *always* would mean something else.
    """
    kinds = [str(option.get("kind")) for option in request.get("options") or ()]
    return bool(kinds) and (len(set(kinds)) < len(kinds) or request.get("kind") == "switch_mode")


def named_options(request: Request) -> list[tuple[str, str]]:
    """List `(what is written, what it means)` of options that go by their own names; else nothing."""
    if not own_names(request):
        return []
    return [
        (shlex.quote(one_line(str(option.get("option_id")))), one_line(str(option.get("name"))))
        for option in request.get("options") or ()
    ]


def remark(request: Request) -> str:
    """Give the first line of what is said with questions: what becomes of the answers, with a form's."""
    said = str(request.get("description") or "").strip()
    return one_line(said.splitlines()[0]) if said and request.get("questions") else ""


def shown_of(request: Request) -> list[str]:
    """Give the lines of what is asked for, a command say: its title may be the agent's own words for it."""
    command = (request.get("input") or {}).get("command")
    if request.get("kind") == "execute" and isinstance(command, str):
        texts = [command]
    else:
        contents = request.get("content") or ()
        texts = [str(each.get("text", "")) for each in contents if each.get("type") == "text"]
    lines = [line for text in texts for line in clean(text).split("\n")]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} lines more: read them in the session."]


def question_lines(question: Request) -> tuple[str, list[str]]:
    """Give a question in a line, and a line for each answer that it offers, with what that means."""
    offered = [one_line(str(choice)) for choice in question.get("choices") or ()]
    told = [one_line(str(each), LINE_CHARS) for each in question.get("descriptions") or ()]
    told += [""] * (len(offered) - len(told))
    lines = [f"{choice}: {about}" if about else choice for choice, about in zip(offered, told, strict=False)]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(offered) - MOST_LINES} more: see them in the session"]
    if offered and question.get("own"):
        lines.append("or something else, in your own words")
    asked = one_line(str(question.get("question", "")))
    return (f"{asked} (one or more, with commas between)" if question.get("multiple") else asked), lines


def question_list(questions: Iterable[Request]) -> Iterator[str]:
    """List in Markdown what is asked, and within each question the answers that it offers."""
    for asked, offered in map(question_lines, questions):
        yield f"- {plain(asked, LINE_CHARS)}"
        yield from (f"  - {plain(line, LINE_CHARS)}" for line in offered)


def choices(request: Request, usual: str = "allow|always|reject") -> str:
    """Name what may stand behind `%agor answer REQUEST`."""
    questions = len(request.get("questions") or ())
    if questions > 1:
        return " ".join(f'"ANSWER {number}"' for number in range(1, questions + 1))
    if questions:
        return "YOUR ANSWER"
    return "|".join(written for written, _ in named_options(request)) or usual


_DONE = {
    "allow_once": "Allowed once",
    "allow_always": "Allowed always",
    "reject_once": "Rejected",
    "reject_always": "Rejected always",
}


def told(request: Request, option_id: str | None, answers: Mapping[str, str], message: str = "") -> str:
    """Say in one line what an answer has done, and to what: a command of one line stands there itself."""
    if option_id is None:
        return " · ".join(
            f"Answered “{one_line(asked)}”: {one_line(text)}" for asked, text in answers.items()
        )
    option: Request = next(
        (each for each in request.get("options") or () if each.get("option_id") == option_id), {}
    )
    name = one_line(str(option.get("name") or option_id))
    done = f"Chose “{name}”" if own_names(request) else _DONE.get(str(option.get("kind")), f"Chose “{name}”")
    lines = [line for line in shown_of(request) if line.strip()] if request.get("kind") == "execute" else []
    what = f"`{lines[0].strip()}`" if len(lines) == 1 else one_line(str(request.get("title", "")))
    return f"{done}: {what}{f' “{one_line(message)}”' if message else ''}"
