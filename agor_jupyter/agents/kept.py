"""Output that grows: the head and the tail are kept, whatever comes."""

from __future__ import annotations

from agor_jupyter.agents.clip import LIMIT

OUTPUT_LIMIT = LIMIT - 512
"""Leaves room for the mark and the exit code, so that the result is not clipped once more."""


class Kept:
    """Text that is fed in pieces. Holds at most `limit` characters, however much comes."""

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._head_limit = limit * 2 // 3
        self._tail_limit = limit - self._head_limit
        self._head = ""
        self._tail = ""
        self.gone = 0
        """Bytes that were left out between head and tail."""

    def __bool__(self) -> bool:
        return bool(self._head)

    def feed(self, text: str) -> str:
        """Take a piece; give the part of it that belongs to the head, which can be shown at once."""
        room = self._head_limit - len(self._head)
        shown, rest = text[:room], text[room:]
        self._head += shown
        self._tail += rest
        over = len(self._tail) - self._tail_limit
        if over > 0:
            self.gone += len(self._tail[:over].encode(errors="replace"))
            self._tail = self._tail[over:]
        return shown

    @property
    def text(self) -> str:
        if not self.gone:
            return self._head + self._tail
        return f"{self._head}\n… {self.gone} bytes left out …\n{self._tail}"
