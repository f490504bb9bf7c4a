"""The room: roles, presence, ticks, and those who misbehave."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from pycrdt import Doc, Map

from agor_jupyter.board import frames
from agor_jupyter.board import room as room_module
from agor_jupyter.board import seat as seat_module
from agor_jupyter.board.frames import Kind
from agor_jupyter.board.room import BoardRoom
from agor_jupyter.testing.people import PEOPLE
from agor_jupyter.testing.y_client import MemoryChannel, YClient
from tests.board.tables import MakeTable, Table, eventually


def card(x: float = 1.0, y: float = 2.0) -> Map[Any]:
    return Map({"pos": [x, y]})


async def test_what_one_writes_the_other_sees(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.map("cards")["wt_a"] = card()
        await oscar.wait_until(lambda: "wt_a" in oscar.map("cards"))
        oscar.map("cards")["wt_a"]["pos"] = [3, 4]
        await mona.wait_until(lambda: mona.map("cards")["wt_a"]["pos"] == [3, 4])
    assert table.room.ydoc.get("cards", type=Map)["wt_a"]["pos"] == [3, 4]


async def test_a_viewer_sees_all_and_writes_nothing(table: Table) -> None:
    async with table.seat("vera") as vera, table.seat("mona") as mona:
        vera.map("cards")["wt_v"] = card()
        mona.map("cards")["wt_m"] = card()
        await vera.wait_until(lambda: "wt_m" in vera.map("cards"))
        assert "wt_v" not in mona.map("cards")
    # The same at the next sync: what she has is offered again and dropped again.
    async with table.connect(vera):
        await vera.wait_until(vera.synced.is_set)
    assert "wt_v" not in table.room.ydoc.get("cards", type=Map)


async def test_a_server_only_room_takes_nothing_from_anyone(make_table: MakeTable) -> None:
    async with make_table(server_only=True) as table, table.seat("ada") as ada:
        ada.map("sessions")["ses_x"] = "{}"
        table.room.ydoc.get("sessions", type=Map)["ses_y"] = "{}"
        await ada.wait_until(lambda: "ses_y" in ada.map("sessions"))
        assert "ses_x" not in table.room.ydoc.get("sessions", type=Map)


async def test_a_demoted_person_stops_writing_and_a_banned_one_reading(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        table.tiers.roles["mona"] = "viewer"
        await table.room.recheck()
        mona.map("cards")["wt_late"] = card()
        oscar.map("cards")["wt_ok"] = card()
        await mona.wait_until(lambda: "wt_ok" in mona.map("cards"))
        assert "wt_late" not in table.room.ydoc.get("cards", type=Map)
        table.tiers.roles["mona"] = None
        await table.room.recheck()
        await mona.wait_until(mona.closed.is_set)
        assert not oscar.closed.is_set()


async def test_the_watch_rechecks_by_itself(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(room_module, "RECHECK_SECONDS", 0.05)
    async with table.seat("mona") as mona:
        table.tiers.roles["mona"] = None
        await mona.wait_until(mona.closed.is_set, 3)


async def test_an_authorizer_that_fails_once_is_forgiven(table: Table) -> None:
    async with table.seat("mona") as mona:
        table.tiers.failure = ConnectionError("the hub restarts")
        await table.room.recheck()
        assert not mona.closed.is_set()
        await table.room.recheck()
        await mona.wait_until(mona.closed.is_set)


async def test_who_may_not_read_is_turned_away(table: Table) -> None:
    table.tiers.roles["mona"] = None
    client = YClient("mona")
    async with table.connect(client) as channel:
        await client.wait_until(client.closed.is_set)
    assert channel.closed_with == 4403


async def test_presence_reaches_all_and_newcomers_at_once(table: Table) -> None:
    async with table.seat("mona", echoes=True) as mona, table.seat("oscar", echoes=True) as oscar:
        mona.announce(cursor=[1, 2])
        await oscar.wait_until(lambda: mona.client_id in oscar.states)
        oscar.announce()
        await mona.wait_until(lambda: oscar.client_id in mona.states)
        newcomer = YClient("vera")
        started = time.monotonic()
        async with table.connect(newcomer):
            await newcomer.wait_until(lambda: len(newcomer.states) == 2)
            assert time.monotonic() - started < 1
    assert oscar.states[mona.client_id]["cursor"] == [1, 2]


async def test_a_leaver_is_gone_at_once_and_may_come_back(table: Table) -> None:
    async with table.seat("oscar") as oscar:
        async with table.seat("mona") as mona:
            mona.announce()
            await oscar.wait_until(lambda: mona.client_id in oscar.states)
        await oscar.wait_until(lambda: mona.client_id not in oscar.states, 1)
        async with table.connect(mona):
            mona.announce()  # what a front end does on `status: connected`: a higher clock
            await oscar.wait_until(lambda: mona.client_id in oscar.states, 1)


async def test_forged_presence_is_refused(table: Table) -> None:
    async with table.seat("vera") as vera, table.seat("mona") as mona, table.seat("oscar") as oscar:
        vera.announce(person="mona")  # her own client, another's name
        vera.announce(client_id=mona.client_id)  # her own name, another's client
        vera.announce(client_id=99, person="vera")  # a client of her own invention
        vera.send_raw(frames.awareness_frame([frames.Announcement(oscar.client_id, 99, "null")]))
        oscar.announce()
        await mona.wait_until(lambda: oscar.client_id in mona.states)
        vera.announce(said="I am here")
        await mona.wait_until(lambda: vera.client_id in mona.states)
        assert set(mona.states) == {oscar.client_id, vera.client_id}
        assert mona.states[vera.client_id]["user"]["username"] == "vera"


async def test_a_persons_names_are_the_servers(table: Table) -> None:
    async with table.seat("vera") as vera, table.seat("mona") as mona:
        vera.announce(display_name="Ada Admin")
        await mona.wait_until(lambda: vera.client_id in mona.states)
        assert mona.states[vera.client_id]["user"]["display_name"] == PEOPLE["vera"].display_name


async def test_a_second_person_cannot_speak_for_a_client_that_is_here(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.announce()
        await oscar.wait_until(lambda: mona.client_id in oscar.states)
        thief = YClient("vera")
        async with table.connect(thief, MemoryChannel("vera", mona.client_id)):
            thief._clock = 50  # a clock that every other client would believe
            thief.announce(client_id=mona.client_id)
            await asyncio.sleep(5 * room_module.TICK_SECONDS)
            assert oscar.states[mona.client_id]["user"]["username"] == "mona"


async def test_one_move_is_one_message_for_each(table: Table) -> None:
    """P3: a plain room relays N² messages, because clients repeat what they hear."""
    clients = []
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()

        async def sit(number: int) -> None:
            async with table.seat("mona", echoes=True) as client:
                clients.append(client)
                await done.wait()

        for number in range(10):
            group.create_task(sit(number))
        await eventually(lambda: len(clients) == 10)
        await asyncio.sleep(3 * room_module.TICK_SECONDS)
        before = [client.received[Kind.AWARENESS] for client in clients]
        clients[0].announce(cursor=[5, 5])
        for client in clients[1:]:
            await client.wait_until(lambda client=client: clients[0].client_id in client.states)
        await asyncio.sleep(5 * room_module.TICK_SECONDS)
        after = [client.received[Kind.AWARENESS] for client in clients]
        done.set()
    assert [b - a for a, b in zip(before, after, strict=True)] == [1] * 10


async def test_a_tick_joins_many_updates(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.map("cards")["wt_a"] = card()
        await oscar.wait_until(lambda: "wt_a" in oscar.map("cards"))
        before = oscar.received[Kind.UPDATE]
        for x in range(200):
            mona.map("cards")["wt_a"]["pos"] = [x, 0]
            await asyncio.sleep(0)
        started = time.monotonic()
        await oscar.wait_until(lambda: oscar.map("cards")["wt_a"]["pos"] == [199, 0])
        ticks = (time.monotonic() - started) / room_module.TICK_SECONDS
        assert oscar.received[Kind.UPDATE] - before <= 20 + ticks


async def test_seventy_thousand_transactions_in_one_tick_converge(table: Table) -> None:
    """F9: pycrdt-websocket's own room loses all beyond 65,536 without a word."""
    cards: Map[Any] = table.room.ydoc.get("cards", type=Map)
    async with table.seat("mona") as mona:
        cards["wt_a"] = card()
        await mona.wait_until(lambda: "wt_a" in mona.map("cards"))
        started, pos = time.monotonic(), cards["wt_a"]
        for x in range(70_000):
            pos["pos"] = [x, x]
        cards["wt_b"] = card()
        del cards["wt_b"]
        await mona.wait_until(lambda: mona.map("cards")["wt_a"]["pos"] == [69_999, 69_999], 30)
        assert mona.doc.get_state() == table.room.ydoc.get_state()
        assert list(mona.map("cards").keys()) == ["wt_a"]
        assert time.monotonic() - started < 30


async def test_malformed_frames_are_survived(table: Table) -> None:
    bad: list[Any] = [
        b"",
        b"\x00",
        b"\x00\x02",
        b"\x00\x02\x05\x01",
        b"\x00\x07\x00",
        b"\xff" * 40,
        b"\x09\x09",
        "text",
        b"\x00\x02\x03\x01\x01\x01",
        b"\x01\x02\x01\x01",
        b"\x00\x00\x02\xff\xff",
    ]
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        for frame in bad:
            mona.send_raw(frame)
        mona.map("cards")["wt_a"] = card()
        await oscar.wait_until(lambda: "wt_a" in oscar.map("cards"))
        assert not mona.closed.is_set()
        for frame in bad * 2:
            mona.send_raw(frame)
        await mona.wait_until(mona.closed.is_set)
        oscar.map("cards")["wt_b"] = card()
        await eventually(lambda: "wt_b" in table.room.ydoc.get("cards", type=Map))
        assert not oscar.closed.is_set()


async def test_an_oversized_frame_closes_its_sender(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.send_raw(b"\x00\x02" + bytes(room_module.MAX_FRAME))
        await mona.wait_until(mona.closed.is_set)
        assert not oscar.closed.is_set()


async def test_a_stalled_client_gains_nothing_by_asking(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes nothing, but goes on to ask: neither memory nor time may be had that way."""
    monkeypatch.setattr(seat_module, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(room_module, "WATCH_SECONDS", 0.05)
    async with table.seat("oscar") as oscar:
        client = YClient("mona")
        channel = MemoryChannel("mona", client.client_id)
        async with table.connect(client, channel):
            await client.wait_until(client.synced.is_set)
            channel.stalled.set()
            oscar.map("cards")["wt_a"] = card()
            most, started = 0, time.monotonic()
            while channel.closed_with is None:
                assert time.monotonic() - started < 5
                client.send_raw(b"\x03")
                client.send_raw(frames.step1(b"\x00"))
                await asyncio.sleep(0.01)
                most = max([most, *(len(seat._sending) for seat in table.room._seats)])
            assert channel.closed_with == 1013 and most <= 2


async def test_a_slow_client_gets_one_message_for_all_that_it_missed(table: Table) -> None:
    async with table.seat("oscar") as oscar:
        client = YClient("mona")
        channel = MemoryChannel("mona", client.client_id)
        async with table.connect(client, channel):
            await client.wait_until(client.synced.is_set)
            gate = asyncio.Event()
            real = channel.send

            async def slow(message: bytes) -> None:
                await gate.wait()
                await real(message)

            channel.send = slow  # type: ignore[method-assign]  # its socket is full for a while
            for number in range(10):
                oscar.map("cards")[f"wt_{number}"] = card()
                oscar.announce(cursor=[number, number])
                await asyncio.sleep(2 * room_module.TICK_SECONDS)
            before = client.received.total()
            gate.set()
            await client.wait_until(lambda: len(client.map("cards")) == 10)
            await client.wait_until(lambda: client.states[oscar.client_id]["cursor"] == [9, 9])
            assert client.received.total() - before <= 4


async def test_a_flood_closes_its_sender_and_nobody_else(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        for _ in range(6_000):
            mona.announce()
        started = time.monotonic()
        await mona.wait_until(mona.closed.is_set)
        assert time.monotonic() - started < 10
        oscar.map("cards")["wt_b"] = card()
        await eventually(lambda: "wt_b" in table.room.ydoc.get("cards", type=Map))


async def test_too_many_bytes_close_their_sender(table: Table) -> None:
    """Each frame is small enough, and each is a sound one: it is their sum that is not."""
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.map("notes")["note_a"] = Map({"pos": [0, 0], "text": ""})
        for number in range(seat_module.INCOMING_BURST // 60_000 + 40):
            mona.map("notes")["note_a"]["text"] = f"{number:06}" + "x" * 59_000
        await mona.wait_until(mona.closed.is_set)
        assert not oscar.closed.is_set()


async def test_offline_edits_come_back_without_duplicates(table: Table) -> None:
    async with table.seat("mona") as mona, table.seat("oscar") as oscar:
        mona.map("cards")["wt_a"] = card()
        await oscar.wait_until(lambda: "wt_a" in oscar.map("cards"))
    mona.map("cards")["wt_a"]["pos"] = [9, 9]
    mona.map("notes")["note_m"] = Map({"pos": [0, 0], "text": "offline"})
    oscar.map("cards")["wt_b"] = card()
    async with table.connect(mona), table.connect(oscar):
        await mona.wait_until(lambda: "wt_b" in mona.map("cards"))
        await oscar.wait_until(lambda: "note_m" in oscar.map("notes"))
    for doc in (mona.doc, oscar.doc, table.room.ydoc):
        assert sorted(doc.get("cards", type=Map).keys()) == ["wt_a", "wt_b"]
        assert doc.get("cards", type=Map)["wt_a"]["pos"] == [9, 9]


async def test_edits_written_before_the_answer_are_not_lost(table: Table) -> None:
    """An edit between connecting and the server's question rests on things not sent yet."""
    offline: Doc[Any] = Doc()
    offline.get("cards", type=Map)["wt_a"] = card()
    client = YClient("mona", doc=offline)
    channel = MemoryChannel("mona", client.client_id)
    channel.to_server.put_nowait(_update_of_a_move(client))
    async with table.connect(client, channel):
        await eventually(lambda: "wt_a" in table.room.ydoc.get("cards", type=Map))
    assert table.room.ydoc.get("cards", type=Map)["wt_a"]["pos"] == [7, 7]


def _update_of_a_move(client: YClient) -> bytes:
    before = client.doc.get_state()
    client.map("cards")["wt_a"]["pos"] = [7, 7]
    return frames.update_frame(client.doc.get_update(before))


async def test_a_promoted_person_catches_up(table: Table) -> None:
    """What was dropped leaves a gap; the room asks for all of it once it sees the gap."""
    async with table.seat("vera") as vera:
        vera.map("cards")["wt_v"] = card()
        await asyncio.sleep(0.05)
        table.tiers.roles["vera"] = "member"
        await table.room.recheck()
        vera.map("cards")["wt_w"] = card()
        await eventually(lambda: {"wt_v", "wt_w"} <= set(table.room.ydoc.get("cards", type=Map).keys()))


async def test_a_read_only_document_takes_no_update(table: Table) -> None:
    table.room.open("saved by a newer version")
    async with table.seat("ada") as ada:
        ada.map("cards")["wt_a"] = card()
        await asyncio.sleep(0.1)
        assert "wt_a" not in table.room.ydoc.get("cards", type=Map)


async def test_nobody_is_served_before_the_document_is_loaded() -> None:
    async def everything(channel: Any) -> Any:
        return frozenset({("read", "agor:boards"), ("write", "agor:boards")})

    room = BoardRoom("agor-board-x", Doc(), grants_of=everything)
    client = YClient("mona")
    served = asyncio.create_task(room.serve(channel := MemoryChannel("mona", client.client_id)))
    async with client.connected(channel.wire):
        await asyncio.sleep(0.1)
        assert not client.received
        room.ydoc.get("cards", type=Map)["wt_a"] = card()
        room.open()
        await client.wait_until(lambda: "wt_a" in client.map("cards"))
    await asyncio.wait_for(served, 5)
    await room.stop()
    await room.stop()
