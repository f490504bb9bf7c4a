"""Which words may stand for a branch or a commit on a command line. Pure; git checks again."""

from __future__ import annotations

import re

from agor_jupyter.domain.errors import InvalidName

_LONGEST = 200
_CONTROL_OR_SPECIAL = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_NO_REVISION = re.compile(r"[\x00-\x20\x7f]")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_branch(name: str) -> str:
    """Give `name` back if it may become a branch, else raise `InvalidName`.

    git's own rules (`git help check-ref-format`), and nothing that could be read as an option, as
    `HEAD` or as a commit's id.
    """
    parts = name.split("/")
    bad = (
        not name
        or len(name) > _LONGEST
        or not _is_text(name)
        or _CONTROL_OR_SPECIAL.search(name) is not None
        or name.startswith(("-", "refs/"))
        or name.endswith(".")
        or name in ("@", "HEAD")
        or re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name) is not None
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if bad:
        raise _refused(
            name, "a branch", "Use letters, digits, dashes, dots and slashes; begin with a letter."
        )
    return name


def check_revision(name: str) -> str:
    """Give `name` back if git may be asked which commit it names, else raise `InvalidName`."""
    if not name or len(name) > _LONGEST or not _is_text(name) or _NO_REVISION.search(name) or name[0] == "-":
        raise _refused(name, "a commit", "Name a branch, a tag or a commit.")
    return name


def check_ref_part(name: str) -> str:
    """Give an id back if it may be a component of one of our refs, else raise `InvalidName`."""
    if not _ID.fullmatch(name):
        raise _refused(name, "part of a ref", "Ids are letters, digits, dashes and underscores.")
    return name


def _is_text(name: str) -> bool:
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in name)


def _refused(name: str, what: str, hint: str) -> InvalidName:
    shown = name[:80].encode("utf-8", "backslashreplace").decode()
    return InvalidName(f"{shown!r} cannot name {what}.", hint=hint, name=shown)
