"""How full the context is, as Gemini CLI's own record says: pure of the program itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.acp import gemini_record
from agor_jupyter.agents.acp.gemini_record import TAIL_BYTES, WINDOW_TOKENS, fullness
from tests.agents.acp.talking import spec_in

REF = "1a2b3c4d-0000-4000-8000-000000000000"


def message(read: int, written: int, model: str = "gemini-2.5-pro", **more: Any) -> str:
    tokens = {"input": read, "output": written, "cached": 5, "thoughts": 7, "total": read + written + 7}
    return json.dumps({"id": "m", "type": "gemini", "content": "", "tokens": tokens, "model": model, **more})


def write(folder: Path, name: str, *lines: str) -> Path:
    chats = folder / "state" / "gemini-home" / ".gemini" / "tmp" / "w" / "chats"
    chats.mkdir(parents=True, exist_ok=True)
    path = chats / name
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([message(100, 20), message(300, 40), '{"$set": {"lastUpdated": "now"}}'], (340, WINDOW_TOKENS)),
        ([message(100, 20), '{"id": "u", "type": "user", "content": "\\"tokens\\""}'], (120, WINDOW_TOKENS)),
        ([message(100, 20, "gemma-4-31b-it")], (120, None)),
        ([message(100, 20), message(999, 1)[:40]], (120, WINDOW_TOKENS)),
        ([message(100, 20), '["tokens"]', '{"tokens": 7}', message(0, 0)], (120, WINDOW_TOKENS)),
        (['{"sessionId": "x"}'], None),
    ],
    ids=["the last", "a word of it", "another window", "half a line", "other shapes", "nothing yet"],
)
def test_the_last_request_counts(
    tmp_path: Path, lines: list[str], found: tuple[int, int | None] | None
) -> None:
    spec = spec_in(tmp_path)
    write(tmp_path, "session-2026-01-01T00-00-1a2b3c4d.jsonl", *lines)
    assert fullness(spec, REF) == found


def test_of_several_records_the_one_that_is_written_to(tmp_path: Path) -> None:
    spec = spec_in(tmp_path)
    assert fullness(spec, REF) is None, "no record, and no folder"
    kept = write(tmp_path, "session-2026-01-01T00-00-kept-1a2b3c4d.jsonl", message(100, 20))
    empty = write(tmp_path, "session-2026-01-01T00-01-1a2b3c4d.jsonl", '{"sessionId": "x"}')
    os.utime(kept, (1, 1))
    assert fullness(spec, REF) == (120, WINDOW_TOKENS), "what it begins beside it when it loads says nothing"
    write(tmp_path, "session-2026-01-01T00-00-99999999.jsonl", message(5000, 1))
    empty.write_text(message(200, 1))
    assert fullness(spec, REF) == (201, WINDOW_TOKENS)


def test_only_the_end_of_a_long_record_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_in(tmp_path)
    flood = json.dumps({"id": "u", "type": "user", "content": "x" * (2 * TAIL_BYTES)})
    write(tmp_path, "session-2026-01-01T00-00-1a2b3c4d.jsonl", message(100, 20), flood, message(300, 40))
    read: list[int] = []
    tail = gemini_record._tail

    def counted(path: Path) -> list[bytes]:
        lines = tail(path)
        read.append(sum(map(len, lines)))
        return lines

    monkeypatch.setattr(gemini_record, "_tail", counted)
    assert fullness(spec, REF) == (340, WINDOW_TOKENS)
    assert read[0] <= TAIL_BYTES
