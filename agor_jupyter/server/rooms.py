"""The boards' websockets: `rooms/{board_id}` (the layout) and `rooms/{board_id}/status`.

The same rooms stand in jupyter-collaboration at `api/collaboration/room/…`; these are there without
it too. The handler only carries frames: the room decides what each connection may do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlparse

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import origin_matches_pat, url_path_join
from tornado import web
from tornado.websocket import WebSocketHandler

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.room import MAX_FRAME, BoardRoom
from agor_jupyter.domain.board import layout_room_id, status_room_id
from agor_jupyter.domain.ids import BoardId
from agor_jupyter.server.doors import guarded_socket
from agor_jupyter.service.access import RULES

PREFIX = "agor/api/v1/rooms"
BACKLOG = 256
PING_SECONDS = 20

Rule = tuple[str, type[web.RequestHandler]]


def boards_of(settings: Mapping[str, Any]) -> BoardDocuments | None:
    """Give the boards of this server's house, or None while there is no house."""
    boards = getattr(settings.get("agor"), "boards", None)
    return boards if isinstance(boards, BoardDocuments) else None


class BoardRoomHandler(WebSocketHandler, JupyterHandler):
    """Carries one connection's frames to the board's layout room and back."""

    auth_resource = "agor:boards"
    room: BoardRoom
    _frames: asyncio.Queue[bytes | str | None]
    _serving: asyncio.Task[None] | None = None

    @property
    def path(self) -> str:
        return self.room.room_id

    @property
    def max_message_size(self) -> int:
        return MAX_FRAME + 16

    @property
    def ping_interval(self) -> float | None:
        return PING_SECONDS

    def check_origin(self, origin: str | None = None) -> bool:
        """Ask for the same origin of everybody who names one, a token or not (Jupyter would not)."""
        if not origin:
            return True
        origin = origin.lower()
        if urlparse(origin).netloc == (self.request.headers.get("Host") or "").lower():
            return True
        if self.allow_origin:
            return bool(self.allow_origin in ("*", origin))
        return origin_matches_pat(self.allow_origin_pat or "", origin)

    def room_id(self, board_id: str) -> str:
        return layout_room_id(BoardId(board_id))

    @guarded_socket(RULES["boards.show"])
    async def get(self, *args: Any, **kwargs: Any) -> None:
        await self.enter(args[0])
        await super().get(*args, **kwargs)

    async def enter(self, board_id: str) -> None:
        """Find the room, or raise 404 before the handshake."""
        boards = boards_of(self.settings)
        room = await boards.wait_room(self.room_id(board_id)) if boards is not None else None
        if room is None:
            raise web.HTTPError(404, "There is no such board.")
        self.room = room

    def open(self, *args: str, **kwargs: str) -> None:
        self._frames = asyncio.Queue(BACKLOG)
        self.set_nodelay(True)
        self._serving = asyncio.create_task(self.room.serve(self), name=f"agor-{self.room.room_id}")
        self._serving.add_done_callback(self._served)

    def _served(self, job: asyncio.Task[None]) -> None:
        if not job.cancelled() and (error := job.exception()) is not None:
            self.log.error("%s: a connection failed", self.room.room_id, exc_info=error)
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            self.close()

    async def on_message(self, message: str | bytes) -> None:
        # Waiting here stops reading the socket: who sends faster than the room hears is held back.
        if self._serving is not None and not self._serving.done():
            await self._frames.put(message)

    def on_close(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
        while not self._frames.empty():
            self._frames.get_nowait()

    async def send(self, message: bytes) -> None:
        await self.write_message(message, binary=True)

    def __aiter__(self) -> BoardRoomHandler:
        return self

    async def __anext__(self) -> bytes | str | None:
        return await self._frames.get()


class BoardStatusHandler(BoardRoomHandler):
    """Carries one connection's frames to the board's server-only room and back."""

    def room_id(self, board_id: str) -> str:
        return status_room_id(BoardId(board_id))


def room_routes(base_url: str) -> list[Rule]:
    """List `(pattern, handler)`; give "" where `ExtensionApp` puts the base URL in front."""

    def at(path: str) -> str:
        return url_path_join(base_url, PREFIX, path) if base_url else f"/{PREFIX}{path}"

    return [
        (at(r"/([a-z]+_[0-9a-z]+)"), BoardRoomHandler),
        (at(r"/([a-z]+_[0-9a-z]+)/status"), BoardStatusHandler),
    ]
