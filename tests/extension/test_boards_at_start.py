"""P5 on the wire: a page that comes back while the server starts sits down in its board's own room."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp
from pycrdt import Map

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.room import BoardRoom
from agor_jupyter.domain.board import Board
from agor_jupyter.domain.ids import BoardId, UserId
from agor_jupyter.server import file_guard
from agor_jupyter.store.opening import open_store
from agor_jupyter.testing.live_server import LiveServer, live_server
from agor_jupyter.testing.y_client import SocketWire, YClient

BOARD = Board(id=BoardId("board_0000000000000001"), name="One", owner=UserId("oscar"), created_ms=1)
EXTENSIONS = {"agor_jupyter": True, "jupyter_server_ydoc": True, "jupyter_server_fileid": True}
ROOM = f"agor-board-{BOARD.id}"
DOORS = [f"agor/api/v1/rooms/{BOARD.id}", f"api/collaboration/room/{ROOM}"]


async def keep_board(data_dir: Path) -> None:
    store = await asyncio.to_thread(open_store, data_dir)
    await store.records.boards.put(BOARD, by=BOARD.owner)
    await store.close()


@pytest.mark.parametrize("door", DOORS, ids=["ours", "theirs"])
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
async def test_who_comes_during_the_start_is_at_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: str, guarded: bool
) -> None:
    """Without the guard of jupyter-collaboration's door too: the room stands before any request."""
    await keep_board(tmp_path / "agor")
    if not guarded:
        monkeypatch.setattr(file_guard, "_admit_room", _admit_all)
    client, start = YClient("mona"), BoardDocuments.start
    sockets: list[SocketWire] = []

    async def slow(self: BoardDocuments) -> None:
        app = ServerApp.instance()
        server = LiveServer(app=app, port=app.port, base_url=app.base_url, root=tmp_path)
        # The handshake is answered though no board is loaded yet.
        socket = await server.connect(door, person="mona", clientId=str(client.client_id))
        sockets.append(SocketWire(socket))
        table = app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server
        assert type(table.rooms[ROOM]) is BoardRoom
        assert not client.synced.is_set()
        await start(self)

    monkeypatch.setattr(BoardDocuments, "start", slow)
    config = {"AgorApp": {"data_dir": str(tmp_path / "agor")}}
    async with live_server(tmp_path, extensions=EXTENSIONS, config=config) as server:
        boards: BoardDocuments = server.app.web_app.settings["agor"].boards
        async with client.connected(sockets[0]):
            await client.wait_until(client.synced.is_set)
            client.map("cards")["wt_early"] = Map({"pos": [1.0, 2.0]})
            async with asyncio.timeout(10):
                while "wt_early" not in boards.layout(BOARD.id).cards:
                    await asyncio.sleep(0.01)
            table = server.app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server
            assert table.rooms[ROOM] is await boards.wait_room(ROOM)


async def _admit_all(handler: object) -> None:
    """Stand in for a jupyter-collaboration that the guard does not know."""


async def test_boards_are_there_before_the_loop(tmp_path: Path) -> None:
    await keep_board(tmp_path / "agor")
    store = await asyncio.to_thread(open_store, tmp_path / "agor")
    assert await asyncio.to_thread(store.boards_now) == (BOARD,)
    await store.close()
