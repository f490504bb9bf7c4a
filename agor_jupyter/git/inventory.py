"""What a checkout brings along that instructs or configures somebody: looked at, never interpreted.

Files are named, and their bytes hashed, so that a later change of them is seen. Nothing is parsed, no link is
followed out of the checkout, and what cannot be looked at whole (too large, too many) has no digest: nobody
can then say that it is what was seen before. Not for what git itself could run; see `guard`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.domain.repo import ProjectFile

_LARGEST_BYTES = 32 << 20
_MOST_FILES = 2_000
_MOST_ENTRIES = 200_000
_DEEPEST = 100
_CHUNK_BYTES = 1 << 20
_NOT_ENTERED = frozenset({".git", "node_modules", "__pycache__", ".venv"})


@dataclass(frozen=True)
class Found:
    """A wanted file that is there. `digest` is of its path and bytes, or empty where it is too large."""

    path: str
    digest: str
    leads_out: bool = False


@dataclass(frozen=True)
class Inventory:
    """`complete` is False where the checkout has too many folders to have looked into all of them."""

    found: tuple[Found, ...]
    complete: bool = True


class _TooLarge(Exception):
    """More than is hashed; the file has no digest then."""


def look(top: str | Path, wanted: Iterable[ProjectFile]) -> Inventory:
    """Find what of `wanted` the checkout at `top` has. Blocking: call it in a thread."""
    root = Path(os.path.realpath(top))
    files = tuple(wanted)
    found: dict[str, Found] = {}
    for file in files:
        _note(root, file.path, file.secret, found)
    below = {file.path: file.secret for file in files if file.anywhere and "/" not in file.path}
    complete = True
    if below:
        places, complete = _folders(root)
        for folder, names in places:
            for name in sorted(below.keys() & names):
                _note(root, str(Path(folder, name)), below[name], found)
    return Inventory(tuple(found[path] for path in sorted(found)), complete)


def _note(root: Path, path: str, secret: bool, found: dict[str, Found]) -> None:
    place = root / path
    if path in found or not os.path.lexists(place):
        return
    if not path.endswith("/") and place.is_dir():
        return  # a folder of a file's name is none of it
    if path.endswith("/") and not place.is_dir() and not place.is_symlink():
        return
    leads_out = _target(root, place) is None
    hasher = hashlib.sha256(os.fsencode(path) + b"\0")
    try:
        if not secret:
            _Reader(root, hasher).read(place)
        digest = hasher.hexdigest()
    except _TooLarge:
        digest = ""
    found[path] = Found(path, digest, leads_out)


def _folders(root: Path) -> tuple[list[tuple[str, set[str]]], bool]:
    """List the folders below `root`, in order, each with the names in it; other checkouts are not entered."""
    places: list[tuple[str, set[str]]] = []
    entries = 0
    for folder, folders, files in os.walk(root):
        entries += len(folders) + len(files)
        if entries > _MOST_ENTRIES:
            return places, False
        if folder != str(root) and (".git" in files or ".git" in folders):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in _NOT_ENTERED)
        if folder != str(root):
            places.append((os.path.relpath(folder, root), set(files)))
    return places, True


def _target(root: Path, place: Path) -> Path | None:
    """Give the real path of `place`, or None where it lies outside of the checkout."""
    real = Path(os.path.realpath(place))
    return real if real.is_relative_to(root) else None


class _Reader:
    """Feeds one file, or all below one folder, to a hash; bounded, and each folder once."""

    def __init__(self, root: Path, hasher: hashlib._Hash) -> None:
        self._root = root
        self._hasher = hasher
        self._bytes = 0
        self._entries = 0
        self._entered: set[str] = set()

    def read(self, place: Path, depth: int = 0) -> None:
        self._entries += 1
        if self._entries > _MOST_FILES or depth > _DEEPEST:
            raise _TooLarge
        if place.is_symlink():
            self._add(b"link " + os.fsencode(place.readlink()))
        target = _target(self._root, place)
        if target is None:
            # Not what lies there, but where it lies: a folder above may be the link.
            self._add(b"out " + os.fsencode(os.path.realpath(place)))
            return
        try:
            kind = target.stat().st_mode
        except OSError:
            self._add(b"gone")
            return
        if stat.S_ISDIR(kind):
            self._read_folder(target, depth)
        elif stat.S_ISREG(kind):
            self._read_file(target)
        else:
            self._add(b"special")  # a pipe would never end

    def _read_folder(self, folder: Path, depth: int) -> None:
        if str(folder) in self._entered:
            return
        self._entered.add(str(folder))
        try:
            names = sorted(entry.name for entry in folder.iterdir())
        except OSError:
            self._add(b"unreadable")
            return
        for name in names:
            self._add(b"name " + os.fsencode(name))
            self.read(folder / name, depth + 1)
        self._add(b"end")

    def _read_file(self, file: Path) -> None:
        try:
            for part in _parts(file):
                self._bytes += len(part)
                if self._bytes > _LARGEST_BYTES:
                    raise _TooLarge
                self._add(part)
        except OSError:
            self._add(b"unreadable")

    def _add(self, part: bytes) -> None:
        self._hasher.update(len(part).to_bytes(8) + part)


def _parts(file: Path) -> Iterator[bytes]:
    # What was a file a moment ago may be a pipe or a link now: neither waits here, nor is it followed.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        while part := opened.read(_CHUNK_BYTES):
            yield part
