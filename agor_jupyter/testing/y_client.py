"""A small Yjs client for tests: a document, presence, and a wire that may be memory or a websocket.

It behaves as a y-websocket client in a browser does, including the habit of repeating what it hears
of others' presence (`echoes`). `send_raw` sends anything, for those who attack.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from pycrdt import Doc, Map, TransactionEvent
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.board import frames
from agor_jupyter.board.frames import Announcement, Kind
from agor_jupyter.testing.hanging_up import wait_closed
from agor_jupyter.testing.people import PEOPLE


class Wire(Protocol):
    """How frames travel. `receive` gives None once the other side closed."""

    def send(self, frame: Any) -> None: ...

    async def receive(self) -> bytes | None: ...

    def close(self) -> None: ...


class MemoryChannel:
    """Both ends of a connection in memory: serve this object in a room, `wire` is the client's.

    `stalled` makes its socket take nothing more; `closed_with` is the code the server closed with.
    """

    def __init__(self, person: str, client_id: int | None = None, path: str = "memory") -> None:
        self.current_user = PEOPLE[person]
        self.path = path
        self.client_id = client_id
        self.stalled = asyncio.Event()
        self.closed_with: int | None = None
        self.to_client: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.to_server: asyncio.Queue[bytes | None] = asyncio.Queue()

    def get_query_argument(self, name: str, default: str = "") -> str:
        return str(self.client_id) if name == "clientId" and self.client_id is not None else default

    async def send(self, message: bytes) -> None:
        if self.stalled.is_set():
            await asyncio.Event().wait()
        self.to_client.put_nowait(message)

    def __aiter__(self) -> MemoryChannel:
        return self

    async def __anext__(self) -> bytes:
        message = await self.to_server.get()
        if message is None:
            raise StopAsyncIteration
        return message

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Be closed by the server."""
        self.closed_with = code
        self.to_client.put_nowait(None)
        self.to_server.put_nowait(None)

    @property
    def wire(self) -> Wire:
        return _MemoryWire(self)


class _MemoryWire:
    def __init__(self, channel: MemoryChannel) -> None:
        self._channel = channel

    def send(self, frame: Any) -> None:
        self._channel.to_server.put_nowait(frame)

    async def receive(self) -> bytes | None:
        return await self._channel.to_client.get()

    def close(self) -> None:
        self._channel.to_server.put_nowait(None)
        self._channel.to_client.put_nowait(None)


class SocketWire:
    """A real websocket."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection
        self._stream = connection.protocol.stream if connection.protocol is not None else None

    def send(self, frame: Any) -> None:
        if self.connection.protocol is not None:
            self.connection.write_message(frame, binary=isinstance(frame, bytes))

    async def receive(self) -> bytes | None:
        message = await self.connection.read_message()
        return message.encode() if isinstance(message, str) else message

    def close(self) -> None:
        self.connection.close()

    async def gone(self) -> None:
        """Wait until the socket is closed: nothing of it may outlive the loop."""
        if self._stream is not None:
            await wait_closed(self._stream)


class YClient:
    """See the module. Use `connected` to have it run and closed."""

    def __init__(self, person: str, *, doc: Doc[Any] | None = None, echoes: bool = False) -> None:
        self.person = person
        self.doc: Doc[Any] = doc if doc is not None else Doc()
        self.echoes = echoes
        self.states: dict[int, dict[str, Any]] = {}
        self.clocks: dict[int, int] = {}
        self.received: Counter[Kind] = Counter()
        self.synced = asyncio.Event()
        self.closed = asyncio.Event()
        self._wire: Wire | None = None
        self._applying = False
        self._clock = 0
        self._watchers: set[asyncio.Event] = set()
        self.doc.observe(self._changed)

    @property
    def client_id(self) -> int:
        return self.doc.client_id

    def map(self, name: str) -> Map[Any]:
        found: Map[Any] = self.doc.get(name, type=Map)
        return found

    def _changed(self, event: TransactionEvent) -> None:
        if self._wire is not None and not self._applying:
            self._wire.send(frames.update_frame(event.update))

    def send_raw(self, frame: Any) -> None:
        if self._wire is not None:
            self._wire.send(frame)

    def announce(self, client_id: int | None = None, person: str | None = None, **fields: Any) -> None:
        """Publish a presence state; the parameters allow to lie."""
        self._clock += 1
        user = {"username": person or self.person, "name": person or self.person}
        state = json.dumps({"user": user, **fields})
        own = self.client_id if client_id is None else client_id
        if own == self.client_id:
            self.clocks[own] = self._clock
        self.send_raw(frames.awareness_frame([Announcement(own, self._clock, state)]))

    async def _run(self, wire: Wire) -> None:
        try:
            while (message := await wire.receive()) is not None:
                self._hear(message)
                for watcher in self._watchers:
                    watcher.set()
        finally:
            self._wire = None
            self.closed.set()

    def _hear(self, message: bytes) -> None:
        frame = frames.read_frame(message)
        self.received[frame.kind] += 1
        if frame.kind is Kind.STEP1:
            self.send_raw(frames.step2(self.doc.get_update(frame.payload)))
        elif frame.kind in (Kind.STEP2, Kind.UPDATE):
            self._applying = True
            try:
                self.doc.apply_update(frame.payload)
            finally:
                self._applying = False
            if frame.kind is Kind.STEP2:
                self.synced.set()
        elif frame.kind is Kind.AWARENESS:
            self._hear_presence(frame.payload)

    def _hear_presence(self, payload: bytes) -> None:
        changed = []
        for each in frames.read_announcements(payload):
            known = self.clocks.get(each.client_id, -1)
            leaving = each.state == "null"
            if each.clock > known or (each.clock == known and leaving and each.client_id in self.states):
                self.clocks[each.client_id] = each.clock
                if leaving:
                    self.states.pop(each.client_id, None)
                else:
                    self.states[each.client_id] = json.loads(each.state)
                changed.append(each)
        if self.echoes and changed:
            self.send_raw(frames.awareness_frame(changed))

    async def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = 10) -> None:
        """Wait until `condition` holds, looked at after each message."""
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        try:
            async with asyncio.timeout(timeout_seconds):
                while not condition():
                    watcher.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(watcher.wait(), 0.05)
        finally:
            self._watchers.discard(watcher)

    @asynccontextmanager
    async def connected(self, wire: Wire) -> AsyncIterator[YClient]:
        """Speak the protocol on `wire` for the length of the block, or until it closes."""
        self._wire = wire
        self.closed.clear()
        self.synced.clear()
        wire.send(frames.step1(self.doc.get_state()))
        job = asyncio.create_task(self._run(wire))
        try:
            yield self
        finally:
            wire.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(job), 2)
            if isinstance(wire, SocketWire):
                await wire.gone()
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
