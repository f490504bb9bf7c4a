"""The last line that an agent said, as a session's record keeps it."""

from __future__ import annotations

LAST_WORDS = 200
"""How many characters of the last line said a session's record keeps."""


def last_line(before: str, text: str) -> str:
    """Give the last non-empty line of `before + text`, from its end, at most `LAST_WORDS` characters."""
    joined = before + text
    last = next((line for line in reversed(joined.splitlines()) if line.strip()), "")
    kept = last[-LAST_WORDS:]
    # A line that is complete starts afresh: the next chunk must not be glued to it.
    return kept + "\n" if kept and joined.endswith("\n") else kept


def line_ended(words: str) -> str:
    """End the line: what is said after a tool, or in another task, is not glued to it."""
    return words if not words or words.endswith("\n") else f"{words}\n"
