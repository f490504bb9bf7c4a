"""The seam to jupyter-collaboration's table of rooms: names of it that are not documented API.

They are used here and in `server.file_guard` only; `tests/server/test_collaboration_names.py` fails
when one goes away. Everything works without jupyter-collaboration too: then there is no table.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

EXTENSION = "jupyter_server_ydoc"
SERVICE_RESTART = 1012
logger = logging.getLogger(__name__)


class RoomTable(Protocol):
    """What we use of `ywebsocket_server`."""

    rooms: dict[str, Any]

    def add_room(self, path: str, room: Any) -> None: ...


def find_table(settings: Mapping[str, Any]) -> RoomTable | None:
    """Find jupyter-collaboration's rooms, or None where it is absent, disabled or not loaded yet.

    Look it up late: extensions load in the order of their names, ours first.
    """
    table: RoomTable | None = getattr(settings.get(EXTENSION), "ywebsocket_server", None)
    return table if hasattr(table, "rooms") and hasattr(table, "add_room") else None


def register(table: RoomTable, room_id: str, room: Any) -> None:
    """Put our room into the table. One that a page made under our id before us is emptied.

    Its pages connect again by themselves, to our room then; left alone they would stay on an orphan
    whose edits go nowhere.
    """
    there = table.rooms.get(room_id)
    if there is room:
        return
    table.add_room(room_id, room)
    for client in list(getattr(there, "clients", ())):
        logger.warning("%s: sending a page from a stray room to the board's own", room_id)
        client.close(SERVICE_RESTART, "this room has moved")


def forget(table: RoomTable, room_id: str) -> None:
    """Take a room out of the table."""
    table.rooms.pop(room_id, None)
