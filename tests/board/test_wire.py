"""One write for many frames, on a real tornado websocket; and the documented way where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketHandler, websocket_connect

from agor_jupyter.board.wire import Parcel, stream_of, write
from agor_jupyter.testing.hanging_up import hang_up

SIZES = (0, 1, 125, 126, 65_535, 65_536, 300_000)


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[WebSocketHandler, WebSocketClientConnection]]:
    """Give both ends of a websocket."""
    opened: asyncio.Future[WebSocketHandler] = asyncio.get_running_loop().create_future()

    class Handler(WebSocketHandler):
        def open(self, *args: str, **kwargs: str) -> None:
            opened.set_result(self)

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/", Handler)]))
    server.add_sockets(sockets)
    client = await websocket_connect(f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/")
    try:
        yield await opened, client
    finally:
        theirs = stream_of(opened.result()) if opened.done() else None
        await hang_up(client)
        if theirs is not None:  # a websocket is no connection of the server any more
            theirs.close()
        server.stop()
        await server.close_all_connections()


async def test_the_names_of_tornado_are_there() -> None:
    async with connection() as (handler, _):
        assert handler.ws_connection is not None
        assert handler.ws_connection.is_closing() is False
        assert isinstance(stream_of(handler), IOStream)


@pytest.mark.parametrize("size", SIZES)
async def test_frames_of_every_length_arrive_whole_and_in_order(size: int) -> None:
    async with connection() as (handler, client):
        first, second = b"\x00" * size, b"end"
        sent = write(handler, Parcel(first, second))
        assert sent is not None
        assert await client.read_message() == first
        assert await client.read_message() == second
        await asyncio.wait_for(sent, 5)


async def test_a_small_parcel_is_taken_at_once() -> None:
    async with connection() as (handler, client):
        sent = write(handler, Parcel(b"x"))
        assert sent is not None and sent.done()
        assert await client.read_message() == b"x"


async def test_a_closed_socket_takes_nothing() -> None:
    async with connection() as (handler, client):
        client.close()
        async with asyncio.timeout(5):
            while handler.ws_connection is not None:
                await asyncio.sleep(0.01)
        assert write(handler, Parcel(b"x")) is None


async def test_without_tornados_names_frames_go_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connection() as (handler, client):
        monkeypatch.setattr("agor_jupyter.board.wire.stream_of", lambda channel: None)
        sent = write(handler, Parcel(b"a", b"b"))
        assert sent is not None
        await asyncio.wait_for(sent, 5)
        assert [await client.read_message(), await client.read_message()] == [b"a", b"b"]


async def test_another_channel_is_sent_to_by_its_own_send() -> None:
    class Other:
        path = "other"

        def __init__(self) -> None:
            self.got: list[bytes] = []

        async def send(self, message: bytes) -> None:
            self.got.append(message)

    other: Any = Other()
    sent = write(other, Parcel(b"a", b"b"))
    assert sent is not None
    await sent
    assert other.got == [b"a", b"b"]
