"""A session's record as two rows: its body, and its tail, which alone changes while an agent talks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from agor_jupyter.domain.session import Session
from agor_jupyter.store.rows import Insert, Row

TAIL = ("updated_ms", "last_seq", "last_words")
"""The fields that are columns of `tails` and not in `body`, in the order of `COLUMNS`."""

COLUMNS = "t.updated_ms, t.last_seq, t.last_words, s.body"
"""What `json_of` reads."""

SOURCE = "tails AS t JOIN sessions AS s ON s.number = t.session"

OF_ONE_WORKTREE = "sessions AS s CROSS JOIN tails AS t ON t.session = s.number"
"""The same, begun with a worktree's few sessions: CROSS keeps SQLite from walking all by their update."""

BODIES = Insert(
    "sessions",
    ("number", "id", "worktree_id", "body"),
    "ON CONFLICT (number) DO UPDATE SET body = excluded.body",
)
TAILS = Insert(
    "tails",
    ("session", "archived", "status", *TAIL),
    "ON CONFLICT (session) DO UPDATE SET archived = excluded.archived, status = excluded.status, "
    "updated_ms = excluded.updated_ms, last_seq = excluded.last_seq, last_words = excluded.last_words",
)

_OUT = set(TAIL)
_body = itemgetter(*(name for name in Session.model_fields if name not in _OUT))


def same_body(before: Session, after: Session) -> bool:
    """Say whether only the tail changed. Fields that were not touched are the same objects: it is quick."""
    same: bool = _body(before.__dict__) == _body(after.__dict__)
    return same


def body_row(number: int, session: Session) -> Row:
    body = session.__pydantic_serializer__.to_json(session, exclude=_OUT).decode()
    return (number, session.id, session.worktree_id, body)


def tail_row(number: int, session: Session) -> Row:
    archived, status = int(session.archived), session.status
    return (number, archived, status, session.updated_ms, session.last_seq, session.last_words)


def json_of(row: Sequence[Any]) -> str:
    """Join the two again, as the record's JSON, from a row of `COLUMNS`."""
    updated_ms, last_seq, last_words, body = row
    return (
        f'{{"updated_ms":{updated_ms},"last_seq":{last_seq},"last_words":{json.dumps(last_words)},{body[1:]}'
    )
