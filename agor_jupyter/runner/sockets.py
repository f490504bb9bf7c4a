"""Private unix sockets, and lines over them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator

from agor_jupyter.agents.process import ancestors_of, carries
from agor_jupyter.domain.errors import InvalidRequest
from agor_jupyter.runner.protocol import LINE_LIMIT


def bind_private(path: str) -> socket.socket:
    """Bind a socket that only this user may open, from its first moment on.

    The umask is set for this call alone: agents inherit it, and what they write into a worktree must
    have the modes that a person's own editor would give.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def is_of_agent(peer: socket.socket, marker: str) -> bool:
    """Say whether the other side is the agent, or something it started: by its marker, or its ancestors.

    Whoever can connect is the same user; this keeps an agent from answering its own requests by a
    plain script, not one that hides from it: for that there are sandboxes. Linux only.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return False
    pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if pid == os.getpid():
        return False
    return carries(pid, marker) or os.getpid() in ancestors_of(pid)


async def read_socket_lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines without their newline.

    `StreamReader.readline` would need a limit of `LINE_LIMIT`, and buffers twice its limit before it
    stops the sender; here only a line that really is long takes memory.
    """
    rest = bytearray()
    while data := await reader.read(65536):
        start = len(rest)
        rest += data
        end = rest.find(b"\n", start)
        while end >= 0:
            line = bytes(rest[:end])
            del rest[: end + 1]
            yield line
            end = rest.find(b"\n")
        if len(rest) > LINE_LIMIT:
            raise InvalidRequest(f"A line is longer than {LINE_LIMIT} bytes.")
