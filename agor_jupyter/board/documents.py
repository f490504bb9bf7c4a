"""All boards' rooms: opened at start, kept on disk, registered with jupyter-collaboration.

A board has two documents: the layout (browsers write it) and the status (only the server writes
it). Both continue across restarts from their snapshots; a history that is made anew under connected
clients would fork from theirs. The server writes under a client id that is the time of its start: of
two values that were written without knowing of each other the higher id wins, so after a crash what
the server says now always beats what it said in the last quarter second before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc

from agor_jupyter.board import collaboration, migrate
from agor_jupyter.board.collaboration import RoomTable
from agor_jupyter.board.grants import ask_authorizer
from agor_jupyter.board.lib0 import Unreadable
from agor_jupyter.board.room import NOT_HERE, BoardRoom, GrantsOf
from agor_jupyter.board.snapshots import Snapshots
from agor_jupyter.board.status import Status
from agor_jupyter.board.updates import read_update
from agor_jupyter.board.ydoc import Layout
from agor_jupyter.domain.board import Board, Zone, layout_room_id, status_room_id
from agor_jupyter.domain.errors import AgorError, NotFound
from agor_jupyter.domain.ids import ENTROPY_BYTES, BoardId, WorktreeId, make_id
from agor_jupyter.domain.ports import Records

Place = tuple[float, float]
OPEN_SECONDS = 30.0
_PAGE = 200


@dataclass(frozen=True)
class _Open:
    """The rooms and words of one open board."""

    layout: Layout
    status: Status
    rooms: tuple[BoardRoom, BoardRoom]
    snapshots: tuple[Snapshots, Snapshots]


class BoardDocuments:
    """See the module. Every method runs on the event loop; `start` before the first request counts."""

    def __init__(
        self,
        records: Records,
        settings: Mapping[str, Any] | None = None,
        *,
        grants_of: GrantsOf = ask_authorizer,
        read_only: str = "",
        log: logging.Logger | None = None,
    ) -> None:
        self._records = records
        self._settings: Mapping[str, Any] = settings if settings is not None else {}
        self._grants_of = grants_of
        self._read_only = read_only
        self._log = log or logging.getLogger(__name__)
        self._boards: dict[str, _Open] = {}
        self._rooms: dict[str, BoardRoom] = {}
        self._ready = asyncio.Event()
        self._loading: dict[str, asyncio.Task[None]] = {}

    # --- opening and closing

    def open_all(self, boards: Iterable[Board]) -> None:
        """Make and register the rooms of `boards`, at once. Who connects waits until they are loaded."""
        for board in boards:
            if board.id not in self._boards:
                self._make(board)
        self.register()

    async def start(self) -> None:
        """Load every board that the records know. Then rooms of other ids do not exist.

        The rooms of those that `open_all` was given stand already; who sits in them waits no longer.
        """
        cursor: str | None = None
        while True:
            page = await self._records.boards.list(limit=_PAGE, cursor=cursor)
            self.open_all(page.items)
            for board in page.items:
                await self._load(board)
            cursor = page.next
            if cursor is None:
                break
        self._ready.set()

    async def opened(self, board: Board) -> None:
        """Open a board that was made or changed just now. Idempotent."""
        self.open_all([board])
        await self._load(board)
        status = self.status(board.id)
        if status is not None:
            status.name_board(board)

    async def closed(self, board_id: BoardId) -> None:
        """End a deleted board's rooms: who is there is told that it is gone."""
        found = self._boards.pop(board_id, None)
        if found is None:
            return
        table = collaboration.find_table(self._settings)
        for room, snapshots in zip(found.rooms, found.snapshots, strict=True):
            self._rooms.pop(room.room_id, None)
            if table is not None:
                collaboration.forget(table, room.room_id)
            room.close(NOT_HERE, "this board is gone")
            room.on_change = None
            await snapshots.stop()

    async def close(self) -> None:
        """Close all rooms and write all that is not written. Idempotent."""
        for found in self._boards.values():
            for room in found.rooms:
                await room.stop()
        await self.flush()

    async def flush(self) -> None:
        """Write every document that changed since it was written."""
        if not self._read_only:
            kept = [snapshots for found in self._boards.values() for snapshots in found.snapshots]
            await asyncio.gather(*(snapshots.flush() for snapshots in kept))

    def _make(self, board: Board) -> None:
        layout, status = _new_doc(), _new_doc()
        rooms = (
            self._room(layout_room_id(board.id), layout, server_only=False),
            self._room(status_room_id(board.id), status, server_only=True),
        )
        snapshots = tuple(
            Snapshots(room.room_id, room.ydoc.get_update, self._records.keep_snapshot, self._log)
            for room in rooms
        )
        self._boards[board.id] = _Open(
            layout=Layout(layout), status=Status(status), rooms=rooms, snapshots=(snapshots[0], snapshots[1])
        )

    def _room(self, room_id: str, doc: Doc[Any], *, server_only: bool) -> BoardRoom:
        room = BoardRoom(room_id, doc, grants_of=self._grants_of, server_only=server_only, log=self._log)
        self._rooms[room_id] = room
        return room

    async def _load(self, board: Board) -> None:
        """Load both documents once, however many ask."""
        job = self._loading.get(board.id)
        if job is None:
            job = asyncio.create_task(self._load_now(board), name=f"agor-load-{board.id}")
            self._loading[board.id] = job
        await asyncio.shield(job)

    async def _load_now(self, board: Board) -> None:
        found = self._boards[board.id]
        for room, snapshots in zip(found.rooms, found.snapshots, strict=True):
            reason = await self._restore(room) or self._read_only
            if not reason:
                # What was read need not be written again; what it is brought to, must.
                room.on_change = _keeping(room, snapshots)
                reason = migrate.prepare(room.ydoc)
            if reason:
                self._log.error("%s is read-only: %s", room.room_id, reason)
                room.on_change = None
            room.open(reason)
        if not found.rooms[1].read_only_reason:
            found.status.name_board(board)

    async def _restore(self, room: BoardRoom) -> str:
        """Apply the snapshot; give why it cannot be. One that cannot be read is never overwritten."""
        try:
            kept = await self._records.snapshot(room.room_id)
            if kept is not None:
                read_update(kept)
                room.ydoc.apply_update(kept)
        except AgorError as error:
            return error.detail
        except (Unreadable, ValueError, RuntimeError) as error:
            return f"What was saved of it cannot be read ({error})."
        return ""

    # --- who asks for rooms

    def register(self, table: RoomTable | None = None) -> None:
        """Put all rooms into jupyter-collaboration's table, where there is one."""
        table = table or collaboration.find_table(self._settings)
        if table is not None:
            for room_id, room in self._rooms.items():
                collaboration.register(table, room_id, room)

    async def wait_room(self, room_id: str) -> BoardRoom | None:
        """Give a room, or None for an id that no board has. Waits while the boards are being opened."""
        if room_id not in self._rooms and not self._ready.is_set():
            with suppress(TimeoutError):  # they could not be opened: then there is no room either
                await asyncio.wait_for(self._ready.wait(), OPEN_SECONDS)
        return self._rooms.get(room_id)

    # --- the documents

    def layout(self, board_id: str) -> Layout:
        """Give a board's layout for reading. Raises `NotFound`."""
        return self._open(board_id).layout

    def status(self, board_id: str) -> Status | None:
        """Give a board's status to write, or None where it does not exist or may not be written."""
        found = self._boards.get(board_id)
        return None if found is None or found.rooms[1].read_only_reason else found.status

    def board_ids(self) -> list[str]:
        return list(self._boards)

    def _open(self, board_id: str) -> _Open:
        found = self._boards.get(board_id)
        if found is None:
            raise NotFound(f"There is no board {board_id[:80]}.")
        return found

    async def _writable(self, board_id: str) -> Layout:
        """Give a layout to write, once it is loaded. Raises `NotFound` and `ReadOnly`."""
        found = self._open(board_id)
        room = found.rooms[0]
        await asyncio.wait_for(room.wait_loaded(), OPEN_SECONDS)
        if room.read_only_reason:
            raise migrate.read_only_error(room.read_only_reason)
        return found.layout

    async def place_card(
        self,
        board_id: BoardId,
        worktree_id: WorktreeId,
        pos: Place | None = None,
        *,
        beside: WorktreeId | None = None,
    ) -> Place:
        """Put a card on the layout (None: the first free place, or `beside` another); one there stays."""
        return (await self._writable(board_id)).place_card(worktree_id, pos, beside)

    async def move_card(self, board_id: BoardId, card_id: str, pos: Place) -> tuple[Place, str | None]:
        """Move a card; give its place and the zone that it stands in now. Raises `NotFound`."""
        layout = await self._writable(board_id)
        zone_id = layout.move_card(card_id, pos)
        return (layout.card_place(card_id) or pos), zone_id

    async def remove_card(self, board_id: BoardId, worktree_id: WorktreeId) -> None:
        """Take a card off; nothing happens where it or the board is not there."""
        if board_id in self._boards:
            (await self._writable(board_id)).remove_card(worktree_id)

    def add_zone(
        self, board_id: BoardId, name: str, pos: Place, size: Place, *, hue: int = 210, order: int = 0
    ) -> str:
        """Add a zone to a board that was opened; give its id. Raises `NotFound` and `ReadOnly`."""
        found = self._open(board_id)
        if reason := found.rooms[0].read_only_reason:
            raise migrate.read_only_error(reason)
        zone_id = make_id("zone", os.urandom(ENTROPY_BYTES))
        found.layout.add_zone(Zone(id=zone_id, name=name, pos=pos, size=size, hue=hue, order=order))
        return zone_id


def _new_doc() -> Doc[Any]:
    # Microseconds: distinct, ever higher, above every browser's (32 bits), and a safe integer.
    return Doc(client_id=time.time_ns() // 1_000)


def _keeping(room: BoardRoom, snapshots: Snapshots) -> Any:
    def changed() -> None:
        room.size_hint = snapshots.size
        snapshots.touch()

    return changed
