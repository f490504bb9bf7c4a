"""The events socket: what is going on, live, from any place on, to as many browsers as there are.

It speaks for one person, asked anew of the Authorizer at each subscription and every five seconds.
What a client sends can be anything; what it gets for nonsense is a problem.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlparse

from pydantic import ValidationError
from tornado import web
from tornado.websocket import WebSocketHandler

from agor_jupyter.domain.errors import Conflict, InvalidRequest
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.user import Actor
from agor_jupyter.server import bodies, frame_writer
from agor_jupyter.server.base import Entrance
from agor_jupyter.server.doors import guarded_socket
from agor_jupyter.server.errors import is_bug, log_bug, problem_of
from agor_jupyter.server.frames import WORKSPACE, ClientFrame, Subscribe, Unsubscribe
from agor_jupyter.server.hub import EventHub
from agor_jupyter.service import sessions
from agor_jupyter.service.access import RULES, admit

MAX_SUBSCRIPTIONS = 200
MAX_MESSAGE = 16 * 1024
MAX_MESSAGES_A_SECOND = 100
RECHECK_SECONDS = 5.0
STALL_SECONDS = 4.0
HIGH_WATER = 1024 * 1024
LOW_WATER = 256 * 1024
PING_SECONDS = 20.0
BEHIND, TOO_MANY, MAY_NOT = 1013, 1008, 4403


class EventsHandler(WebSocketHandler, Entrance):
    """One browser's socket. `_in_flight` counts the bytes that the client has not taken yet."""

    auth_resource = "agor:sessions"
    _in_flight = 0
    _actor: Actor
    _watch: asyncio.Task[None] | None = None
    _subscribed: set[str]
    _second = 0
    _messages = 0
    _moved: asyncio.Event

    @property
    def hub(self) -> EventHub:
        hub: EventHub = self.settings["agor_hub"]
        return hub

    @property
    def max_message_size(self) -> int:
        return 1024 * 1024

    @property
    def ping_interval(self) -> float | None:
        return PING_SECONDS

    @property
    def ping_timeout(self) -> float | None:
        return PING_SECONDS

    def check_origin(self, origin: str | None = None) -> bool:
        """Ask for the same origin of everybody who names one, a token or not (Jupyter would not).

        What `allow_origin` names is let in as everywhere in this server.
        """
        origin = self.get_origin() if origin is None else origin
        if origin is None:
            return True
        same = urlparse(origin.lower()).netloc == (self.request.headers.get("Host") or "").lower()
        return same or (bool(self.allow_origin or self.allow_origin_pat) and super().check_origin(origin))

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler's own
        if not await self.enter_by_token():
            await super().prepare(_redirect_to_login=False)

    @guarded_socket(RULES["events.follow"])
    async def get(self, *args: Any, **kwargs: Any) -> None:
        if "agor" not in self.settings:
            raise web.HTTPError(503, reason="Closed")
        self._actor = await self.find_actor()
        await super().get(*args, **kwargs)

    def open(self, *args: str, **kwargs: str) -> None:
        self._subscribed = set()
        self._moved = asyncio.Event()
        self.set_nodelay(True)
        self.hub.join(self)
        self._watch = asyncio.create_task(self._recheck(), name="agor-socket-recheck")

    def on_close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._moved.set()
            self.hub.leave(self)

    # --- what the client says

    async def on_message(self, message: str | bytes) -> None:
        if self._floods():
            self.close(TOO_MANY, "too many messages")
            return
        number: int | None = None
        try:
            frame = _parse(message)
            number = frame.id
            await self._obey(frame)
        except Exception as error:  # the handler base of the socket: each is reported, none swallowed
            if is_bug(error):
                log_bug(self.log, error, "the events socket")
            self._say({"reply": number, "problem": problem_of(error)})

    def _floods(self) -> bool:
        second = int(asyncio.get_running_loop().time())
        self._messages = self._messages + 1 if second == self._second else 1
        self._second = second
        return self._messages > MAX_MESSAGES_A_SECOND

    async def _obey(self, frame: ClientFrame) -> None:
        if frame.ping is not None:
            self._say({"pong": frame.ping})
            return
        if frame.subscribe is not None:
            await self._subscribe(frame.subscribe)
        elif frame.unsubscribe is not None:
            self._unsubscribe(frame.unsubscribe)
        self._say({"reply": frame.id, "ok": True})

    async def _subscribe(self, wish: Subscribe) -> None:
        self._actor = await self.find_actor()
        topic = wish.topic
        if topic not in self._subscribed and len(self._subscribed) >= MAX_SUBSCRIPTIONS:
            raise Conflict(f"A socket follows at most {MAX_SUBSCRIPTIONS} sessions.", hint="Leave one first.")
        if wish.session is not None:
            session = await sessions.show(self.house, self._actor, wish.session)
            if self.ws_connection is None:
                return  # it left while the session was looked up
            self.hub.follow(self, session.id, wish.after_seq or 0)
        elif wish.workspace:
            self._actor.require("read", "agor:worktrees")
            self.hub.overview.watch(self, self._actor, wish.after_seq)
        else:
            admit(self._actor, "permissions.browse")
            self.hub.inbox.watch(self)
        self._subscribed.add(topic)

    def _unsubscribe(self, wish: Unsubscribe) -> None:
        self._subscribed.discard(wish.topic)
        if wish.session is not None:
            self.hub.unfollow(self, SessionId(wish.session))
        elif wish.workspace:
            self.hub.overview.leave(self)
        else:
            self.hub.inbox.leave(self)

    async def _recheck(self) -> None:
        """Ask every five seconds whether this person may still read; close when not."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            if not await self.still_known():
                self.close(MAY_NOT, "not logged in")
                return
            self._actor = await self.find_actor()
            self.hub.overview.update(self, self._actor)
            needed = ("agor:worktrees",) if WORKSPACE in self._subscribed else ()
            if not all(self._actor.may("read", resource) for resource in ("agor:sessions", *needed)):
                self.close(MAY_NOT, "may not read")
                return

    # --- what the client hears

    def _say(self, frame: dict[str, object]) -> None:
        if not self.send(frame_writer.frame(json.dumps(frame))):
            self.close(BEHIND, "behind")

    def send(self, framed: bytes) -> bool:
        """Send unless too much is under way already. Never waits."""
        if self._in_flight > HIGH_WATER:
            return False
        written = frame_writer.write(self, framed)
        if written is not None:
            self._in_flight += len(framed)
            written.add_done_callback(lambda future: self._written(future, len(framed)))
        return True

    def _written(self, future: asyncio.Future[None], size: int) -> None:
        if not future.cancelled():
            future.exception()  # a closed stream: `on_close` ends everything
        self._in_flight -= size
        self._moved.set()

    async def drained(self) -> bool:
        """Wait for room. A client that takes nothing for four seconds is closed."""
        while self._in_flight > LOW_WATER:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), STALL_SECONDS)
            except TimeoutError:
                self._drop()
                return False
        return self.ws_connection is not None

    def hang_up(self, code: int, reason: str) -> None:
        self.close(code, reason)

    def _drop(self) -> None:
        """Close a client that does not read. Its buffer is full: say so, and do not wait for it."""
        connection = self.ws_connection
        self.close(BEHIND, "behind")
        stream = getattr(connection, "stream", None)
        if stream is not None:
            asyncio.get_running_loop().call_later(STALL_SECONDS, stream.close)


def _parse(message: str | bytes) -> ClientFrame:
    if isinstance(message, bytes):
        raise InvalidRequest("Frames are text.", hint="Send JSON as text.")
    if len(message) > MAX_MESSAGE:
        raise InvalidRequest(f"A message has at most {MAX_MESSAGE} characters.")
    try:
        value = bodies.read_json(message.encode())
    except UnicodeEncodeError:
        raise InvalidRequest("The message is not text.") from None
    try:
        return ClientFrame.model_validate(value)
    except ValidationError as error:
        raise bodies.invalid(error) from None
