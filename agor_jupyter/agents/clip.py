"""Keep what goes into the log small: head and tail of long texts, and how much is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

LIMIT = 64 * 1024
"""Characters of a tool's output (or of one string of its input) that are kept."""

DEPTH = 64
"""Levels of a tool's input that are kept. Readers of JSON stop at a depth: pydantic's at 200, with all that
stands around an input in a log, a list of events and a message."""

INPUT_CHARACTERS = 1 << 20
"""How much of a whole input is kept: it stands in one event, which is sent to every browser as one."""

LEAST, LEAST_ITEMS = 2000, 20
"""What is kept of a string, and of the items of a list, where an input is too large already."""

TOO_DEEP = "… nested too deep …"
MORE = "… {} more left out …"
_NUMBER = 8
"""What anything but a string counts as, in characters."""

T = TypeVar("T")


def clip(text: str, limit: int = LIMIT) -> tuple[str, int]:
    """Give `text`, or its head and tail with a mark between, and how many bytes are gone."""
    if len(text) <= limit:
        return text, 0
    head = limit * 2 // 3
    tail = limit - head
    gone = len(text[head:-tail].encode(errors="replace"))
    return f"{text[:head]}\n… {gone} bytes left out …\n{text[-tail:]}", gone


def clip_input(value: Any, limit: int = LIMIT) -> Any:
    """Clip every string within a tool's input, what lies too deep in it, and what is more than a log holds.

    Else its shape stays. Of each string something is kept, however much stands before it.
    """
    return _Clipper(limit, INPUT_CHARACTERS).clip(value, DEPTH)


class _Clipper:
    """Counts down what is left to be kept while it walks an input."""

    def __init__(self, limit: int, room: int) -> None:
        self._limit = limit
        self._room = room

    def clip(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            text = clip(value, min(self._limit, max(self._room, LEAST)))[0]
            self._room -= len(text)
            return text
        self._room -= _NUMBER
        if not isinstance(value, dict | list | tuple):
            return value
        if depth <= 0:
            return TOO_DEEP
        if isinstance(value, dict):
            return self._members(value, depth - 1)
        kept = [self.clip(item, depth - 1) for item in self._taken(value)]
        return kept if len(kept) == len(value) else [*kept, MORE.format(len(value) - len(kept))]

    def _members(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept = {clip(str(key), LEAST)[0]: self.clip(item, depth) for key, item in self._taken(value.items())}
        return kept if len(kept) == len(value) else {**kept, "…": MORE.format(len(value) - len(kept))}

    def _taken(self, items: Iterable[T]) -> Iterator[T]:
        for number, item in enumerate(items):
            if self._room <= 0 and number >= LEAST_ITEMS:
                return
            yield item


def clip_nest(value: Any) -> Any:
    """Clip what lies too deep, and nothing else."""
    return _Clipper(sys.maxsize, sys.maxsize).clip(value, DEPTH) if is_deep(value) else value


def fits(value: object) -> bool:
    """Say whether an input is neither too deep nor too large to be kept as it is."""
    return not is_deep(value) and _left(value, INPUT_CHARACTERS) >= 0


def _left(value: object, room: int) -> int:
    """Give what is left of `room` after `value`; something below 0 as soon as it is too much."""
    if isinstance(value, str):
        # What was clipped is a little longer than the limit, and is not to be clipped once more.
        return room - len(value) if len(value) <= 2 * LIMIT else -1
    room -= _NUMBER
    items: Iterable[object] = ()
    if isinstance(value, dict):
        items = (part for pair in value.items() for part in pair)
    elif isinstance(value, list | tuple):
        items = value
    for item in items:
        if room < 0:
            break
        room = _left(item, room)
    return room


def is_deep(value: object, depth: int = DEPTH) -> bool:
    """Say whether something in `value` lies deeper than is kept. Looks no deeper than that."""
    if not isinstance(value, dict | list | tuple):
        return False
    if depth <= 0:
        return True
    return any(is_deep(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value))
