"""Read what git prints for machines (`-z` forms). Pure.

Paths keep bytes that are no UTF-8 as surrogates, so that they name the same file again;
`printable` makes a path fit for JSON and for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

ChangeStatus = Literal["added", "modified", "deleted", "renamed", "untracked", "conflicted"]

_STATUS_OF: dict[str, ChangeStatus] = {
    "A": "added",
    "C": "added",
    "D": "deleted",
    "R": "renamed",
    "U": "conflicted",
}


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def printable(path: str) -> str:
    """Spell bytes that are no UTF-8 as `\\xNN`. Not reversible: for showing only."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class StatusEntry:
    path: str
    status: ChangeStatus
    old_path: str | None = None


@dataclass(frozen=True)
class StatusReport:
    """`head_sha` is empty before the first commit; `branch` is None when detached."""

    head_sha: str
    branch: str | None
    entries: tuple[StatusEntry, ...]


def parse_status(data: bytes) -> StatusReport:
    """Read `git status --porcelain=v2 -z --branch`."""
    head_sha, branch = "", None
    entries: list[StatusEntry] = []
    fields = _fields(data)
    for field in fields:
        kind, _, rest = field.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            if name == "branch.oid" and value != "(initial)":
                head_sha = value
            elif name == "branch.head" and value != "(detached)":
                branch = value
        elif kind == "1":
            entries.append(StatusEntry(rest.split(" ", 7)[7], _ordinary(rest[:2])))
        elif kind == "2":
            entries.append(StatusEntry(rest.split(" ", 8)[8], "renamed", next(fields)))
        elif kind == "u":
            entries.append(StatusEntry(rest.split(" ", 9)[9], "conflicted"))
        elif kind == "?":
            entries.append(StatusEntry(rest, "untracked"))
    return StatusReport(head_sha, branch, tuple(entries))


def _ordinary(letters: str) -> ChangeStatus:
    """Fold index and worktree letters into what became of the file since HEAD."""
    if "D" in letters:
        return "deleted"
    return "added" if "A" in letters else "modified"


@dataclass(frozen=True)
class Linked:
    """One worktree as git lists it; the first of a list is the main one. Paths are git's own.

    `locked` is the reason given (may be empty), None when unlocked; `prunable` says that its folder
    is gone.
    """

    path: str
    head_sha: str = ""
    branch: str | None = None
    bare: bool = False
    locked: str | None = None
    prunable: bool = False


def parse_worktrees(data: bytes) -> list[Linked]:
    """Read `git worktree list --porcelain`, with `-z` or (git < 2.36) without."""
    separator = b"\0" if b"\0" in data else b"\n"
    found: list[Linked] = []
    record: dict[str, str] = {}
    for raw in [*data.split(separator), b""]:
        if raw:
            name, _, value = decode(raw).partition(" ")
            record[name] = value
        elif record:
            found.append(_linked(record))
            record = {}
    return found


def _linked(record: dict[str, str]) -> Linked:
    branch = record.get("branch")
    return Linked(
        path=record.get("worktree", ""),
        head_sha=record.get("HEAD", ""),
        branch=None if branch is None else branch.removeprefix("refs/heads/"),
        bare="bare" in record,
        locked=record.get("locked"),
        prunable="prunable" in record,
    )


@dataclass(frozen=True)
class Change:
    """One file between two trees, or a tree and the files. Line counts are None for a binary file.

    `new_sha` is all zeros when the new side is the file on disk.
    """

    path: str
    status: ChangeStatus
    old_path: str | None = None
    old_sha: str = ""
    new_sha: str = ""
    old_mode: str = ""
    new_mode: str = ""
    lines_added: int | None = None
    lines_removed: int | None = None


def parse_changes(data: bytes) -> list[Change]:
    """Read `git diff --raw --numstat -z`: first the raw entries, then the line counts."""
    raw: list[Change] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    fields = _fields(data)
    for field in fields:
        if field.startswith(":"):
            raw.append(_raw_entry(field, fields))
        else:
            path, added, removed = _count(field, fields)
            counts[path] = (added, removed)
    merged: dict[str, Change] = {}
    for change in raw:
        known = merged.get(change.path)
        if known is not None and known.status == "conflicted":
            continue  # git lists an unmerged path again as modified
        added, removed = counts.get(change.path, (None, None))
        merged[change.path] = Change(
            change.path, change.status, change.old_path, change.old_sha, change.new_sha,
            change.old_mode, change.new_mode, added, removed,
        )  # fmt: skip
    return list(merged.values())


def _raw_entry(field: str, fields: Iterator[str]) -> Change:
    old_mode, new_mode, old_sha, new_sha, letter = field[1:].split(" ")
    status = _STATUS_OF.get(letter[:1], "modified")
    path = next(fields)
    old_path = None
    if letter[:1] in ("R", "C"):
        old_path, path = path, next(fields)
    return Change(path, status, old_path, old_sha, new_sha, old_mode, new_mode)


def _count(field: str, fields: Iterator[str]) -> tuple[str, int | None, int | None]:
    added, removed, path = field.split("\t", 2)
    if not path:  # a rename: the two names follow
        next(fields)
        path = next(fields)
    return path, None if added == "-" else int(added), None if removed == "-" else int(removed)


def parse_records(data: bytes, width: int) -> list[tuple[str, ...]]:
    """Read a `for-each-ref --format` whose fields each end in `%00`, `width` of them a ref."""
    fields = [field.removeprefix("\n") for field in decode(data).split("\0")]
    rows = len(fields) // width
    return [tuple(fields[row * width : (row + 1) * width]) for row in range(rows)]


def parse_names(data: bytes) -> list[str]:
    """Read NUL-terminated paths."""
    return list(_fields(data))


def totals(changes: Iterable[Change]) -> tuple[int, int]:
    """Sum the lines added and removed; a binary file counts none."""
    added = removed = 0
    for change in changes:
        added += change.lines_added or 0
        removed += change.lines_removed or 0
    return added, removed


def _fields(data: bytes) -> Iterator[str]:
    return iter(decode(data).removesuffix("\0").split("\0") if data else [])
