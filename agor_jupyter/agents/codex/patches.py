"""A change of Codex (`path`, `kind`, `diff`) as a diff of the house: the text before and after. Pure.

`diff` is the file's whole text where it is added or deleted, and hunks of a unified diff where it is
changed. The texts around the hunks come from the file itself, read by the caller (`now`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.agents.clip import LIMIT, clip
from agor_jupyter.domain.content import DiffContent

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True)
class _Hunk:
    old_start: int  # counts from 1
    new_start: int
    old: list[str]
    new: list[str]


def diff_of(change: Mapping[str, Any], now: str | None, worktree: str, *, applied: bool) -> DiffContent:
    """Show one change. `now` is the file's text at present (None: not known), `applied` or not yet."""
    kind = change.get("kind") or {}
    path = posixpath.join(worktree, str(kind.get("move_path") or change.get("path", "")))
    text = str(change.get("diff", ""))
    match kind.get("type"):
        case "add":
            return _diff(path, None, text)
        case "delete":
            return _diff(path, text, None)
        case _:
            old, new = sides_of(text, now, applied=applied)
            return _diff(path, old, new)


def sides_of(diff: str, now: str | None, *, applied: bool) -> tuple[str, str]:
    """Give both texts whole where the hunks fit to `now`; else their own lines, parted by a mark."""
    hunks = _hunks(diff)
    if now is not None and len(now) <= LIMIT:
        other = _turned(now, hunks, back=applied)
        if other is not None:
            return (other, now) if applied else (now, other)
    old, new = ("\n⋮\n".join("\n".join(getattr(hunk, side)) for hunk in hunks) for side in ("old", "new"))
    return old, new


def _turned(text: str, hunks: list[_Hunk], *, back: bool) -> str | None:
    """Apply the hunks to `text`, or take them back. None when they do not fit."""
    lines = text.split("\n")
    for hunk in reversed(hunks):
        start = (hunk.new_start if back else hunk.old_start) - 1
        there, wanted = (hunk.new, hunk.old) if back else (hunk.old, hunk.new)
        if not there:
            start += 1  # an empty side names the line before it
        if start < 0 or lines[start : start + len(there)] != there:
            return None
        lines[start : start + len(there)] = wanted
    return "\n".join(lines)


def _hunks(diff: str) -> list[_Hunk]:
    found: list[_Hunk] = []
    for row in diff.split("\n"):
        head = _HUNK.match(row)
        if head is not None:
            found.append(_Hunk(int(head.group(1)), int(head.group(2)), [], []))
        elif found and row[:1] in (" ", "-", "+"):
            if row[0] != "+":
                found[-1].old.append(row[1:])
            if row[0] != "-":
                found[-1].new.append(row[1:])
    return found


def _diff(path: str, before: str | None, after: str | None) -> DiffContent:
    return DiffContent(
        path=path,
        old_text=clip(before)[0] if before is not None else None,
        new_text=clip(after)[0] if after is not None else None,
    )
