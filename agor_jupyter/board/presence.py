"""Who is at a board: what the connections say of themselves, believed only about themselves.

Presence is never stored and never proves an identity. A connection may speak for the one client id
that it named when it connected, and only under its own person's name. Clocks are the clients' own:
the removal of a leaver repeats its last clock (raising it would hide the person's return).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agor_jupyter.board.frames import Announcement

MAX_STATE_BYTES = 16 * 1024
GONE = "null"
ANONYMOUS = "Anonymous "
"""How Jupyter names people whom it does not know."""
NAMES = ("name", "display_name", "initials")
COLOR = re.compile(
    r"#[0-9a-fA-F]{3,8}|(?:rgb|hsl)a?\([0-9.,%/ a-z]{3,40}\)|[a-zA-Z]{1,30}|var\(--[\w-]{1,60}\)"
)
STALE_SECONDS = 45.0


@dataclass(slots=True)
class _Present:
    announcement: Announcement
    seat: object
    heard_at: float


class Person(Protocol):
    """Who is logged in behind a connection, as far as presence shows it: Jupyter's own `User`."""

    @property
    def username(self) -> str: ...

    @property
    def name(self) -> str | None: ...

    @property
    def display_name(self) -> str | None: ...

    @property
    def initials(self) -> str | None: ...


def own_words(announcement: Announcement, person: Person) -> Announcement | None:
    """Give what a connection says of itself under its own name; None when it names somebody else.

    The names that others read are the server's, not the client's; a colour that is no plain colour
    (it would reach style sheets) is left out. Someone without an account chooses a name for show.
    """
    if announcement.state == GONE:
        return announcement
    state = read_state(announcement.state)
    user = state.get("user") if state is not None else None
    if state is None or not isinstance(user, dict) or user.get("username") != person.username:
        return None
    shown = {name: value for name, value in user.items() if name != "color" or _is_color(value)}
    if not (person.name or "").startswith(ANONYMOUS):
        shown |= {name: value for name in NAMES if (value := getattr(person, name, None))}
    return replace(announcement, state=json.dumps({**state, "user": shown}, ensure_ascii=False))


def read_state(text: str) -> dict[str, Any] | None:
    """Read the JSON of a state; None for what is none, or too large."""
    if len(text.encode(errors="replace")) > MAX_STATE_BYTES:
        return None
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _is_color(value: object) -> bool:
    return isinstance(value, str) and COLOR.fullmatch(value) is not None


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
