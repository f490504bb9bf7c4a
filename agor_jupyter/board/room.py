"""The room of one shared document: `pycrdt.websocket.YRoom`'s place, with a guard at each channel.

What is different from a plain `YRoom`, and why:

- A role is a connection's. Updates of a person without (write, agor:boards) are dropped; in a
  `server_only` room everybody's are. Grants are asked again every `RECHECK_SECONDS`.
- An update of a client is read strictly and judged before it touches the document (`updates`,
  `shape`), and what it changed is inspected after; what does not fit is deleted in the same tick.
- All that happens within `TICK_SECONDS` leaves as one frame: a plain room relays N² messages for N
  people, and pycrdt-websocket's buffer of 65,536 updates loses the rest in silence.
- Presence is believed only about the connection itself (`presence`).
- A slow client costs one message (`seat`); a stalled or flooding one is closed.

It runs on asyncio alone: `start` and `stop` of the base class, which want an anyio task group, are
replaced, and `started` is always set, so that nobody else starts it. Only public names of `YRoom`
are used or overridden; `tests/board/test_yroom_names.py` holds them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_server.auth import User
from pycrdt import Doc, TransactionEvent, merge_updates
from pycrdt.websocket import YRoom

from agor_jupyter.board import frames
from agor_jupyter.board.intake import Intake, Refused
from agor_jupyter.board.lib0 import Unreadable
from agor_jupyter.board.presence import Presence, own_words
from agor_jupyter.board.seat import MAX_OFFENCES, Budget, Seat
from agor_jupyter.board.updates import read_state
from agor_jupyter.board.wire import Channel, Parcel
from agor_jupyter.domain.user import Grant

TICK_SECONDS = 0.033
WATCH_SECONDS = 1.0
RECHECK_SECONDS = 5.0
ALIVE_SECONDS = 15.0
"""A y-websocket client gives up after 30 s without a message."""
MAX_FRAME = 4 * 1024 * 1024
SMALL_FRAME = 64 * 1024
"""More than a state vector or a presence of a sound client takes; reading a larger one holds the loop."""
MAX_DOCUMENT = 16 * 1024 * 1024
MAX_MERGE = 256
"""Up to so many updates of a tick are merged; above, one diff of the document is cheaper."""

GOING_AWAY, POLICY, TOO_BIG, TRY_LATER = 1001, 1008, 1009, 1013
BAD_FRAMES, MAY_NOT, NOT_HERE = 4400, 4403, 4404

READ: Grant = ("read", "agor:boards")

GrantsOf = Callable[[Channel], Awaitable[frozenset[Grant]]]
"""Asks Jupyter's Authorizer what the person behind a channel may do at this moment."""


class BoardRoom(YRoom):
    """See the module. `loaded` must be set (by `open`) before anybody is served."""

    clients: set[Any]

    def __init__(
        self,
        room_id: str,
        doc: Doc[Any],
        *,
        grants_of: GrantsOf,
        server_only: bool = False,
        log: logging.Logger | None = None,
    ) -> None:
        super().__init__(ready=True, ydoc=doc, log=log or logging.getLogger(__name__))
        self.room_id = room_id
        self.server_only = server_only
        self.read_only_reason = ""
        self.on_change: Callable[[], None] | None = None
        self.size_hint = 0
        self.dropped = 0
        self._grants_of = grants_of
        self._running = asyncio.Event()
        self._running.set()
        self._loaded = asyncio.Event()
        self._seats: set[Seat] = set()
        self._presence = Presence()
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._updates: list[bytes] | None = []
        self._dirty = False
        self._flushed = b"\x00"
        self._intake = None if server_only else Intake(doc)
        doc.observe(self._changed)

    # --- life

    @property
    def started(self) -> Any:  # the face of anyio's Event
        """Be set from the beginning: nobody needs to start this room."""
        return self._running

    def open(self, read_only_reason: str = "") -> None:
        """Let clients in: the document is loaded. A reason makes the room read-only for everyone."""
        self.read_only_reason = read_only_reason
        self._flushed = self.ydoc.get_state()
        self._updates, self._dirty = [], False
        self._loaded.set()

    async def wait_loaded(self) -> None:
        await self._loaded.wait()

    async def start(self, **_: Any) -> None:
        """Do nothing: the room runs from `open` on. Its callers expect to be able to call it."""

    async def stop(self) -> None:
        """Close every connection; may be repeated. The document stays readable."""
        self.close(GOING_AWAY, "the server stops")

    def close(self, code: int, reason: str) -> None:
        """Close every connection with a code, and stop all jobs."""
        for seat in list(self._seats):
            seat.evict(code, reason)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    # --- the document's changes go out

    def _changed(self, event: TransactionEvent) -> None:
        if self._updates is not None:
            if len(self._updates) < MAX_MERGE:
                self._updates.append(event.update)
            else:
                self._updates = None  # too many: the tick will take a diff
        self._dirty = True
        if self._intake is not None and not self._intake.applying:
            self._intake.forget_state()
        if self.on_change is not None:
            self.on_change()
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is None and self._seats:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._flush)

    def _take_update(self) -> bytes | None:
        """Give all that changed since the last tick as one update."""
        if not self._dirty:
            return None
        updates, self._updates, self._dirty = self._updates, [], False
        if updates is None:
            return self.ydoc.get_update(self._flushed)
        return updates[0] if len(updates) == 1 else merge_updates(*updates)

    def _flush(self) -> None:
        self._timer = None
        before, update = self._flushed, self._take_update()
        heard = self._presence.take_changed()
        out = [] if update is None else [frames.update_frame(update)]
        if heard:
            out.append(frames.awareness_frame(heard))
        if update is not None:
            self._flushed = self.ydoc.get_state()
        parcel = Parcel(*out)
        for seat in list(self._seats) if out else ():
            seat.take(parcel, before, heard)

    def send_server_awareness(self, type: str, changes: tuple[dict[str, Any], Any]) -> None:
        """Say nothing: the server is nobody at the board."""

    # --- one connection

    async def serve(self, channel: Any) -> None:
        """Serve a connection until it closes or loses its right to read."""
        await self._loaded.wait()
        (grants,) = await self._ask_grants([channel])
        seat = Seat(
            channel=channel,
            user=_user_of(channel),
            client_id=_client_id_of(channel),
            grants=frozenset() if isinstance(grants, BaseException) else grants,
            encode=self.ydoc.get_update,
            budget=Budget(at=asyncio.get_running_loop().time()),
        )
        if READ not in seat.grants:
            seat.evict(MAY_NOT, "you may not read this board")
            return
        seat.job = asyncio.create_task(self._receive(seat))
        self._enter(seat)
        try:
            await asyncio.wait({seat.job})
        finally:
            seat.job.cancel()
            self._leave(seat)
        if not seat.job.cancelled() and (error := seat.job.exception()) is not None:
            self.log.error("%s: a connection failed", self.room_id, exc_info=error)

    def _enter(self, seat: Seat) -> None:
        self._seats.add(seat)
        self.clients.add(seat.channel)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name=f"agor-watch-{self.room_id}")
            self._watcher.add_done_callback(self._watch_ended)
        if len(self._seats) == 1:
            # Nobody listened: what gathered until now comes with the newcomer's first sync.
            self._flushed, self._updates, self._dirty = self.ydoc.get_state(), [], False
        present = self._presence.everyone()
        greeting = [frames.awareness_frame(present)] if present else []
        seat.send(frames.step1(self.ydoc.get_state()), *greeting)

    def _leave(self, seat: Seat) -> None:
        self._seats.discard(seat)
        self.clients.discard(seat.channel)
        seat.leave()
        if self._presence.leave(seat) and self._seats:
            if self._timer is not None:
                self._timer.cancel()
            self._flush()
        if not self._seats and self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def _receive(self, seat: Seat) -> None:
        loop = asyncio.get_running_loop()
        count = 0
        async for message in seat.channel:
            count += 1
            if count % 32 == 0:
                await asyncio.sleep(0)  # a flood must not starve the others
            within = seat.budget.spend(loop.time(), len(message))
            if seat.budget.is_flooded:
                self._drop("a flood")
                seat.evict(POLICY, "too many messages")
                return
            try:
                self._hear(seat, message, within=within)
            except Unreadable as error:
                self._offend(seat, str(error))
            if seat.closed:
                return

    def _hear(self, seat: Seat, message: object, *, within: bool) -> None:
        if isinstance(message, bytes) and len(message) > MAX_FRAME:
            seat.evict(TOO_BIG, "the message is too large")
            return
        frame = frames.read_frame(message)
        if len(frame.payload) > SMALL_FRAME and frame.kind in (frames.Kind.STEP1, frames.Kind.AWARENESS):
            raise Unreadable("it is too large for what it says")
        if frame.kind is frames.Kind.STEP1:
            read_state(frame.payload)
            if within:
                seat.answer(frame.payload)
        elif frame.kind in (frames.Kind.STEP2, frames.Kind.UPDATE):
            self._apply(seat, frame.payload)
        elif frame.kind is frames.Kind.AWARENESS:
            if within:
                self._hear_presence(seat, frame.payload)
        elif frame.kind is frames.Kind.QUERY_AWARENESS and within and not seat.busy:
            seat.send(frames.awareness_frame(self._presence.everyone()))

    # --- what a client writes

    def _apply(self, seat: Seat, data: bytes) -> None:
        if data == frames.EMPTY_UPDATE:
            return
        if self._intake is None or self.read_only_reason or not seat.may_write:
            self._drop("no right to write")
            return
        if self.size_hint > MAX_DOCUMENT:
            raise Refused("the board is full")
        if not self._intake.take(data):
            self._ask_again(seat)

    def _ask_again(self, seat: Seat) -> None:
        """Ask a client for all that is missing: it wrote on top of something not seen here."""
        now = asyncio.get_running_loop().time()
        self._drop("an update out of order")
        if now - seat.asked_at >= 1.0 and not seat.busy:
            seat.asked_at = now
            seat.send(frames.step1(self.ydoc.get_state()))

    def _hear_presence(self, seat: Seat, payload: bytes) -> None:
        now = asyncio.get_running_loop().time()
        for said in frames.read_announcements(payload):
            # y-websocket clients repeat what they hear of others: not wrong, only not believed.
            if said.client_id != seat.client_id:
                self.dropped += 1
                continue
            announcement = own_words(said, seat.user)
            if announcement is None:
                self._drop("presence in another's name")
                continue
            holder = self._presence.holder(announcement.client_id)
            if isinstance(holder, Seat) and holder.person != seat.person:
                self._drop("presence of another's client")
                continue
            if self._presence.announce(announcement, seat, now):
                self._schedule()

    def _drop(self, reason: str) -> None:
        self.dropped += 1
        self.log.debug("%s: dropped: %s", self.room_id, reason)

    def _offend(self, seat: Seat, reason: str) -> None:
        """Count something that a sound client never does; close the client that goes on doing it."""
        self._drop(reason)
        seat.offences += 1
        if seat.offences > MAX_OFFENCES:
            self.log.warning("%s: closing a connection of %s: %s", self.room_id, seat.person, reason)
            seat.evict(BAD_FRAMES, "too many bad messages")

    # --- the watch

    async def _watch(self) -> None:
        """Every second close who is stalled; every few ask for everyone's grants again."""
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = loop.time()
            for seat in list(self._seats):
                if seat.is_stalled(now):
                    self.log.warning("%s: closing a stalled connection of %s", self.room_id, seat.person)
                    seat.abort(TRY_LATER, "behind")
                elif now - seat.sent_at > ALIVE_SECONDS and not seat.busy:
                    seat.send(frames.awareness_frame([]))
            if self._presence.drop_stale(now):
                self._schedule()
            if now - checked >= RECHECK_SECONDS:
                checked = now
                await self.recheck()

    def _watch_ended(self, watcher: asyncio.Task[None]) -> None:
        if not watcher.cancelled() and (error := watcher.exception()) is not None:
            self.log.error("%s: the watch failed", self.room_id, exc_info=error)
            self._watcher = asyncio.create_task(self._watch(), name=f"agor-watch-{self.room_id}")
            self._watcher.add_done_callback(self._watch_ended)

    async def recheck(self) -> None:
        """Ask for everyone's grants; who may no longer read is closed.

        An Authorizer that fails is believed once (a hub may be restarting), not twice.
        """
        seats = list(self._seats)
        for seat, grants in zip(seats, await self._ask_grants([seat.channel for seat in seats]), strict=True):
            if isinstance(grants, BaseException):
                seat.failed_checks += 1
                if seat.failed_checks < 2:
                    continue
                grants = frozenset()
            else:
                seat.failed_checks = 0
            seat.grants = grants
            if READ not in grants:
                seat.evict(MAY_NOT, "you may no longer read this board")

    async def _ask_grants(self, channels: list[Channel]) -> list[frozenset[Grant] | BaseException]:
        asked = [asyncio.wait_for(self._grants_of(channel), RECHECK_SECONDS) for channel in channels]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                self.log.error("%s: asking for grants failed", self.room_id, exc_info=answer)
        return answers


def _user_of(channel: Any) -> User:
    user = getattr(channel, "current_user", None)
    return user if isinstance(user, User) else User(username="")


def _client_id_of(channel: Any) -> int | None:
    """Read `clientId` from the address, on our endpoint and on jupyter-collaboration's alike."""
    ask: Callable[..., str] | None = getattr(channel, "get_query_argument", None)
    text = ask("clientId", "") if ask is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else None
