"""A guard before jupyter-collaboration's own rooms: who may not write a file cannot write its room.

jupyter-collaboration asks once, at the handshake, for *reading*, and then takes every edit: a viewer
who connects changes the file on disk (upstream #324, 5.0.x). Its handler has no hook, so four of its
methods are wrapped, once a process. What is refused:

- edits, and the request to save, of a person without (write, contents); asked anew every
  `RECHECK_SECONDS`, and a person who may no longer read is closed;
- presence under another person's name, or for a client that another person holds;
- frames that are no frames, of which the room's decoder would make an exception or worse;
- rooms that nobody made: a page that names an unknown room creates it for ever, and under a board's
  id takes the board's place. A board's room is found in `BoardDocuments` and put into the table at
  this moment, so that no page is fast enough after a restart to come before it; any other new room
  without a file needs (write, contents);
- forks and undo of boards' documents, which would write past the board's own guard;
- pages of a foreign origin (upstream lets all in).

Names of jupyter-collaboration that are not documented API are used in this module and in
`board.collaboration`. Where one is missing the guard says so in the log and leaves the rest alone.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.ioloop import PeriodicCallback

from agor_jupyter.board import frames
from agor_jupyter.board.frames import Kind
from agor_jupyter.board.lib0 import Reader, Unreadable
from agor_jupyter.board.presence import own_words, read_state
from agor_jupyter.board.room import MAX_FRAME, SMALL_FRAME
from agor_jupyter.board.updates import Unsupported, read_update
from agor_jupyter.server.rooms import boards_of

RECHECK_SECONDS = 5.0
CHECKED_UPDATE = 256 * 1024
"""Larger updates are not read before they are passed on: reading one would hold the loop."""
RAW = 2
BAD_FRAMES, MAY_NOT = 4400, 4403
MAX_OFFENCES = 20
GLOBAL_AWARENESS = "JupyterLab:globalAwareness"
BOARD_PREFIXES = ("agor-board-", "agor-status-")

_NEEDED = ("prepare", "open", "on_message", "on_close", "max_message_size")
_INSTALLED = "_agor_guard"

logger = logging.getLogger(__name__)


def install() -> bool:
    """Wrap jupyter-collaboration's handlers; give whether they are guarded now. Idempotent.

    Call it while extensions load: before the first request, whatever the order of the extensions.
    """
    try:
        from jupyter_server_ydoc import handlers
    except ImportError:
        logger.info("jupyter-collaboration is not installed: there are no file rooms to guard.")
        return False
    socket = getattr(handlers, "YDocWebSocketHandler", None)
    missing = [name for name in _NEEDED if not hasattr(socket, name)]
    if socket is None or missing:
        logger.error(
            "This jupyter-collaboration has no %s: its file rooms are NOT guarded, and viewers can write.",
            ", ".join(missing) or "YDocWebSocketHandler",
        )
        return False
    if not getattr(socket, _INSTALLED, False):
        _wrap_socket(socket)
        for name in ("DocForkHandler", "UndoRedoHandler", "TimelineHandler"):
            other = getattr(handlers, name, None)
            if other is not None:
                _wrap_rest(other)
    return True


def room_id_of(handler: Any) -> str:
    """Name the room that a request asks for, as jupyter-collaboration does: the last part of the path."""
    return str(handler.request.path).split("/")[-1]


def is_board_room(room_id: str) -> bool:
    return room_id.startswith(BOARD_PREFIXES)


class Gate:
    """What one connection may do in a room that is not ours."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._may_write: bool | None = None
        self._asked_at = 0.0
        self._clients: set[int] = set()
        self.offences = 0
        self.watch: Any = None

    async def may_write(self) -> bool:
        """Say whether the person may change files; what is older than `RECHECK_SECONDS` is asked anew."""
        now = time.monotonic()
        if self._may_write is None or now - self._asked_at >= RECHECK_SECONDS:
            self._may_write = await self.ask("write")
            self._asked_at = now
        return self._may_write

    async def ask(self, action: str) -> bool:
        handler = self._handler
        answer = handler.authorizer.is_authorized(handler, handler.current_user, action, "contents")
        return bool(await answer if inspect.isawaitable(answer) else answer)

    async def passes(self, message: object, *, only_form: bool = False) -> bytes | None:
        """Give what may be passed on of a message: all, a part, or None. Raises `Unreadable`."""
        if not isinstance(message, bytes) or not message:
            raise Unreadable("it is no binary frame")
        if message[0] == RAW:
            return message if not only_form and await self.may_write() else None
        if only_form:
            return message
        frame = frames.read_frame(message)
        if len(message) > SMALL_FRAME and frame.kind in (Kind.STEP1, Kind.AWARENESS):
            raise Unreadable("it is too large for what it says")
        if frame.kind in (Kind.STEP2, Kind.UPDATE):
            if frame.payload == frames.EMPTY_UPDATE:
                return message
            if not await self.may_write():
                return None
            _check_update(frame.payload)
        elif frame.kind is Kind.STEP1:
            _check_state(frame.payload)
        elif frame.kind is Kind.AWARENESS:
            return self._presence(frame.payload)
        return message

    def _presence(self, payload: bytes) -> bytes | None:
        """Keep what the connection says of its own clients under its own person's name."""
        user = self._handler.current_user
        person = user.username
        claims: dict[int, str] = self._claims()
        kept = []
        for each in frames.read_announcements(payload):
            holder = claims.get(each.client_id, person)
            if holder != person or (each.state == "null" and each.client_id not in self._clients):
                continue
            said = each if _is_nobody(each.state) else own_words(each, user)
            if said is None:
                continue
            claims[each.client_id] = person
            self._clients.add(each.client_id)
            kept.append(said)
        return frames.awareness_frame(kept) if kept else None

    def _claims(self) -> dict[int, str]:
        room = self._handler.room
        claims: dict[int, str] | None = getattr(room, "agor_claims", None)
        if claims is None:
            claims = {}
            room.agor_claims = claims
        return claims

    def leave(self) -> None:
        if self.watch is not None:
            self.watch.stop()
        claims = getattr(getattr(self._handler, "room", None), "agor_claims", {})
        for client_id in self._clients:
            claims.pop(client_id, None)


def _is_nobody(state: str) -> bool:
    """Say whether a state names no user at all: it claims nothing."""
    found = read_state(state)
    return found is not None and "user" not in found


def _check_update(update: bytes) -> None:
    if len(update) <= CHECKED_UPDATE:
        try:
            read_update(update)
        except Unsupported:
            return  # a file's document may hold kinds that a board's may not


def _check_state(state: bytes) -> None:
    reader = Reader(state)
    for _ in range(reader.uint()):
        reader.uint()
        reader.uint()


def _wrap_socket(socket: Any) -> None:
    prepare, opened = socket.prepare, socket.open
    heard, closed = socket.on_message, socket.on_close

    async def guarded_prepare(self: Any) -> None:
        await _admit_room(self)
        await prepare(self)

    async def guarded_open(self: Any, *args: Any, **kwargs: Any) -> None:
        self.agor_gate = gate = Gate(self)
        if not is_board_room(room_id_of(self)):
            gate.watch = _watch(self, gate)
        await opened(self, *args, **kwargs)

    async def guarded_message(self: Any, message: Any) -> None:
        passed = await _judged(self, message)
        if passed is not None:
            await heard(self, passed)

    def guarded_close(self: Any) -> None:
        gate: Gate | None = getattr(self, "agor_gate", None)
        if gate is not None:
            gate.leave()
        closed(self)

    def same_origin(self: Any, origin: str = "") -> bool:
        return bool(JupyterHandler.check_origin(self, origin))

    def message_limit(self: Any) -> int:
        return MAX_FRAME + 16 if is_board_room(room_id_of(self)) else int(limit(self))

    limit = socket.max_message_size.fget  # upstream: 1 GB, read whole before anyone may judge it
    socket.max_message_size = property(message_limit)
    socket.check_origin = same_origin
    socket.prepare, socket.open = guarded_prepare, guarded_open
    socket.on_message, socket.on_close = guarded_message, guarded_close
    setattr(socket, _INSTALLED, True)


async def _judged(handler: Any, message: Any) -> Any:
    """Give what of a message reaches jupyter-collaboration's handler."""
    gate: Gate = handler.agor_gate
    try:
        # A board's room judges frames itself; only an empty one would end its serving.
        return await gate.passes(message, only_form=is_board_room(room_id_of(handler)))
    except Unreadable as error:
        gate.offences += 1
        logger.debug("%s: dropped a frame: %s", room_id_of(handler), error)
        if gate.offences > MAX_OFFENCES:
            handler.close(BAD_FRAMES, "too many bad messages")
        return None


def _watch(handler: Any, gate: Gate) -> Any:
    """Ask every few seconds whether the person may still read."""

    async def look() -> None:
        if not await gate.ask("read"):
            handler.close(MAY_NOT, "you may no longer read this")

    timer = PeriodicCallback(look, RECHECK_SECONDS * 1000)
    timer.start()
    return timer


async def _admit_room(handler: Any) -> None:
    """Let a request in to a room that exists or may be made; refuse the others."""
    room_id = room_id_of(handler)
    table = handler._websocket_server
    # Before anything is looked up: who is not let in learns of no room, and leaves none behind.
    user = handler.identity_provider.get_user(handler)
    handler.current_user = await user if inspect.isawaitable(user) else user
    gate = Gate(handler)
    if handler.current_user is None or not await gate.ask("read"):
        raise web.HTTPError(403, "You may not read this.")
    if is_board_room(room_id):
        boards = boards_of(handler.settings)
        if boards is None or await boards.wait_room(room_id) is None:
            raise web.HTTPError(404, "There is no such board.")
        boards.register(table)
    elif room_id.count(":") >= 2:
        if _is_unknown_file(handler, room_id):
            raise web.HTTPError(404, "There is no such file.")
    elif room_id != GLOBAL_AWARENESS and room_id not in table.rooms and not await gate.ask("write"):
        raise web.HTTPError(403, "There is no such room.")


def _is_unknown_file(handler: Any, room_id: str) -> bool:
    """Say whether a room's file id stands for no path: upstream answers that with a 500."""
    manager = handler.settings.get("file_id_manager")
    return manager is not None and manager.get_path(room_id.split(":", 2)[2]) is None


def _wrap_rest(handler: Any) -> None:
    """Refuse what the REST handlers of forks and undo would do to a board's document."""
    prepare: Callable[[Any], Awaitable[None] | None] = handler.prepare

    async def guarded_prepare(self: Any) -> None:
        if any(is_board_room(part) for part in unquote(self.request.path).split("/")):
            raise web.HTTPError(404, "Boards have no forks.")
        waiting = prepare(self)
        if inspect.isawaitable(waiting):
            await waiting

    handler.prepare = guarded_prepare
