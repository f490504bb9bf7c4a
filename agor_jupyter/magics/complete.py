"""Completion of `%agor` and `%%agor` lines. Pure; `magics` registers it with IPython's matcher API."""

from __future__ import annotations

from collections.abc import Mapping

from agor_jupyter.magics.parse import MODES, OPTIONS, VERBS

_AFTER_OPTION = {"worktree": "worktree", "agent": "agent"}
_CHOICES = ["allow", "always", "reject"]

Names = Mapping[str, list[str]]


def complete(line: str, names: Names) -> tuple[str, list[str]] | None:
    """Give the fragment under the cursor and what it may become; None where the line is not ours.

    `line` is the text of the present line up to the cursor; `names` lists `session`, `worktree`,
    `agent` and `request`.
    """
    head, _, rest = line.lstrip().partition(" ")
    if head not in ("%agor", "%%agor") or not line.lstrip().startswith(f"{head} "):
        return None
    words = rest.split()
    fragment = "" if rest == "" or rest.endswith(" ") else words[-1]
    before = words if fragment == "" else words[:-1]
    found = _line(before, names) if head == "%agor" else _cell(before, names)
    return fragment, [item for item in found if item.startswith(fragment)]


def _line(before: list[str], names: Names) -> list[str]:
    match before:
        case []:
            return list(VERBS)
        case ["open"]:
            return names.get("session", [])
        case ["answer"]:
            return names.get("request", [])
        case ["answer", _]:
            return _CHOICES
        case _:
            return []


def _cell(before: list[str], names: Names) -> list[str]:
    option = OPTIONS.get(before[-1]) if before else None
    if option == "mode":
        return list(MODES)
    if option is not None:
        return names.get(_AFTER_OPTION[option], [])
    free = [flag for flag in ("-w", "--agent", "--mode") if flag not in before]
    named = any(not word.startswith("-") for word in before)
    return free if named else [*free, *names.get("session", [])]
