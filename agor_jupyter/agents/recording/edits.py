"""What a tool call changed, as edits that can be made again; else as diffs that are only shown. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agor_jupyter.domain.content import DiffContent
from agor_jupyter.domain.redaction import Redactor

_CLIPPED = re.compile(r"\n… \d+ bytes left out …\n")
_PARTED = "\n⋮\n"
"""Adapters put it between the hunks of a change whose whole text they do not know."""


@dataclass
class Edits:
    """`made` are `ChangeOf` as data, `shown` are `DiffOf`; `remarks` say what is not as it was."""

    made: list[dict[str, Any]] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def take(
        self,
        diff: DiffContent,
        given: Mapping[str, Any],
        worktree: str,
        redactor: Redactor,
        *,
        done: bool,
    ) -> None:
        """Take one diff of a call with the input `given`. What was not `done` is only shown."""
        path = inside(diff.path, worktree)
        reason = why_not(diff, path) if done else ""
        if path is not None and done and not reason:
            changes = [_clean(change, redactor) for change in changes_of(diff, path, given)]
            if not any(_lost(before, after) for before, after in changes):
                self.made += [after for _, after in changes]
                if any(before != after for before, after in changes):
                    self.remarks.append("Something was taken out of this edit: the file will differ by that.")
                return
            reason = "it changes a text that something was taken out of"
        if reason:
            self.remarks.append(f"This change is only shown, not made: {reason}.")
        shown = {"path": path or diff.path, "old": diff.old_text, "new": diff.new_text}
        cleaned = {name: redactor.clean(text) for name, text in shown.items() if text is not None}
        self.shown.append(cleaned)


def inside(path: str, worktree: str) -> str | None:
    """Give a path relative to the worktree, or None for one outside."""
    joined = posixpath.normpath(posixpath.join(worktree, path))
    root = posixpath.normpath(worktree)
    return joined[len(root) + 1 :] if joined.startswith(root + "/") else None


def why_not(diff: DiffContent, path: str | None) -> str:
    """Say why a change cannot be made again; empty when it can."""
    if path is None:
        return "it is outside the worktree"
    if any(_CLIPPED.search(text) for text in (diff.old_text, diff.new_text) if text):
        return "it was too long to be kept whole"
    parts = [(text or "").count(_PARTED) for text in (diff.old_text, diff.new_text)]
    if diff.old_text and diff.new_text is not None and parts[0] != parts[1]:
        return "only parts of it were kept"
    return ""


def changes_of(diff: DiffContent, path: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn a diff into edits. Old and new text may be those of the file or of the place alone: both fit."""
    if diff.new_text is None:
        return [{"path": path, "delete": True}]
    if not diff.old_text:
        return [{"path": path, "write": diff.new_text}]
    every = {"every": True} if given.get("replace_all") is True else {}
    pairs = zip(diff.old_text.split(_PARTED), diff.new_text.split(_PARTED), strict=True)
    return [{"path": path, "find": old, "replace": new, **every} for old, new in pairs if old]


def _clean(change: dict[str, Any], redactor: Redactor) -> tuple[dict[str, Any], dict[str, Any]]:
    cleaned = {
        name: redactor.clean(value) if isinstance(value, str) else value for name, value in change.items()
    }
    return change, cleaned


def _lost(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Say whether the text to be found is no longer what stands in the file."""
    return bool(before.get("find") != after.get("find"))
