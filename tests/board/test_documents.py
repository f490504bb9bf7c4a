"""All boards' documents: opened, kept, restored, closed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from pycrdt import Doc, Map

from agor_jupyter.board import documents as documents_module
from agor_jupyter.board import snapshots as snapshots_module
from agor_jupyter.board.collaboration import register
from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.snapshots import Snapshots
from agor_jupyter.domain.board import Board, SessionRow, layout_room_id, status_room_id
from agor_jupyter.domain.errors import NotFound, ReadOnly, StorageFull
from agor_jupyter.domain.ids import BoardId, SessionId, UserId, WorktreeId
from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from tests.board.tables import eventually

BOARD = Board(id=BoardId("board_0000000000000001"), name="Für alle!", owner=UserId("oscar"), created_ms=1)
TREE = WorktreeId("wt_0000000000000001")


class Collaboration:
    """What we use of jupyter-collaboration, in `settings`."""

    def __init__(self) -> None:
        self.ywebsocket_server = self
        self.rooms: dict[str, Any] = {}

    def add_room(self, path: str, room: Any) -> None:
        self.rooms[path] = room


def row(status: str = "idle", title: str = "t") -> SessionRow:
    return SessionRow(
        id=SessionId("ses_0000000000000001"),
        worktree_id=TREE,
        agent="demo",
        title=title,
        owner=UserId("oscar"),
        status=status,  # type: ignore[arg-type]  # a literal
        updated_ms=1,
    )


async def opened(store: Store, **options: Any) -> BoardDocuments:
    documents = BoardDocuments(store.records, **options)
    await documents.start()
    return documents


@pytest.fixture
async def store() -> Store:
    made = open_memory()
    await made.records.boards.put(BOARD, by=BOARD.owner)
    return made


async def test_edits_just_before_a_stop_are_kept(store: Store) -> None:
    """F9: 0 of 300 lost (pycrdt-store loses about half of them)."""
    first = await opened(store)
    for number in range(300):
        await first.place_card(BOARD.id, WorktreeId(f"wt_{number}"), (number, 0))
    await first.close()
    second = await opened(store)
    assert len(second.layout(BOARD.id).cards) == 300
    await second.close()


async def test_edits_are_kept_without_a_stop_too(store: Store) -> None:
    first = await opened(store)
    await first.place_card(BOARD.id, TREE, (1, 1))
    kept: list[bytes] = []

    async def look() -> bool:
        found = await store.records.snapshot(layout_room_id(BOARD.id))
        kept.append(found or b"")
        return TREE.encode() in kept[-1]

    async with asyncio.timeout(5):
        while not await look():
            await asyncio.sleep(0.02)
    await first.close()


async def test_the_service_gets_what_it_asks(store: Store) -> None:
    documents = await opened(store)
    zone = documents.add_zone(BOARD.id, "Review", (1000, 0), (400, 400))
    assert zone.startswith("zone_")
    assert await documents.place_card(BOARD.id, TREE, None) == (40, 60)
    assert await documents.move_card(BOARD.id, TREE, (1050, 50)) == ((1050, 50), zone)
    await documents.remove_card(BOARD.id, TREE)
    await documents.remove_card(BoardId("board_none"), TREE)
    with pytest.raises(NotFound):
        await documents.move_card(BOARD.id, TREE, (0, 0))
    with pytest.raises(NotFound):
        await documents.place_card(BoardId("board_none"), TREE, None)
    await documents.opened(BOARD.model_copy(update={"name": "Renamed"}))
    status = documents.status(BOARD.id)
    assert status is not None
    assert status.doc.get("meta", type=Map)["board"] == {"id": BOARD.id, "name": "Renamed", "slug": "renamed"}
    await documents.close()


async def test_a_damaged_snapshot_is_read_only_and_never_overwritten(store: Store) -> None:
    await store.records.keep_snapshot(layout_room_id(BOARD.id), b"\x01\x02damaged")
    documents = await opened(store)
    with pytest.raises(ReadOnly):
        await documents.place_card(BOARD.id, TREE, None)
    with pytest.raises(ReadOnly):
        documents.add_zone(BOARD.id, "x", (0, 0), (9, 9))
    await documents.close()
    assert await store.records.snapshot(layout_room_id(BOARD.id)) == b"\x01\x02damaged"


async def test_a_snapshot_that_cannot_be_had_harms_one_board_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BOARD.model_copy(update={"id": BoardId("board_0000000000000002")})
    await store.records.boards.put(other, by=BOARD.owner)
    real = store.records.snapshot

    async def snapshot(room_id: str) -> bytes | None:
        if room_id == layout_room_id(BOARD.id):
            raise StorageFull("The disk is full.")
        return await real(room_id)

    monkeypatch.setattr(store.records, "snapshot", snapshot)
    documents = await opened(store)
    assert await documents.place_card(other.id, TREE, (1, 1)) == (1, 1)
    with pytest.raises(ReadOnly, match="The disk is full"):
        await documents.place_card(BOARD.id, TREE, (1, 1))
    await documents.close()


async def test_boards_that_cannot_be_opened_have_no_rooms(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents_module, "OPEN_SECONDS", 0.05)
    documents = BoardDocuments(store.records)
    assert await documents.wait_room(layout_room_id(BOARD.id)) is None


async def test_a_newer_schema_is_shown_and_not_written(store: Store) -> None:
    newer: Doc[Any] = Doc()
    newer.get("meta", type=Map)["schema"] = 2
    newer.get("cards", type=Map)["wt_a"] = Map({"pos": [1, 1], "z": 3})
    await store.records.keep_snapshot(layout_room_id(BOARD.id), newer.get_update())
    documents = await opened(store)
    assert documents.layout(BOARD.id).card_place("wt_a") == (1, 1)
    with pytest.raises(ReadOnly, match="newer"):
        await documents.place_card(BOARD.id, TREE, None)
    await documents.close()


async def test_a_second_server_reads_and_never_writes(store: Store) -> None:
    first = await opened(store)
    await first.place_card(BOARD.id, TREE, (1, 1))
    await first.close()
    before = await store.records.snapshot(layout_room_id(BOARD.id))
    second = await opened(store, read_only="another server holds the data folder")
    assert second.layout(BOARD.id).card_place(TREE) == (1, 1)
    assert second.status(BOARD.id) is None
    with pytest.raises(ReadOnly):
        await second.move_card(BOARD.id, TREE, (5, 5))
    await second.close()
    assert await store.records.snapshot(layout_room_id(BOARD.id)) == before


async def test_rooms_stand_in_jupyter_collaborations_table(store: Store) -> None:
    theirs = Collaboration()
    settings = {"jupyter_server_ydoc": theirs}
    documents = await opened(store, settings=settings)
    assert set(theirs.rooms) == {layout_room_id(BOARD.id), status_room_id(BOARD.id)}
    another = BOARD.model_copy(update={"id": BoardId("board_0000000000000002")})
    await documents.opened(another)
    assert layout_room_id(another.id) in theirs.rooms
    await documents.closed(another.id)
    assert layout_room_id(another.id) not in theirs.rooms
    assert await documents.wait_room(layout_room_id(another.id)) is None
    await documents.close()


async def test_pages_in_a_stray_room_are_sent_to_the_right_one() -> None:
    """P5, should the guard of the handler be missing: the orphan's clients must come over."""

    class Page:
        closed = 0

        def close(self, code: int, reason: str) -> None:
            self.closed = code

    class Stray:
        def __init__(self) -> None:
            self.clients = {Page()}

    theirs, stray, ours = Collaboration(), Stray(), object()
    theirs.rooms["agor-board-x"] = stray
    register(theirs, "agor-board-x", ours)
    assert theirs.rooms["agor-board-x"] is ours
    assert [page.closed for page in stray.clients] == [1012]


async def test_who_comes_while_boards_are_opened_waits(store: Store) -> None:
    documents = BoardDocuments(store.records)
    waiting = asyncio.create_task(documents.wait_room(layout_room_id(BOARD.id)))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await documents.start()
    assert (await waiting) is not None
    await documents.close()


async def test_what_the_server_says_now_beats_what_a_crash_lost(store: Store) -> None:
    """A browser saw a status that never reached the disk; the new server's word must win there."""
    first = await opened(store)
    page: Doc[Any] = Doc()
    status = first.status(BOARD.id)
    assert status is not None
    page.apply_update(status.doc.get_update())
    status.put_session(row("running", "lost"))
    page.apply_update(status.doc.get_update())
    # No stop and no flush: as if the process was killed here. Its timers die with it.
    for found in first._boards.values():
        for snapshots in found.snapshots:
            snapshots._dirty = False
    second = await opened(store)
    again = second.status(BOARD.id)
    assert again is not None
    again.put_session(row("failed", "new"))
    page.apply_update(again.doc.get_update(page.get_state()))
    for name in ("sessions", "meta"):
        assert page.get(name, type=Map).to_py() == again.doc.get(name, type=Map).to_py()
    await first.close()
    await second.close()


async def test_saving_is_throttled_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots_module, "THROTTLE_SECONDS", 0.05)
    kept: list[bytes] = []

    async def keep(room_id: str, update: bytes) -> None:
        kept.append(update)

    state = [b""]
    snapshots = Snapshots("r", lambda: state[0], keep, logging.getLogger("t"))
    for number in range(1_000):
        state[0] = str(number).encode()
        snapshots.touch()
        if number % 100 == 0:
            await asyncio.sleep(0.01)
    await snapshots.flush()
    assert kept[-1] == b"999" and len(kept) <= 5
    await snapshots.flush()
    assert len(kept) <= 5


async def test_a_full_disk_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(snapshots_module, "THROTTLE_SECONDS", 0.01)
    monkeypatch.setattr(snapshots_module, "RETRY_SECONDS", 0.02)
    kept: list[bytes] = []
    full = [True]

    async def keep(room_id: str, update: bytes) -> None:
        if full[0]:
            raise StorageFull("The disk is full.")
        kept.append(update)

    snapshots = Snapshots("r", lambda: b"all", keep, logging.getLogger("t"))
    snapshots.touch()
    await eventually(lambda: "The disk is full" in caplog.text)
    full[0] = False
    await eventually(lambda: kept == [b"all"])
    await snapshots.flush()
