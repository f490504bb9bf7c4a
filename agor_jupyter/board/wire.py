"""Putting frames on a websocket with one write, made once for all who get them.

tornado's `write_message` makes a task, a header and a system call for each frame and each client;
at fifty people that is most of what a board costs. A server's frames are not masked, so the bytes
are the same for everyone: they are made once a tick and handed to each connection's stream. The
names of tornado used for that are `ws_connection`, `is_closing` and `stream`; where one is missing
(another channel, a later tornado) the frames go out one by one in the documented way.
"""

from __future__ import annotations

import asyncio
import struct
from functools import cached_property
from typing import Any, Protocol

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError

_FINAL_BINARY = 0x82


class Channel(Protocol):
    """What pycrdt-websocket serves: a tornado handler on both endpoints, or a test's double."""

    @property
    def path(self) -> str: ...

    async def send(self, message: bytes) -> None: ...

    def __aiter__(self) -> Channel: ...

    async def __anext__(self) -> bytes: ...


class Parcel:
    """Frames that go out together."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = frames

    @property
    def size(self) -> int:
        return sum(len(frame) for frame in self.frames)

    @cached_property
    def bytes(self) -> bytes:
        """The frames as RFC 6455 has them: final, binary, not masked."""
        return b"".join(_header(len(frame)) + frame for frame in self.frames)


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((_FINAL_BINARY, length))
    if length < 65_536:
        return struct.pack("!BBH", _FINAL_BINARY, 126, length)
    return struct.pack("!BBQ", _FINAL_BINARY, 127, length)


def stream_of(channel: Any) -> IOStream | None:
    """Find the stream below a tornado websocket that is open, else None."""
    connection = getattr(channel, "ws_connection", None)
    is_closing = getattr(connection, "is_closing", None)
    stream = getattr(connection, "stream", None)
    if is_closing is None or is_closing() or not isinstance(stream, IOStream):
        return None
    return stream


def write(channel: Any, parcel: Parcel) -> asyncio.Future[Any] | None:
    """Begin to write; the future is done once the socket took all. None: it is closed."""
    stream = stream_of(channel)
    if stream is not None:
        try:
            return stream.write(parcel.bytes)
        except StreamClosedError:
            return None
    if hasattr(channel, "ws_connection") and channel.ws_connection is None:
        return None
    return asyncio.ensure_future(_one_by_one(channel, parcel))


async def _one_by_one(channel: Any, parcel: Parcel) -> None:
    # jupyter-collaboration's own `send` does not wait for the socket, and without waiting nobody
    # notices a client that has stopped reading.
    write_message = getattr(channel, "write_message", None)
    for frame in parcel.frames:
        if write_message is None:
            await channel.send(frame)
            continue
        try:
            await write_message(frame, binary=True)
        except WebSocketClosedError:
            return
