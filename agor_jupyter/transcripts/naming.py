"""Names of transcript files: readable when made, found again by the session's id ever after. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from agor_jupyter.transcripts.notebook import SUFFIX

_SHORT = 8
_NAME = re.compile(r"^.+-(?P<short>[0-9a-z]{8})(?:-(?P<part>[1-9][0-9]{0,3}))?\.agor\.ipynb$")


@dataclass(frozen=True)
class FileName:
    short: str
    part: int


def short_id(session_id: str) -> str:
    """Shorten a session's id to its last eight characters: all of them are random."""
    return session_id[-_SHORT:]


def slug(text: str, limit: int = 40) -> str:
    """Give lower-case ASCII letters, digits and dashes; `session` when nothing is left."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:limit].strip("-")
    return made or "session"


def file_name(worktree: str, title: str, session_id: str) -> str:
    """Name a session's first part. Names in it only help a reader; the id at the end counts."""
    where = re.sub(r"[^A-Za-z0-9._-]+", "-", worktree).strip(".-") or "worktree"
    return f"{where}-{slug(title)}-{short_id(session_id)}{SUFFIX}"


def part_name(first: str, part: int) -> str:
    """Name another part beside the first one."""
    return first if part == 1 else f"{first.removesuffix(SUFFIX)}-{part}{SUFFIX}"


def parse(name: str) -> FileName | None:
    """Read a transcript's file name, whatever a person made of its beginning."""
    match = _NAME.match(name)
    return FileName(match["short"], int(match["part"] or 1)) if match else None
