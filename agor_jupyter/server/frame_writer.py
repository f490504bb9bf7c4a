"""Writes one text to many websockets at the price of one framing.

tornado's `write_message` encodes, frames and makes a task for each socket. This is the one place that
goes round it, to the stream beneath (an attribute that tornado does not document; a test holds it).
Only for sockets without compression, and from the event loop.
"""

from __future__ import annotations

import asyncio
from typing import cast

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketHandler

TEXT = 0x81
"""A whole text message in one frame."""


def frame(text: str) -> bytes:
    """Give the websocket frame of a text from a server (RFC 6455, section 5.2)."""
    data = text.encode()
    size = len(data)
    if size < 126:
        head = bytes((TEXT, size))
    elif size < 2**16:
        head = bytes((TEXT, 126)) + size.to_bytes(2)
    else:
        head = bytes((TEXT, 127)) + size.to_bytes(8)
    return head + data


def write(handler: WebSocketHandler, framed: bytes) -> asyncio.Future[None] | None:
    """Write a frame; give the future of what the kernel did not take at once, or None.

    A socket that is closed or closing takes nothing, and says so by its `on_close`.
    """
    connection = handler.ws_connection
    if connection is None or connection.is_closing():
        return None
    stream = cast(IOStream, getattr(connection, "stream"))  # noqa: B009 # not in tornado's types
    try:
        written = stream.write(framed)
    except StreamClosedError:
        return None
    return None if written.done() else written
