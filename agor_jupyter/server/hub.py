"""Hands events to all sockets: one reader of the bus, one frame for all who are at the same place.

A socket that is *live* in a session gets each frame as it is made, at most one in 33 ms for a
session. One that is not (just subscribed, or too slow, or the bus left this hub behind) is
*catching up*: it reads pages of the log at its own pace until nothing is missing, then is live
again. So nothing is kept for a slow reader but a number, and there is neither gap nor repetition:
only `cursor + 1` ever continues what was sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended, Behind, Subscription, WorkspaceAppended
from agor_jupyter.server.errors import log_bug
from agor_jupyter.server.inbox import Inbox
from agor_jupyter.server.outline import frames_of
from agor_jupyter.server.overview import Overview
from agor_jupyter.service.house import House

TICK_SECONDS = 0.033
PAGE = 200
BUS_BOUND = 4096
GOING_AWAY, FAILED = 1001, 1011
log = logging.getLogger(__name__)


class Listener(Protocol):
    """A socket, as the hub sees it."""

    def send(self, framed: bytes) -> bool:
        """Send at once, or say no: too much is under way to this client already."""
        ...

    async def drained(self) -> bool:
        """Wait until there is room again; False: the client does not read and was closed."""
        ...

    def hang_up(self, code: int, reason: str) -> None:
        """Close the socket from this side."""
        ...


def supervised(job: asyncio.Task[None], *listeners: Listener) -> asyncio.Task[None]:
    """Own a job: if it fails, say where, and hang up on those it served; they come again."""

    def ended(done: asyncio.Task[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log_bug(log, error, done.get_name())
            for listener in listeners:
                listener.hang_up(FAILED, "failed")

    job.add_done_callback(ended)
    return job


@dataclass
class Following:
    """How far a listener is in a session. `job` is there while it catches up."""

    cursor: int
    job: asyncio.Task[None] | None = None


@dataclass
class Topic:
    """A session that somebody follows: what waits for the next frame, and the last seq published."""

    session_id: SessionId
    listeners: dict[Listener, Following] = field(default_factory=dict)
    waiting: list[SessionEvent] = field(default_factory=list)
    seen: int = 0
    flushed: float = 0.0
    timer: asyncio.TimerHandle | None = None


class EventHub:
    """The one reader of the bus for all sockets of this server. It runs while there is a listener."""

    def __init__(self, house: House) -> None:
        self._log = house.log
        self._topics: dict[SessionId, Topic] = {}
        self._bus: Subscription | None = None
        self._pump: asyncio.Task[None] | None = None
        self.overview = Overview(house, supervised)
        self.inbox = Inbox(house, supervised)
        self.sockets: set[Listener] = set()

    def join(self, listener: Listener) -> None:
        """Begin to read the bus with the first socket."""
        self.sockets.add(listener)
        if self._pump is None:
            self._bus = self._log.subscribe(None, bound=BUS_BOUND)
            self._pump = asyncio.create_task(self._read(self._bus), name="agor-event-hub")
            self._pump.add_done_callback(self._pump_ended)

    def _pump_ended(self, pump: asyncio.Task[None]) -> None:
        """Hang up on everybody if the reading failed, or the log closed: nothing would come any more."""
        if pump is not self._pump:
            return  # stopped in order
        error = None if pump.cancelled() else pump.exception()
        if error is not None:
            log_bug(log, error, pump.get_name())
        for listener in tuple(self.sockets):
            self.leave(listener)
            listener.hang_up(FAILED, "failed")

    def leave(self, listener: Listener) -> None:
        """Forget a socket and end what it was catching up. Idempotent."""
        self.sockets.discard(listener)
        self.overview.leave(listener)
        self.inbox.leave(listener)
        for session_id in [key for key, topic in self._topics.items() if listener in topic.listeners]:
            self.unfollow(listener, session_id)
        if not self.sockets:
            self._stop()

    async def close(self) -> None:
        """End with the server: every socket is told, no job is left."""
        pump = self._pump
        for listener in tuple(self.sockets):
            self.leave(listener)
            listener.hang_up(GOING_AWAY, "the server stops")
        self._stop()
        if pump is not None:
            await asyncio.wait({pump}, timeout=5)

    def _stop(self) -> None:
        if self._bus is not None:
            self._bus.close()
        if self._pump is not None:
            self._pump.cancel()
        self._bus = self._pump = None

    # --- following a session

    def follow(self, listener: Listener, session_id: SessionId, after_seq: int) -> None:
        """Send every event after `after_seq`. Following anew from elsewhere replaces the old place."""
        self.unfollow(listener, session_id)
        topic = self._topics.setdefault(session_id, Topic(session_id))
        following = topic.listeners[listener] = Following(after_seq)
        self._catch_up(listener, topic, following)

    def unfollow(self, listener: Listener, session_id: SessionId) -> None:
        topic = self._topics.get(session_id)
        following = topic.listeners.pop(listener, None) if topic is not None else None
        if following is not None and following.job is not None:
            following.job.cancel()
        if topic is not None and not topic.listeners:
            if topic.timer is not None:
                topic.timer.cancel()
            del self._topics[session_id]

    def _catch_up(self, listener: Listener, topic: Topic, following: Following) -> None:
        if following.job is None:
            work = self._read_on(listener, topic, following)
            job = asyncio.create_task(work, name=f"agor-catch-up-{topic.session_id}")
            following.job = supervised(job, listener)

    async def _read_on(self, listener: Listener, topic: Topic, following: Following) -> None:
        while await listener.drained():
            events = await self._log.read(topic.session_id, after_seq=following.cursor, limit=PAGE)
            for last, frame in frames_of(topic.session_id, events):
                while not listener.send(frame):
                    if not await listener.drained():
                        return
                following.cursor = last
            if len(events) < PAGE and following.cursor >= topic.seen:
                # Nothing was published beyond what was sent; no await before the flag is down.
                following.job = None
                return

    # --- what the bus says

    async def _read(self, bus: Subscription) -> None:
        async for item in bus:
            match item:
                case Appended(session=session, events=events):
                    self.overview.session(session)
                    self.inbox.happened(events)
                    topic = self._topics.get(session.id)
                    if topic is not None and events:
                        topic.waiting.extend(events)
                        topic.seen = events[-1].seq
                        self._schedule(topic)
                case WorkspaceAppended(events=happened):
                    self.overview.happened(happened)
                case Behind():
                    self._refold()

    def _schedule(self, topic: Topic) -> None:
        """Flush now if the last frame is old enough, else when it is: no delay for what is rare."""
        if topic.timer is None:
            loop = asyncio.get_running_loop()
            when = max(loop.time(), topic.flushed + TICK_SECONDS)
            topic.timer = loop.call_at(when, self._flush, topic)

    def _flush(self, topic: Topic) -> None:
        topic.timer = None
        topic.flushed = asyncio.get_running_loop().time()
        events, topic.waiting = topic.waiting, []
        made: dict[int, list[tuple[int, bytes]]] = {}  # one frame for all who are at the same place
        for listener, following in tuple(topic.listeners.items()):
            if following.job is not None:
                continue  # its job looks at `seen` before it ends
            start = _first_after(events, following.cursor)
            if start == len(events):
                continue
            if events[start].seq != following.cursor + 1:
                self._catch_up(listener, topic, following)
                continue
            if start not in made:
                made[start] = list(frames_of(topic.session_id, events[start:]))
            for last, frame in made[start]:
                if not listener.send(frame):
                    self._catch_up(listener, topic, following)
                    break
                following.cursor = last

    def _refold(self) -> None:
        """The bus left this hub behind: everybody reads on from the log."""
        for topic in self._topics.values():
            topic.waiting.clear()
            for listener, following in topic.listeners.items():
                self._catch_up(listener, topic, following)
        self.overview.refold()
        self.inbox.refold()


def _first_after(events: Iterable[SessionEvent], cursor: int) -> int:
    index = 0
    for event in events:
        if event.seq > cursor:
            break
        index += 1
    return index
