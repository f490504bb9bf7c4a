"""Identifiers: what names a thing, and how a new one is made.

An id is `<prefix>_<16 characters of Crockford base32>`: it fits a notebook cell id
(`^[a-zA-Z0-9-_]+$`, at most 64), a git ref component and a Y room id without quoting.
"""

from __future__ import annotations

import re
from typing import NewType

UserId = NewType("UserId", str)
RepoId = NewType("RepoId", str)
WorktreeId = NewType("WorktreeId", str)
SessionId = NewType("SessionId", str)
TaskId = NewType("TaskId", str)
BoardId = NewType("BoardId", str)
RequestId = NewType("RequestId", str)
McpServerId = NewType("McpServerId", str)
ToolCallId = NewType("ToolCallId", str)
MessageId = NewType("MessageId", str)

PREFIXES = ("repo", "wt", "ses", "task", "board", "zone", "note", "req", "run", "mcp")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ANY_PREFIX = "|".join(PREFIXES)
_PATTERN = re.compile(rf"^(?:{_ANY_PREFIX})_[0-9a-z]{{16}}")

ENTROPY_BYTES = 10
"""How many random bytes `make_id` takes."""


def make_id(prefix: str, entropy: bytes) -> str:
    """Make an id from `prefix` and ten random bytes; the caller brings the randomness."""
    if prefix not in PREFIXES:
        raise ValueError(f"unknown id prefix {prefix!r}")
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"an id takes {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    number = int.from_bytes(entropy)
    letters = "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in range(15, -1, -1))
    return f"{prefix}_{letters}"


def is_id(text: str, prefix: str | None = None) -> bool:
    """Say whether `text` has the form of an id (of `prefix`, when given)."""
    return bool(_PATTERN.fullmatch(text)) and (prefix is None or text.startswith(f"{prefix}_"))
