"""The boards' websockets on the wire, ours and jupyter-collaboration's, with four named people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map
from tornado.httpclient import HTTPClientError

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.domain.board import Board
from agor_jupyter.domain.ids import BoardId, UserId
from agor_jupyter.server import file_guard
from agor_jupyter.server.rooms import room_routes
from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from agor_jupyter.testing.live_server import LiveServer, live_server
from agor_jupyter.testing.people import PEOPLE
from agor_jupyter.testing.y_client import SocketWire, YClient

COLLABORATION = {"jupyter_server_ydoc": True, "jupyter_server_fileid": True}
BOARD = Board(id=BoardId("board_0000000000000001"), name="One", owner=UserId("oscar"), created_ms=1)
OURS = "agor/api/v1/rooms/{board}"
THEIRS = "api/collaboration/room/agor-board-{board}"
OUR_STATUS = OURS + "/status"
THEIR_STATUS = "api/collaboration/room/agor-status-{board}"


@dataclass
class StandInHouse:
    """What the handlers look for in `settings["agor"]`."""

    boards: BoardDocuments


@dataclass
class Stand:
    server: LiveServer
    boards: BoardDocuments
    store: Store

    @asynccontextmanager
    async def join(self, path: str, person: str, *, client: YClient | None = None) -> AsyncIterator[YClient]:
        """Sit down in a room and wait for the first sync."""
        client = client or YClient(person, echoes=True)
        address = path.format(board=BOARD.id)
        socket = await self.server.connect(address, person=person, clientId=str(client.client_id))
        async with client.connected(SocketWire(socket)):
            await client.wait_until(client.synced.is_set)
            yield client


@asynccontextmanager
async def stand_of(
    folder: Path,
    *,
    extensions: Mapping[str, bool] = COLLABORATION,
    config: Mapping[str, Any] | None = None,
    store: Store | None = None,
    start: bool = True,
    named_users: bool = True,
    registered: bool = True,
) -> AsyncIterator[Stand]:
    store = store or open_memory()
    if await store.records.boards.get(BOARD.id) is None:
        await store.records.boards.put(BOARD, by=UserId("oscar"))
    file_guard.install()
    async with live_server(folder, extensions=extensions, config=config, named_users=named_users) as server:
        settings = server.app.web_app.settings
        boards = BoardDocuments(store.records, settings if registered else {})
        settings["agor"] = StandInHouse(boards)
        server.app.web_app.add_handlers(".*$", room_routes(server.base_url))
        if start:
            await boards.start()
        try:
            yield Stand(server, boards, store)
        finally:
            await boards.close()


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand_of(tmp_path) as made:
        yield made


def card(x: float = 1.0) -> Map[Any]:
    return Map({"pos": [x, 2.0]})


def cards_of(stand: Stand) -> Map[Any]:
    return stand.boards.layout(BOARD.id).cards


@pytest.mark.parametrize("path", [OURS, THEIRS])
async def test_members_edit_and_viewers_watch(stand: Stand, path: str) -> None:
    async with stand.join(path, "mona") as mona, stand.join(path, "vera") as vera:
        mona.map("cards")["wt_m"] = card()
        vera.map("cards")["wt_v"] = card()
        await vera.wait_until(lambda: "wt_m" in vera.map("cards"))
        mona.map("cards")["wt_n"] = card()
        await vera.wait_until(lambda: "wt_n" in vera.map("cards"))
        assert sorted(cards_of(stand).keys()) == ["wt_m", "wt_n"]


@pytest.mark.parametrize("path", [OURS, THEIRS, OUR_STATUS, THEIR_STATUS])
async def test_the_matrix_of_who_writes_what(stand: Stand, path: str) -> None:
    """A5: each person at each door, a sound write: it stands exactly where their role says."""
    room = await stand.boards.wait_room(("agor-status-" if "status" in path else "agor-board-") + BOARD.id)
    assert room is not None
    for person in PEOPLE:
        async with stand.join(path, person) as client:
            client.map("cards")[f"wt_{person}"] = card()
            client.announce()
            async with asyncio.timeout(5):  # presence comes after the write, and is always heard
                while client.client_id not in {each.client_id for each in room._presence.everyone()}:
                    await asyncio.sleep(0.01)
    written = set(room.ydoc.get("cards", type=Map).keys())
    allowed = set() if "status" in path else {"wt_mona", "wt_oscar", "wt_ada"}
    assert written == allowed


async def test_both_doors_lead_into_one_room(stand: Stand) -> None:
    async with stand.join(OURS, "mona") as mona, stand.join(THEIRS, "oscar") as oscar:
        mona.map("cards")["wt_m"] = card()
        await oscar.wait_until(lambda: "wt_m" in oscar.map("cards"))
        oscar.announce(cursor=[1, 1])
        await mona.wait_until(lambda: oscar.client_id in mona.states)


@pytest.mark.parametrize("path", [OURS, THEIRS])
async def test_forged_presence_is_refused_at_both_doors(stand: Stand, path: str) -> None:
    async with stand.join(path, "vera") as vera, stand.join(path, "mona") as mona:
        vera.announce(person="oscar")
        vera.announce(client_id=7, person="vera")
        vera.announce()
        await mona.wait_until(lambda: vera.client_id in mona.states)
        assert list(mona.states) == [vera.client_id]
        assert mona.states[vera.client_id]["user"]["username"] == "vera"


@pytest.mark.parametrize("path", [OUR_STATUS, THEIR_STATUS])
async def test_nobody_writes_the_status(stand: Stand, path: str) -> None:
    async with stand.join(path, "ada") as ada:
        assert ada.map("meta")["board"] == {"id": BOARD.id, "name": "One", "slug": "one"}
        ada.map("cards")["wt_x"] = card()  # well formed, and still not hers to write here
        ada.map("inbox")["req_x"] = "{}"
        status = stand.boards.status(BOARD.id)
        assert status is not None
        status.doc.get("sessions", type=Map)["ses_x"] = "{}"
        await ada.wait_until(lambda: "ses_x" in ada.map("sessions"))
        assert status.inbox() == {} and len(status.doc.get("cards", type=Map)) == 0


@pytest.mark.parametrize("path", [OURS, THEIRS])
async def test_a_demoted_member_stops_writing_a_banned_one_reading(stand: Stand, path: str) -> None:
    async with stand.join(path, "mona") as mona:
        stand.server.app.authorizer.set_tier("mona", "viewer")
        room = await stand.boards.wait_room(f"agor-board-{BOARD.id}")
        assert room is not None
        await room.recheck()
        mona.map("cards")["wt_m"] = card()
        stand.boards.layout(BOARD.id).place_card("wt_s")
        await mona.wait_until(lambda: "wt_s" in mona.map("cards"))
        assert "wt_m" not in cards_of(stand)
        stand.server.app.authorizer.set_tier("mona", None)
        await room.recheck()
        await mona.wait_until(mona.closed.is_set)


@pytest.mark.parametrize("path", [OURS, OUR_STATUS, THEIRS, THEIR_STATUS])
async def test_strangers_and_foreign_pages_are_refused(stand: Stand, path: str) -> None:
    """A5 and A7: no handshake without a person, none from another origin."""
    address = path.format(board=BOARD.id)
    with pytest.raises(HTTPClientError) as refused:
        await stand.server.connect(address, person=None)
    assert refused.value.code == 403
    page = await stand.server.fetch("api/me", person="mona")
    cookie = page.headers["Set-Cookie"].split(";")[0]
    foreign = {"Cookie": cookie, "Origin": "http://evil.example"}
    with pytest.raises(HTTPClientError) as refused:
        await stand.server.connect(address, person=None, headers=foreign)
    assert refused.value.code == 403
    own = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{stand.server.port}"}
    socket = await stand.server.connect(address, person=None, headers=own)
    socket.close()


@pytest.mark.parametrize("path", [OURS, OUR_STATUS])
async def test_a_foreign_page_with_a_token_is_refused_too(stand: Stand, path: str) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await stand.server.connect(
            path.format(board=BOARD.id), person="mona", headers={"Origin": "http://evil.example"}
        )
    assert refused.value.code == 403


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        ({"allow_origin": "http://friend.example"}, "http://friend.example", True),
        ({"allow_origin": "http://friend.example"}, "http://friend.example.evil", False),
        ({"allow_origin_pat": r"http://.*\.friend\.example"}, "http://a.friend.example", True),
        ({"allow_origin_pat": r"http://.*\.friend\.example"}, "http://a.friend.example.evil", False),
    ],
)
async def test_what_the_server_allows_is_let_in(
    tmp_path: Path, allowed: dict[str, str], origin: str, may: bool
) -> None:
    async with stand_of(tmp_path, extensions={}, config={"ServerApp": allowed}) as stand:
        joining = stand.server.connect(OURS.format(board=BOARD.id), person="mona", headers={"Origin": origin})
        if may:
            (await joining).close()
        else:
            with pytest.raises(HTTPClientError):
                await joining


@pytest.mark.parametrize("path", [OURS, OUR_STATUS, THEIRS, THEIR_STATUS])
async def test_who_may_not_read_boards_is_refused(stand: Stand, path: str) -> None:
    stand.server.app.authorizer.set_tier("mona", None)
    with pytest.raises(HTTPClientError) as refused:
        await stand.server.connect(path.format(board=BOARD.id), person="mona")
    assert refused.value.code == 403


@pytest.mark.parametrize(
    "path",
    [
        "agor/api/v1/rooms/board_zzzzzzzzzzzzzzzz",
        "agor/api/v1/rooms/board_zzzzzzzzzzzzzzzz/status",
        "api/collaboration/room/agor-board-x",
        "api/collaboration/room/agor-status-board_zzzzzzzzzzzzzzzz",
    ],
)
async def test_a_board_that_is_none_has_no_room(stand: Stand, path: str) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await stand.server.connect(path, person="ada")
    assert refused.value.code == 404
    table = stand.server.app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server
    assert path.split("/")[-1] not in table.rooms


async def test_a_page_that_is_faster_than_the_start_gets_the_boards_room(tmp_path: Path) -> None:
    """P5: otherwise jupyter-collaboration makes a room of its own under our id, an orphan."""
    async with stand_of(tmp_path, start=False) as stand:
        client = YClient("mona")

        async def early() -> None:
            async with stand.join(THEIRS, "mona", client=client):
                client.map("cards")["wt_early"] = card()
                await asyncio.wait_for(seen.wait(), 10)

        seen = asyncio.Event()
        page = asyncio.create_task(early())
        await asyncio.sleep(0.2)
        assert not page.done()
        await stand.boards.start()
        async with asyncio.timeout(10):
            while "wt_early" not in cards_of(stand):
                await asyncio.sleep(0.01)
        seen.set()
        await page


async def test_a_room_that_nobody_registered_is_found_when_a_page_comes(tmp_path: Path) -> None:
    """Extensions load in the order of their names, ours first: the table may come later."""
    async with stand_of(tmp_path, registered=False) as stand, stand.join(THEIRS, "mona") as mona:
        mona.map("cards")["wt_m"] = card()
        async with asyncio.timeout(5):
            while "wt_m" not in cards_of(stand):
                await asyncio.sleep(0.01)


async def test_malformed_frames_hurt_nobody(stand: Stand) -> None:
    bad: list[Any] = [
        b"",
        "text",
        b"\x00",
        b"\x00\x02\x01",
        b"\xff\xff\xff",
        b"\x02\x04save\x01",
        b"\x00\x02\x03\x01\x02\x03",
    ]
    for path in (OURS, THEIRS):
        async with stand.join(path, "mona") as mona, stand.join(path, "oscar") as oscar:
            for frame in bad:
                mona.send_raw(frame)
            mona.map("cards")[f"wt_{path[0]}"] = card()
            await oscar.wait_until(lambda path=path, oscar=oscar: f"wt_{path[0]}" in oscar.map("cards"))
            assert not mona.closed.is_set()


@pytest.mark.parametrize("path", [OURS, THEIRS])
async def test_an_oversized_message_closes_its_sender(stand: Stand, path: str) -> None:
    async with stand.join(path, "mona") as mona, stand.join(path, "oscar") as oscar:
        mona.send_raw(b"\x00\x02" + bytes(8 * 1024 * 1024))
        await mona.wait_until(mona.closed.is_set)
        oscar.map("cards")["wt_o"] = card()
        async with asyncio.timeout(5):
            while "wt_o" not in cards_of(stand):
                await asyncio.sleep(0.01)


async def test_boards_have_no_forks(stand: Stand) -> None:
    for room in ("agor-status-{board}", "agor-board-{board}", "agor%2Dstatus-{board}"):
        answer = await stand.server.fetch(
            f"api/collaboration/fork/{room.format(board=BOARD.id)}", person="ada", method="PUT", body="{}"
        )
        assert answer.code == 404


@pytest.mark.parametrize(
    ("extensions", "config"),
    [({}, {}), (COLLABORATION, {"YDocExtension": {"disable_rtc": True}})],
    ids=["absent", "disabled"],
)
async def test_boards_work_without_collaboration(
    tmp_path: Path, extensions: dict[str, bool], config: dict[str, Any]
) -> None:
    async with (
        stand_of(tmp_path, extensions=extensions, config=config) as stand,
        stand.join(OURS, "mona") as mona,
        stand.join(OURS, "vera") as vera,
    ):
        mona.map("cards")["wt_m"] = card()
        await vera.wait_until(lambda: "wt_m" in vera.map("cards"))


async def test_without_named_users_a_page_sits_at_the_board(tmp_path: Path) -> None:
    async with stand_of(tmp_path, named_users=False) as stand:
        token = {"Authorization": f"token {stand.server.app.identity_provider.token}"}
        socket = await stand.server.connect(OURS.format(board=BOARD.id), person=None, headers=token)
        client = YClient("mona")
        async with client.connected(SocketWire(socket)):
            client.map("cards")["wt_m"] = card()
            await client.wait_until(client.synced.is_set)
            async with asyncio.timeout(5):
                while "wt_m" not in cards_of(stand):
                    await asyncio.sleep(0.01)


async def test_a_restart_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """F9, F10: 300 edits and an immediate stop; two pages edit offline and come back."""
    store = open_memory()
    mona, oscar = YClient("mona"), YClient("oscar")
    async with (
        stand_of(tmp_path / "a", store=store) as stand,
        stand.join(OURS, "mona", client=mona),
        stand.join(THEIRS, "oscar", client=oscar),
    ):
        for number in range(300):
            mona.map("cards")[f"wt_{number}"] = card(number)
        await oscar.wait_until(lambda: len(oscar.map("cards")) == 300)
    mona.map("cards")["wt_0"]["pos"] = [50, 50]
    oscar.map("cards")["wt_offline"] = card()
    async with stand_of(tmp_path / "b", store=store) as stand:
        assert len(cards_of(stand)) == 300
        async with (
            stand.join(THEIRS, "mona", client=mona),
            stand.join(OURS, "oscar", client=oscar),
        ):
            await mona.wait_until(lambda: "wt_offline" in mona.map("cards"))
            await oscar.wait_until(lambda: oscar.map("cards")["wt_0"]["pos"] == [50, 50])
        assert len(cards_of(stand)) == 301
    again = BoardDocuments(store.records)
    await again.start()
    assert len(again.layout(BOARD.id).cards) == 301
    await again.close()


async def test_a_deleted_board_closes_its_pages(stand: Stand) -> None:
    async with stand.join(OURS, "mona") as mona:
        await stand.boards.closed(BOARD.id)
        await mona.wait_until(mona.closed.is_set)
    with pytest.raises(HTTPClientError):
        await stand.server.connect(OURS.format(board=BOARD.id), person="mona")
