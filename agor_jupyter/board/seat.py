"""One connection in a room: whose it is, what it may do, and what it still has to be sent.

Nothing is queued for a slow client. While its socket has not taken the last message, the seat only
remembers *from where* it misses the document and *whose* presence changed; when the socket is free
again it gets one message that makes up for all. So a stalled client costs one message, however long
it stalls, and is closed after a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from agor_jupyter.board.frames import Announcement, awareness_frame, step2, update_frame
from agor_jupyter.board.presence import Person
from agor_jupyter.board.wire import Channel, Parcel, stream_of, write
from agor_jupyter.domain.user import Grant

STALL_SECONDS = 4.5
BYTES_PER_SECOND = 256 * 1024
"""What a slow line must manage: a large message gets so much longer before it counts as stalled."""
MESSAGES_PER_SECOND = 300.0
MESSAGE_BURST = 900.0
FLOOD_ALLOWANCE = 1_500
INCOMING_BYTES_PER_SECOND = 2 * 1024 * 1024
INCOMING_BURST = 16 * 1024 * 1024
"""Enough for the whole of a large board, sent again after a long time away."""
MAX_OFFENCES = 20


class Encode(Protocol):
    """Gives what a document holds beyond a state vector."""

    def __call__(self, state: bytes) -> bytes: ...


@dataclass(slots=True)
class Budget:
    """Two token buckets, for messages and for their bytes. `at` is when they were last filled."""

    at: float
    messages: float = MESSAGE_BURST
    bytes: float = INCOMING_BURST
    overdrawn: int = 0

    def spend(self, now: float, size: int) -> bool:
        """Pay for a message; False once there is too little for it."""
        passed, self.at = now - self.at, now
        self.messages = min(MESSAGE_BURST, self.messages + passed * MESSAGES_PER_SECOND)
        self.bytes = min(INCOMING_BURST, self.bytes + passed * INCOMING_BYTES_PER_SECOND) - size
        if self.messages < 1:
            self.overdrawn += 1
            return False
        self.messages -= 1
        return True

    @property
    def is_flooded(self) -> bool:
        return self.overdrawn > FLOOD_ALLOWANCE or self.bytes < 0


@dataclass(slots=True, eq=False)
class Seat:
    """See the module. `client_id` is the Yjs client that the connection may speak for."""

    channel: Channel
    user: Person
    client_id: int | None
    grants: frozenset[Grant]
    encode: Encode
    budget: Budget
    offences: int = 0
    failed_checks: int = 0
    asked_at: float = float("-inf")
    sent_at: float = 0.0
    job: asyncio.Task[None] | None = None
    closed: bool = False
    _under_way: int = 0
    _deadline: float | None = None
    _wanted: bytes | None = None
    _missed: bytes | None = None
    _unheard: dict[int, Announcement] = field(default_factory=dict)
    _sending: set[asyncio.Future[Any]] = field(default_factory=set)

    @property
    def person(self) -> str:
        return self.user.username

    @property
    def may_write(self) -> bool:
        return ("write", "agor:boards") in self.grants

    @property
    def busy(self) -> bool:
        return self._under_way > 0

    def is_stalled(self, now: float) -> bool:
        return self._deadline is not None and now > self._deadline

    def answer(self, state: bytes) -> None:
        """Answer a SYNC_STEP1 whose state vector is `state`; the last one asked counts."""
        self._wanted = state
        if not self.busy:
            self._catch_up()

    def take(self, parcel: Parcel, before: bytes, heard: list[Announcement]) -> None:
        """Send a tick's parcel. A busy seat notes what it misses: all since `before`, and `heard`."""
        if self.closed:
            return
        if self.busy:
            self._missed = before if self._missed is None else self._missed
            self._unheard.update((each.client_id, each) for each in heard)
            return
        self._send(parcel)

    def send(self, *frames: bytes) -> None:
        """Hand frames to the socket without waiting for it."""
        self._send(Parcel(*frames))

    def _send(self, parcel: Parcel) -> None:
        future = write(self.channel, parcel)
        if future is None:
            self.closed = True
            return
        self.sent_at = asyncio.get_running_loop().time()
        if future.done() and not future.cancelled() and future.exception() is None:
            return  # the socket took it at once: the usual case
        self._sending.add(future)
        self._under_way += 1
        if self._deadline is None:  # what is sent on top must not give a stalled client more time
            self._deadline = self.sent_at + STALL_SECONDS + parcel.size / BYTES_PER_SECOND
        future.add_done_callback(self._sent)

    def _sent(self, future: asyncio.Future[Any]) -> None:
        self._sending.discard(future)
        self._under_way -= 1
        # A socket that fails is closed, and its receiving side says so: nothing to do here.
        if future.cancelled() or future.exception() is not None:
            self.closed = True
        if self._under_way == 0:
            self._deadline = None
            if not self.closed:
                self._catch_up()

    def _catch_up(self) -> None:
        frames: list[bytes] = []
        if self._wanted is not None:
            # A diff from what the client has also holds what it missed meanwhile.
            state, self._wanted, self._missed = self._wanted, None, None
            frames.append(step2(self.encode(state)))
        elif self._missed is not None:
            state, self._missed = self._missed, None
            frames.append(update_frame(self.encode(state)))
        if self._unheard:
            unheard, self._unheard = list(self._unheard.values()), {}
            frames.append(awareness_frame(unheard))
        if frames:
            self.send(*frames)

    def leave(self) -> None:
        """Let go of what was not sent."""
        self.closed = True
        for future in list(self._sending):
            future.cancel()

    def abort(self, code: int, reason: str) -> None:
        """Close a connection that takes nothing any more, without waiting for its farewell."""
        # tornado would keep the socket and what it holds for five more seconds.
        stream = stream_of(self.channel)
        self.evict(code, reason)
        if stream is not None:
            stream.close()

    def evict(self, code: int, reason: str) -> None:
        """Close this connection and stop serving it."""
        self.closed = True
        close: Callable[[int, str], object] | None = getattr(self.channel, "close", None)
        if close is not None:
            close(code, reason)
        if self.job is not None:
            self.job.cancel()
