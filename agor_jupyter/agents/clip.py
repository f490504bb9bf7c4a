"""Keep what goes into the log small: head and tail of long texts, and how much is missing."""

from __future__ import annotations

import sys
from typing import Any

LIMIT = 64 * 1024
"""Characters of a tool's output (or of one string of its input) that are kept."""

DEPTH = 64
"""Levels of a tool's input that are kept. Readers of JSON stop at a depth: pydantic's at 200, with all that
stands around an input in a log, a list of events and a message."""

TOO_DEEP = "… nested too deep …"


def clip(text: str, limit: int = LIMIT) -> tuple[str, int]:
    """Give `text`, or its head and tail with a mark between, and how many bytes are gone."""
    if len(text) <= limit:
        return text, 0
    head = limit * 2 // 3
    tail = limit - head
    gone = len(text[head:-tail].encode(errors="replace"))
    return f"{text[:head]}\n… {gone} bytes left out …\n{text[-tail:]}", gone


def clip_input(value: Any, limit: int = LIMIT, depth: int = DEPTH) -> Any:
    """Clip every string within a tool's input, and what lies too deep in it; else its shape stays."""
    if isinstance(value, str):
        return clip(value, limit)[0]
    if not isinstance(value, dict | list | tuple):
        return value
    if depth <= 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {str(key): clip_input(item, limit, depth - 1) for key, item in value.items()}
    return [clip_input(item, limit, depth - 1) for item in value]


def clip_nest(value: Any) -> Any:
    """Clip what lies too deep, and nothing else."""
    return clip_input(value, sys.maxsize) if is_deep(value) else value


def is_deep(value: object, depth: int = DEPTH) -> bool:
    """Say whether something in `value` lies deeper than is kept. Looks no deeper than that."""
    if not isinstance(value, dict | list | tuple):
        return False
    if depth <= 0:
        return True
    return any(is_deep(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value))
