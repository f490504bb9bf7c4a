"""Keep what goes into the log small: head and tail of long texts, and how much is missing."""

from __future__ import annotations

from typing import Any

LIMIT = 64 * 1024
"""Characters of a tool's output (or of one string of its input) that are kept."""


def clip(text: str, limit: int = LIMIT) -> tuple[str, int]:
    """Give `text`, or its head and tail with a mark between, and how many bytes are gone."""
    if len(text) <= limit:
        return text, 0
    head = limit * 2 // 3
    tail = limit - head
    gone = len(text[head:-tail].encode(errors="replace"))
    return f"{text[:head]}\n… {gone} bytes left out …\n{text[-tail:]}", gone


def clip_input(value: Any, limit: int = LIMIT) -> Any:
    """Clip every string within a tool's input; its shape stays."""
    if isinstance(value, str):
        return clip(value, limit)[0]
    if isinstance(value, dict):
        return {str(key): clip_input(item, limit) for key, item in value.items()}
    if isinstance(value, list):
        return [clip_input(item, limit) for item in value]
    return value
