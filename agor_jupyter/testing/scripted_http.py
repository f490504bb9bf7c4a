"""A small HTTP/1.1 server for scripted models: JSON in, JSON or server-sent events out.

It is what `anthropic_server` and its kin stand on: loopback only, no TLS, no routing. Not a web
server for anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

BODY_LIMIT = 256 * 2**20


class Cut(Exception):
    """Raised by a handler to end the connection without a proper end of the answer."""


@dataclass(frozen=True)
class Request:
    """What a client sent. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Parse the body; an empty or foreign one gives an empty object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Response:
    """A whole answer (`body`) or an endless-enough one (`events`: lines already framed)."""

    status: int = 200
    body: bytes = b""
    events: AsyncIterator[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status=status, body=json.dumps(value).encode(), headers=headers or {})


class ScriptedHttp:
    """Serve one handler on a free loopback port. An async context manager; `close` is idempotent."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=2**20)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = asyncio.current_task()
        if job is not None:
            self._connections.add(job)
            job.add_done_callback(self._connections.discard)
        try:
            while (request := await _read_request(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or speaks no HTTP: nothing to tell it
        except asyncio.CancelledError:
            pass  # closing: ending here quietly is what `close` waits for
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; say whether the connection may be used again."""
        try:
            response = await _unless_gone(self._handler(request), reader)
        except Cut:
            return False
        head = [f"HTTP/1.1 {response.status} {'OK' if response.status < 400 else 'Error'}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        if response.events is None:
            head += ["content-type: application/json", f"content-length: {len(response.body)}"]
            body = b"" if request.method == "HEAD" else response.body
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode() + body)
            await writer.drain()
            return True
        head += ["content-type: text/event-stream", "transfer-encoding: chunked", "cache-control: no-cache"]
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        return await _unless_gone(_stream(response.events, writer), reader)


async def _stream(events: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> bool:
    try:
        async for event in events:
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await writer.drain()
    except Cut:
        return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _unless_gone(work: Awaitable[T], reader: asyncio.StreamReader) -> T:
    """Do `work`, but stop it when the client closes the connection (it aborted its request)."""
    job = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_gone(reader))
    try:
        await asyncio.wait({job, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ConnectionResetError("the client went away")
        return job.result()
    finally:
        for task in (job, gone):
            task.cancel()
        await asyncio.gather(job, gone, return_exceptions=True)


async def _wait_gone(reader: asyncio.StreamReader) -> None:
    """Return at end of file. A pipelined request would stay in the buffer; none of ours pipelines."""
    while not reader.at_eof():  # noqa: ASYNC110 - a StreamReader can tell of its end only without eating
        await asyncio.sleep(0.01)


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line.strip():
        return None
    method, target, _version = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    place = urlsplit(target)
    return Request(method, place.path, place.query, headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts: list[bytes] = []
        while size := int((await reader.readline()).strip() or b"0", 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)
    length = int(headers.get("content-length", "0"))
    if length > BODY_LIMIT:
        raise ConnectionResetError("the body is too large")
    return await reader.readexactly(length) if length else b""
