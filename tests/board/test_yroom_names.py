"""The names of pycrdt-websocket's `YRoom` that `BoardRoom` stands in for: all public."""

from __future__ import annotations

import inspect
from typing import Any

from pycrdt import Doc
from pycrdt.websocket import YRoom

from agor_jupyter.board.room import BoardRoom
from agor_jupyter.domain.user import Grant


async def nobody(channel: Any) -> frozenset[Grant]:
    return frozenset()


def test_what_is_overridden_is_there() -> None:
    for name in ("start", "stop", "serve", "started", "send_server_awareness"):
        assert hasattr(YRoom, name)
        assert name in vars(BoardRoom)


def test_no_private_name_of_the_base_is_used() -> None:
    """Our own private names must not be the base's, by accident or by need."""
    ours = {name for name in vars(BoardRoom) if name.startswith("_") and not name.startswith("__")}
    room = BoardRoom("agor-board-x", Doc(), grants_of=nobody)
    base = YRoom()
    ours |= {name for name in vars(room) if name not in vars(base) and name.startswith("_")}
    theirs = {name for name in (*vars(YRoom), *vars(base)) if name.startswith("_")}
    assert not {name for name in ours & theirs if not name.startswith("__")}


async def test_a_room_is_started_from_the_beginning() -> None:
    room = BoardRoom("agor-board-x", Doc(), grants_of=nobody)
    assert isinstance(room, YRoom)
    assert room.started.is_set() and room.ready
    await room.start()
    await room.stop()
    await room.stop()


def test_the_constructor_takes_what_we_give() -> None:
    assert {"ready", "ydoc", "log"} <= set(inspect.signature(YRoom.__init__).parameters)
