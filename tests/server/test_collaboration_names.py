"""The names of jupyter-collaboration that we use although they are not documented API.

When one of these tests fails, `board/collaboration.py` or `server/file_guard.py` must follow.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from jupyter_server_ydoc import handlers
from jupyter_server_ydoc.handlers import YDocWebSocketHandler
from jupyter_server_ydoc.utils import room_id_from_encoded_path
from jupyter_server_ydoc.websocketserver import JupyterWebsocketServer

from agor_jupyter.board import collaboration
from agor_jupyter.testing.live_server import live_server


async def test_the_room_table_is_where_we_look(tmp_path: Path) -> None:
    wanted = {"jupyter_server_ydoc": True, "jupyter_server_fileid": True}
    async with live_server(tmp_path, extensions=wanted) as server:
        table = collaboration.find_table(server.app.web_app.settings)
        assert isinstance(table, JupyterWebsocketServer)
        assert table.rooms == {}


def test_no_table_is_no_error() -> None:
    assert collaboration.find_table({}) is None
    assert collaboration.find_table({"jupyter_server_ydoc": object()}) is None


def test_the_server_only_starts_rooms_that_have_not_started() -> None:
    source = inspect.getsource(JupyterWebsocketServer.__mro__[1].start_room)  # type: ignore[attr-defined]
    assert "room.started.is_set()" in source
    assert "await room.serve(websocket)" in inspect.getsource(JupyterWebsocketServer.__mro__[1].serve)  # type: ignore[attr-defined]


def test_the_socket_handler_has_the_methods_that_are_wrapped() -> None:
    for name in ("prepare", "open", "on_message", "on_close", "check_origin", "close"):
        assert callable(getattr(YDocWebSocketHandler, name))
    assert inspect.iscoroutinefunction(YDocWebSocketHandler.prepare)
    assert isinstance(YDocWebSocketHandler.max_message_size, property)
    assert "self._websocket_server = ywebsocket_server" in inspect.getsource(YDocWebSocketHandler.initialize)


def test_the_other_handlers_are_there() -> None:
    for name in ("DocForkHandler", "UndoRedoHandler", "TimelineHandler"):
        assert hasattr(handlers, name)


def test_a_room_is_named_by_the_last_part_of_the_path() -> None:
    assert room_id_from_encoded_path("/a/api/collaboration/room/agor-board-x") == "agor-board-x"
