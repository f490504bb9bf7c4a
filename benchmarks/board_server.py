"""The server half of `board_fanout`: one room on a bare tornado application, in its own process.

`python -m benchmarks.board_server board|yroom` prints its port and serves until it is killed.
Both modes use one handler, so that only the rooms differ.
"""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

from pycrdt import Doc
from pycrdt.websocket import YRoom
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from agor_jupyter.board import migrate
from agor_jupyter.board.room import BoardRoom
from agor_jupyter.domain.user import Grant, grants_of

EVERYTHING: frozenset[Grant] = grants_of(("read", "write"))


class RoomHandler(WebSocketHandler):
    """A channel as jupyter-collaboration's: a queue in, `write_message` out."""

    path = "board"

    def initialize(self, room: Any) -> None:
        self.room = room
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    def check_origin(self, origin: str) -> bool:
        return True

    def open(self) -> None:
        self.set_nodelay(True)
        self.current_user = SimpleNamespace(username=self.get_query_argument("person"))
        self.serving = asyncio.create_task(self.room.serve(self))

    def on_message(self, message: str | bytes) -> None:
        self.queue.put_nowait(message)

    def on_close(self) -> None:
        self.serving.cancel()

    async def send(self, message: bytes) -> None:
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            self.write_message(message, binary=True)

    def __aiter__(self) -> RoomHandler:
        return self

    async def __anext__(self) -> Any:
        return await self.queue.get()


async def everything(channel: Any) -> frozenset[Grant]:
    return EVERYTHING


async def make_room(mode: str) -> YRoom:
    if mode == "yroom":
        plain = YRoom(exception_handler=lambda error, log: True)
        await plain.__aenter__()
        return plain
    doc: Doc[Any] = Doc()
    migrate.prepare(doc)
    room = BoardRoom("agor-board-bench", doc, grants_of=everything)
    room.open()
    return room


async def main(mode: str) -> None:
    room = await make_room(mode)
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r"/board", RoomHandler, {"room": room})]))
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
