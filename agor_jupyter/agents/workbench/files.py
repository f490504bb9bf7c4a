"""Read, list and change files, within limits. Everything here blocks: run it in a thread.

A change is made in two steps: what would change is worked out and shown; once allowed, it is made
only if the file is still what was shown.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.paths import Place, find

READ_LINES = 2000
LINE_CHARACTERS = 2000
READ_BYTES = 48 * 1024
"""Less than what is kept of a result (`clip`): a page must reach the model whole."""

SCAN_BYTES = 64 * 2**20
"""How far a read goes into a huge file to find its first line."""

CHANGE_BYTES = 4 * 2**20
LIST_ENTRIES = 1000
LIST_SECONDS = 10.0
SNIFF_BYTES = 8192
NOT_LISTED = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Folders that are named but not entered, unless one asks for them by name."""


@dataclass(frozen=True)
class Change:
    """A file's text before (None: there is none) and after."""

    place: Place
    before: str | None
    after: str


def read_lines(place: Place, offset: int = 1, limit: int = READ_LINES) -> str:
    """Read lines `offset`… of a text file, and say how to read on where there is more."""
    _check_regular(place)
    limit = max(1, min(limit, READ_LINES))
    first = max(1, offset)
    lines: list[str] = []
    size = scanned = number = 0
    more = False
    with _opened(place) as file:
        if b"\0" in file.read(SNIFF_BYTES):
            raise ToolFailed(f"{place.named} is a binary file of {place.real.stat().st_size} bytes.")
        file.seek(0)
        while line := file.readline(SCAN_BYTES):
            number += 1
            scanned += len(line)
            if scanned > SCAN_BYTES:
                more = True
                break
            if number < first:
                continue
            if len(lines) >= limit or size >= READ_BYTES:
                more = True
                break
            lines.append(_shorten(line.decode("utf-8", "replace")))
            size += len(lines[-1])
    if not lines and not more:
        return f"({place.named} has {number} lines.)" if number else f"({place.named} is empty.)"
    text = "".join(lines)
    if more:
        read_on = first + len(lines)
        text += f"\n(Lines {first} to {read_on - 1}. There is more: read on with offset={read_on}.)"
    return text


def list_entries(place: Place, pattern: str = "", depth: int = 2) -> str:
    """List a folder as relative paths, folders with a slash; links are named, never followed."""
    if not place.real.is_dir():
        raise ToolFailed(f"{place.named} is not a folder. Use read_file for a file.")
    deadline = time.monotonic() + LIST_SECONDS
    found: list[str] = []
    for name in _walk(place.real, "", max(1, min(depth, 20)), deadline):
        plain = name.rstrip("/")
        if pattern and not fnmatch.fnmatch(plain, pattern) and not fnmatch.fnmatch(Path(plain).name, pattern):
            continue
        if len(found) >= LIST_ENTRIES:
            return "\n".join(found) + f"\n(More than {LIST_ENTRIES}: name a folder or a pattern.)"
        found.append(name)
    if time.monotonic() > deadline:
        found.append("(It took too long: this is not all. Name a folder or a pattern.)")
    return "\n".join(found) or "(nothing)"


def plan_write(place: Place, content: str) -> Change:
    """Work out a whole new content of a file."""
    _check_writable(place)
    if len(content.encode(errors="replace")) > CHANGE_BYTES:
        raise ToolFailed(f"The content is larger than {CHANGE_BYTES // 2**20} MiB.")
    before = _text_of(place) if place.real.exists() else None
    return Change(place, before, content)


def plan_edit(place: Place, old: str, new: str, *, every: bool = False) -> Change:
    """Work out the replacement of an exact piece of text."""
    _check_writable(place)
    if not place.real.exists():
        raise ToolFailed(f"{place.named} does not exist. Use write_file to make it.")
    before = _text_of(place)
    if not old:
        raise ToolFailed("old_text is empty: name the text that is to be replaced.")
    if old == new:
        raise ToolFailed("old_text and new_text are the same.")
    if old not in before and "\r\n" in before:
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    count = before.count(old)
    if count == 0:
        raise ToolFailed(f"old_text does not stand in {place.named}. Read the file and copy it exactly.")
    if count > 1 and not every:
        raise ToolFailed(
            f"old_text stands {count} times in {place.named}. Give more of the lines around it, "
            "or set replace_all."
        )
    return Change(place, before, before.replace(old, new))


def apply(worktree: str, change: Change) -> None:
    """Make a change, if its file is still where it was and what it was. Replaced as a whole."""
    place = change.place
    if find(worktree, place.named).real != place.real:
        raise ToolFailed(f"{place.named} leads elsewhere now. Look again.")
    now = _text_of(place) if place.real.exists() else None
    if now != change.before:
        raise ToolFailed(f"{place.named} was changed meanwhile. Read it again.")
    try:
        place.real.parent.mkdir(parents=True, exist_ok=True)
        _replace(place.real, change.after)
    except OSError as error:
        raise ToolFailed(f"{place.named} cannot be written: {error.strerror}.") from error


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    try:
        with fresh.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        if mode is not None:
            fresh.chmod(mode)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _check_regular(place: Place) -> None:
    """A pipe or a device would never end, and could act by being read."""
    try:
        mode = place.real.stat().st_mode
    except FileNotFoundError:
        raise ToolFailed(f"{place.named} does not exist.") from None
    except OSError as error:
        raise ToolFailed(f"{place.named} cannot be read: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise ToolFailed(f"{place.named} is a folder. Use list_files.")
    if not stat.S_ISREG(mode):
        raise ToolFailed(f"{place.named} is neither a file nor a folder.")


def _check_writable(place: Place) -> None:
    if place.in_git:
        raise ToolFailed("git's own files are not written by hand. Use git's commands in run_shell.")
    with contextlib.suppress(OSError):
        if place.real.is_dir():
            raise ToolFailed(f"{place.named} is a folder.")
    if place.real.exists():
        _check_regular(place)


def _text_of(place: Place) -> str:
    with _opened(place) as file:
        data = file.read(CHANGE_BYTES + 1)
    if len(data) > CHANGE_BYTES:
        raise ToolFailed(f"{place.named} is larger than {CHANGE_BYTES // 2**20} MiB. Use run_shell.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolFailed(f"{place.named} is not UTF-8 text. Use run_shell.")
    return text


@contextlib.contextmanager
def _opened(place: Place) -> Iterator[BinaryIO]:
    # O_NOFOLLOW: the last part was resolved; a link that stands there now was put there since.
    # O_NONBLOCK: a pipe that stands there now must not hold this thread.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(place.real, flags)
    except OSError as error:
        raise ToolFailed(f"{place.named} cannot be read: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        yield file


def _shorten(line: str) -> str:
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{line[:LINE_CHARACTERS]}… ({len(line) - LINE_CHARACTERS} more characters on this line)\n"


def _walk(folder: Path, prefix: str, depth: int, deadline: float) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if time.monotonic() > deadline:
            return
        name = prefix + entry.name
        if entry.is_symlink():
            yield f"{name}@"
        elif entry.is_dir(follow_symlinks=False):
            yield f"{name}/"
            if depth > 1 and entry.name not in NOT_LISTED:
                yield from _walk(Path(entry.path), f"{name}/", depth - 1, deadline)
        else:
            yield name
