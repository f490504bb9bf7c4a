"""Which session a cell's prompt goes to, from what was written and what the server lists. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agor_jupyter.magics.parse import UsageError

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
        for option in options:
            if option.get("kind") == kind:
                return str(option["option_id"]), {}
    for option in options:
        if choice in (option.get("option_id"), option.get("name")):
            return str(option["option_id"]), {}
    if questions:
        return None, {str(questions[0]["question"]): choice}
    names = ", ".join(str(option.get("name")) for option in options)
    raise UsageError(f"{choice!r} is no answer to this. It can be: allow, always, reject ({names}).")


_WORDS = {
    "allow": ("allow_once", "allow_always"),
    "yes": ("allow_once", "allow_always"),
    "always": ("allow_always",),
    "reject": ("reject_once", "reject_always"),
    "no": ("reject_once", "reject_always"),
    "deny": ("reject_once", "reject_always"),
}
