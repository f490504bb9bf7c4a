"""Who is at a board: what the connections say of themselves, believed only about themselves.

Presence is never stored and never proves an identity. A connection may speak for the one client id
that it named when it connected, and only under its own person's name. Clocks are the clients' own:
the removal of a leaver repeats its last clock (raising it would hide the person's return).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from agor_jupyter.board.frames import Announcement

MAX_STATE_BYTES = 16 * 1024
GONE = "null"
STALE_SECONDS = 45.0


@dataclass(slots=True)
class _Present:
    announcement: Announcement
    seat: object
    heard_at: float


def speaks_for(announcement: Announcement, person: str) -> bool:
    """Say whether a state names `person` as its user, or takes leave."""
    if announcement.state == GONE:
        return True
    if len(announcement.state.encode(errors="replace")) > MAX_STATE_BYTES:
        return False
    try:
        state = json.loads(announcement.state)
    except (ValueError, RecursionError):
        return False
    user = state.get("user") if isinstance(state, dict) else None
    return isinstance(user, dict) and user.get("username") == person


class Presence:
    """The states of a room, by client id, and which of them changed since the last tick."""

    def __init__(self) -> None:
        self._present: dict[int, _Present] = {}
        self._changed: dict[int, Announcement] = {}

    def announce(self, announcement: Announcement, seat: object, now: float) -> bool:
        """Take what `seat` says of its client; give whether others must hear it."""
        client_id = announcement.client_id
        known = self._present.get(client_id)
        if announcement.state == GONE:
            return self._take_leave(announcement, seat)
        if known is not None and known.seat is seat and announcement.clock <= known.announcement.clock:
            return False
        self._present[client_id] = _Present(announcement, seat, now)
        self._changed[client_id] = announcement
        return True

    def holder(self, client_id: int) -> object | None:
        known = self._present.get(client_id)
        return known.seat if known is not None else None

    def leave(self, seat: object) -> bool:
        """Remove all that `seat` said of itself; give whether there was anything."""
        gone = [client_id for client_id, known in self._present.items() if known.seat is seat]
        for client_id in gone:
            self._remove(client_id)
        return bool(gone)

    def drop_stale(self, now: float) -> bool:
        """Remove who has not been heard for `STALE_SECONDS` (clients renew every 15 s)."""
        stale = [key for key, known in self._present.items() if now - known.heard_at > STALE_SECONDS]
        for client_id in stale:
            self._remove(client_id)
        return bool(stale)

    def _take_leave(self, farewell: Announcement, seat: object) -> bool:
        known = self._present.get(farewell.client_id)
        if known is None or known.seat is not seat:
            return False
        del self._present[farewell.client_id]
        self._changed[farewell.client_id] = farewell
        return True

    def _remove(self, client_id: int) -> None:
        last = self._present.pop(client_id).announcement
        self._changed[client_id] = Announcement(client_id, last.clock, GONE)

    def everyone(self) -> list[Announcement]:
        return [known.announcement for known in self._present.values()]

    def take_changed(self) -> list[Announcement]:
        """Give what changed since the last call: one announcement a client, the latest."""
        changed = list(self._changed.values())
        self._changed.clear()
        return changed
