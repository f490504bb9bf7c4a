"""Leave a websocket so that nothing of it outlives the event loop: its socket is closed when this returns."""

from __future__ import annotations

import asyncio

from tornado.iostream import IOStream
from tornado.websocket import WebSocketClientConnection


async def hang_up(client: WebSocketClientConnection) -> None:
    """Say goodbye, and see the socket closed."""
    protocol = client.protocol  # `close` forgets it
    client.close()
    if protocol is not None and protocol.stream is not None:
        await wait_closed(protocol.stream)


async def wait_closed(stream: IOStream, seconds: float = 2.0) -> None:
    """Wait so long for the other side to say goodbye too, then close what is open."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not stream.closed() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  (a stream has no event for it)
        await asyncio.sleep(0.005)
    stream.close()
