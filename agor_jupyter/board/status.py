"""The status document: what the server shows of worktrees, sessions and questions.

Every value is one JSON text, so that a card changes as a whole; and it is written only when it
differs, because each write stays in the document's history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pycrdt import Doc, Map

from agor_jupyter.domain.board import Board, InboxItem, SessionRow, WorktreeCard


def slug_of(name: str) -> str:
    """Make a name fit an address: lower case, dashes, at most 48 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48] or "board"


class Status:
    """The words of one status document. Every method must run on the event loop's thread."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.doc = doc
        self._meta: Map[Any] = doc.get("meta", type=Map)
        self._worktrees: Map[Any] = doc.get("worktrees", type=Map)
        self._sessions: Map[Any] = doc.get("sessions", type=Map)
        self._inbox: Map[Any] = doc.get("inbox", type=Map)

    def name_board(self, board: Board) -> None:
        """Write the board's own words."""
        words = {"id": board.id, "name": board.name, "slug": slug_of(board.name)}
        if self._meta.get("board") != words:
            self._meta["board"] = words

    def put_worktree(self, card: WorktreeCard) -> bool:
        return _put(self._worktrees, card.id, card.model_dump_json())

    def put_session(self, row: SessionRow) -> bool:
        return _put(self._sessions, row.id, row.model_dump_json())

    def put_inbox(self, item: InboxItem) -> bool:
        return _put(self._inbox, item.id, item.model_dump_json())

    def drop_worktree(self, worktree_id: str) -> bool:
        return _drop(self._worktrees, worktree_id)

    def drop_session(self, session_id: str) -> bool:
        return _drop(self._sessions, session_id)

    def drop_inbox(self, request_id: str) -> bool:
        return _drop(self._inbox, request_id)

    def worktree(self, worktree_id: str) -> WorktreeCard | None:
        text = self._worktrees.get(worktree_id)
        return WorktreeCard.model_validate_json(text) if isinstance(text, str) else None

    def session(self, session_id: str) -> SessionRow | None:
        text = self._sessions.get(session_id)
        return SessionRow.model_validate_json(text) if isinstance(text, str) else None

    def inbox(self) -> dict[str, Any]:  # JSON of `InboxItem`
        """Read what waits for an answer, as JSON objects by id."""
        return {key: json.loads(self._inbox[key]) for key in list(self._inbox.keys())}

    def worktree_ids(self) -> set[str]:
        return set(self._worktrees.keys())

    def session_ids(self) -> set[str]:
        return set(self._sessions.keys())

    def keep_only(
        self,
        *,
        worktrees: Iterable[str],
        sessions: Iterable[str],
        inbox: Iterable[str],
    ) -> None:
        """Remove all that is not named: the end of a fold from the log."""
        kept: Mapping[str, tuple[Map[Any], set[str]]] = {
            "worktrees": (self._worktrees, set(worktrees)),
            "sessions": (self._sessions, set(sessions)),
            "inbox": (self._inbox, set(inbox)),
        }
        for entries, wanted in kept.values():
            for key in list(entries.keys()):
                if key not in wanted:
                    del entries[key]


def _put(entries: Map[Any], key: str, text: str) -> bool:
    if entries.get(key) == text:
        return False
    entries[key] = text
    return True


def _drop(entries: Map[Any], key: str) -> bool:
    if key not in entries:
        return False
    del entries[key]
    return True
