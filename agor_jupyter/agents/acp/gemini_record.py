"""How full the context is, from Gemini CLI's own record of a conversation: it does not tell it over ACP.

Its answer to a prompt adds up the tokens of all requests of the turn; what the last of them held stands
only in the record, one JSON object a line. Neither is documented: what is not found there is not told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from agor_jupyter.agents.acp.gemini_home import folder_of, records_of
from agor_jupyter.agents.base import SessionSpec

WINDOW_TOKENS = 1_048_576
"""What Gemini CLI itself reckons with for every Gemini model (its `tokenLimit`, 0.61): its footer and its own
compaction go by it. It does not tell it over ACP, and Google states the same for each of these models."""

TAIL_BYTES = 2**20


def fullness(spec: SessionSpec, native_ref: str) -> tuple[int, int | None] | None:
    """Give the tokens of the last request and its answer, and the model's window where it is known.

    None: the record does not say. Reads the end of a file: run it in a thread.
    """
    for path in sorted(records_of(folder_of(spec), native_ref), key=_changed, reverse=True):
        for line in reversed(_tail(path)):
            told = _told(line)
            if told is not None:
                return told
    return None


def _told(line: bytes) -> tuple[int, int | None] | None:
    if b'"tokens"' not in line:
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None  # the tail began within it, or it is being written
    tokens = message.get("tokens") if isinstance(message, Mapping) else None
    if not isinstance(tokens, Mapping):
        return None
    read, written = tokens.get("input"), tokens.get("output")
    if not isinstance(read, int) or not isinstance(written, int) or read <= 0:
        return None
    gemini = str(message.get("model") or "").startswith("gemini-")
    return read + written, WINDOW_TOKENS if gemini else None


def _tail(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as record:
            record.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return record.read(TAIL_BYTES).splitlines()
    except OSError:
        return []  # renamed or removed just now


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
