"""A look at a board leaves no socket behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Iterator

import pytest
from pycrdt import Doc, Map, handle_sync_message
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from agor_jupyter.cli.board_look import look

BUSY_SECONDS = 0.3


class Room(WebSocketHandler):
    """Both documents of a board with one card, as far as a look goes."""

    def on_message(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        document = Doc()
        document["cards"] = Map({"wt_1": Map({})})
        document["sessions"] = Map({})
        answer = handle_sync_message(message[1:], document)
        if answer is not None:
            self.write_message(answer, binary=True)
            # As a busy server does: it says goodbye late.
            asyncio.get_running_loop().call_soon(time.sleep, BUSY_SECONDS)


@pytest.fixture
def port() -> Iterator[int]:
    """Serve rooms in a thread, which outlives the look's own event loop."""
    sockets = bind_sockets(0, "127.0.0.1")
    loop = asyncio.new_event_loop()

    async def serve() -> HTTPServer:
        server = HTTPServer(Application([(r"/agor/api/v1/rooms/.*", Room)]))
        server.add_sockets(sockets)
        return server

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    yield int(sockets[0].getsockname()[1])
    loop.call_soon_threadsafe(server.stop)
    asyncio.run_coroutine_threadsafe(server.close_all_connections(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


async def forget_loops() -> None:
    """Let go of the loops that are closed: tornado does so when it meets a new one, and not before."""
    IOLoop.current()


def test_a_look_leaves_no_socket_open(port: int) -> None:
    gc.collect()  # what others left is not looked at
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", ResourceWarning)
        found = look(f"http://127.0.0.1:{port}/", "token", "board_1")
        asyncio.run(forget_loops())
        gc.collect()
    assert found.cards == {"wt_1"}
    assert [str(each.message) for each in seen] == []
