"""The events socket and NDJSON: every event once, in order, whatever happens on either side."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.server import events as socket
from agor_jupyter.server import hub as hubs
from agor_jupyter.server.hub import EventHub
from tests.making import wait_until
from tests.server.conftest import API, Stand


async def hear(client: WebSocketClientConnection) -> dict[str, Any]:
    message = await asyncio.wait_for(client.read_message(), 5)
    assert isinstance(message, str), f"closed: {client.close_code}"
    return json.loads(message)


async def say(client: WebSocketClientConnection, **frame: Any) -> None:
    await client.write_message(json.dumps(frame))


async def events_until(client: WebSocketClientConnection, last: int) -> list[dict[str, Any]]:
    """Read frames of events until the seq `last` is there; the frames are kept apart."""
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["events"][-1]["seq"] < last:
        frame = await hear(client)
        if "events" in frame:
            frames.append(frame)
    return frames


def seqs(frames: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for frame in frames for event in frame["events"]]


def hub_of(stand: Stand) -> EventHub:
    return stand.server.app.web_app.settings["agor_hub"]


async def begin(stand: Stand) -> SessionId:
    session = await stand.session(prompt="go")
    await stand.made.work.start(SessionId(session["id"]))
    return SessionId(session["id"])


async def test_the_past_comes_in_pages_and_the_present_follows(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "PAGE", 50)
    session_id = await begin(stand)
    await stand.made.work.say(session_id, *("x" * 1000 for _ in range(470)))
    client = await stand.connect()
    writing = asyncio.create_task(_write(stand, session_id, 300))
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 3})
    frames = await events_until(client, 473 + 300)
    await writing
    assert seqs(frames) == list(range(4, 774))
    assert all(len(frame["events"]) <= 500 for frame in frames)
    assert all(len(json.dumps(frame)) < 200_000 for frame in frames)


async def _write(stand: Stand, session_id: SessionId, count: int) -> None:
    for number in range(count):
        await stand.made.work.say(session_id, f"{number} ")
        await asyncio.sleep(0)


async def test_a_burst_is_coalesced(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await events_until(client, 3)
    started = asyncio.get_running_loop().time()
    for _ in range(200):
        await stand.made.work.say(session_id, "x")
        await asyncio.sleep(0.001)
    frames = await events_until(client, 203)
    elapsed = asyncio.get_running_loop().time() - started
    assert seqs(frames) == list(range(4, 204))
    # At most one frame in 33 ms, and one at each end.
    assert len(frames) <= elapsed / hubs.TICK_SECONDS + 2, (len(frames), elapsed)


async def test_a_rare_event_does_not_wait(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 3})
    assert (await hear(client))["reply"] == 1
    await asyncio.sleep(0.1)
    started = asyncio.get_running_loop().time()
    await stand.made.work.say(session_id, "x")
    await events_until(client, 4)
    assert asyncio.get_running_loop().time() - started < hubs.TICK_SECONDS


async def test_two_browsers_and_a_reconnection(stand: Stand) -> None:
    session_id = await begin(stand)
    one, two = await stand.connect(), await stand.connect(person="vera")
    for client in (one, two):
        await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await stand.made.work.say(session_id, "a", "b")
    assert seqs(await events_until(one, 5)) == seqs(await events_until(two, 5)) == [1, 2, 3, 4, 5]
    one.close()
    await stand.made.work.say(session_id, "c")
    again = await stand.connect()
    await say(again, id=1, subscribe={"session": session_id, "after_seq": 5})
    assert seqs(await events_until(again, 6)) == [6]


async def test_a_hub_left_behind_reads_on_from_the_log(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BUS_BOUND", 4)
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await say(client, id=2, subscribe={"workspace": True})
    await events_until(client, 3)
    refolds: list[int] = []
    refold = EventHub._refold
    monkeypatch.setattr(EventHub, "_refold", lambda self: (refolds.append(1), refold(self))[1])
    # All of them in one turn of the loop: the hub cannot read between two.
    await asyncio.gather(*(stand.made.work.say(session_id, "x") for _ in range(20)))
    assert seqs(await events_until(client, 23)) == list(range(4, 24))
    assert refolds, "the bus never overflowed: this tested nothing"


async def test_an_item_that_never_came_is_read_from_the_log(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await events_until(client, 3)
    bus = stand.made.store.bus
    publish, bus.publish = bus.publish, lambda item: None  # type: ignore[method-assign]  # a lost item
    await stand.made.work.say(session_id, "lost")
    bus.publish = publish  # type: ignore[method-assign]  # put back
    await stand.made.work.say(session_id, "heard")
    assert seqs(await events_until(client, 5)) == [4, 5]


async def test_a_log_that_fails_hangs_up_and_says_where(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Silence would look like an agent that thinks: the browser must know, and come again."""
    session_id = await begin(stand)
    log = type(stand.made.house.log)

    async def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("CANARY")

    client = await stand.connect()
    with monkeypatch.context() as patch:
        patch.setattr(log, "read", broken)
        await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
        while await asyncio.wait_for(client.read_message(), 5) is not None:
            pass
    assert client.close_code == 1011
    assert "agor-catch-up" in caplog.text and "CANARY" not in caplog.text
    again = await stand.connect()
    await say(again, id=1, subscribe={"session": session_id, "after_seq": 0})
    assert seqs(await events_until(again, 3)) == [1, 2, 3]
    with monkeypatch.context() as patch:
        patch.setattr(EventHub, "_schedule", broken_now)
        await stand.made.work.say(session_id, "x")
        while await asyncio.wait_for(again.read_message(), 5) is not None:
            pass
    assert again.close_code == 1011
    third = await stand.connect()
    await say(third, id=1, subscribe={"session": session_id, "after_seq": 3})
    await stand.made.work.say(session_id, "y")
    assert seqs(await events_until(third, 5)) == [4, 5]


def broken_now(*args: Any) -> None:
    raise RuntimeError("CANARY")


async def test_an_event_published_while_the_last_page_was_read(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hole of naive designs: read an empty page, miss what is published, then go live."""
    session_id = await begin(stand)
    log = stand.made.house.log
    read = type(log).read
    once: list[int] = []

    async def slow(self: Any, *args: Any, **kwargs: Any) -> Any:
        page = await read(self, *args, **kwargs)
        if not once:
            once.append(1)
            await stand.made.work.say(session_id, "late")
            await asyncio.sleep(0.1)  # the frame is flushed, past a listener that catches up
        return page

    monkeypatch.setattr(type(log), "read", slow)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    assert seqs(await events_until(client, 4)) == [1, 2, 3, 4]


async def test_unsubscribe_ends_it(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await events_until(client, 3)
    await say(client, id=2, unsubscribe={"session": session_id})
    while "reply" not in (frame := await hear(client)) or frame["reply"] != 2:
        pass
    await stand.made.work.say(session_id, "x")
    await say(client, ping=9)
    assert await hear(client) == {"pong": 9}
    assert hub_of(stand)._topics == {}


async def test_the_workspace_tells_records_as_they_change(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"workspace": True})
    assert (await hear(client))["ok"]
    await stand.made.work.say(session_id, "first")
    assert [item["last_words"] for item in (await hear(client))["sessions"]] == ["first"]
    started = asyncio.get_running_loop().time()
    heard: list[dict[str, Any]] = []
    for number in range(60):
        await stand.made.work.say(session_id, f"\n{number}")
        await asyncio.sleep(0.01)
    await stand.made.work.ask(session_id)
    while not heard or heard[-1]["sessions"][0]["status"] != "awaiting_permission":
        heard.append(await hear(client))
    elapsed = asyncio.get_running_loop().time() - started
    assert len(heard) - 1 <= elapsed / 0.5 + 1
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    event = (await hear(client))["workspace"][0]
    assert (event["noun"], event["verb"], event["id"], event["by"]) == (
        "board",
        "created",
        board["id"],
        "oscar",
    )


async def test_the_workspace_tells_outlines_and_the_session_the_whole(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"workspace": True})
    assert (await hear(client))["ok"]
    await stand.made.work.be_ready(session_id, "n", models=("m",), commands=("compact",), efforts=("low",))
    (told,) = (await hear(client))["sessions"]
    assert (told["models"], told["commands"], told["efforts"]) == ([], [], ["low"])
    whole = await stand.get(f"/sessions/{session_id}")
    assert (whole["models"], whole["commands"][0]["name"]) == (["m"], "compact")


async def test_the_workspace_resumes(stand: Stand) -> None:
    for name in ("A", "B", "C"):
        await stand.send("POST", "/boards", {"name": name}, status=201)
    client = await stand.connect()
    await say(client, id=1, subscribe={"workspace": True, "after_seq": 1})
    heard = [frame for frame in (await hear(client), await hear(client)) if "workspace" in frame]
    assert [event["seq"] for event in heard[0]["workspace"]] == [2, 3]
    await stand.send("POST", "/boards", {"name": "D"}, status=201)
    assert [event["seq"] for event in (await hear(client))["workspace"]] == [4]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "null",
        "1",
        "[]",
        "[" * 5000,
        '{"subscribe": 1}',
        '{"subscribe": {}}',
        '{"subscribe": {"session": "x", "workspace": true}}',
        '{"subscribe": {"session": "x", "after_seq": -1}}',
        '{"subscribe": {"session": "ses_0000000000000000"}}',
        '{"subscribe": {"session": "\\u0000"}}',
        '{"unsubscribe": {"session": 5}}',
        '{"subscribe": {"inbox": true, "workspace": true}}',
        '{"subscribe": {"inbox": true, "after_seq": 3}}',
        '{"subscribe": {"session": "inbox"}}',
        '{"subscribe": {"session": "workspace"}}',
        '{"unsubscribe": {}}',
        '{"ping": "x"}',
        '{"ping": 1, "subscribe": {"workspace": true}}',
        '{"id": 99999999999999999999, "ping": 1}',
        '{"evil": true}',
        '{"ping": "' + "x" * 20_000 + '"}',
        b"\x00\xff",
    ],
)
async def test_nonsense_gets_a_problem_and_the_socket_lives(stand: Stand, message: str | bytes) -> None:
    client = await stand.connect()
    await client.write_message(message, binary=isinstance(message, bytes))
    said = (await hear(client))["problem"]
    assert 400 <= said["status"] < 500 and said["detail"]
    await say(client, ping=1)
    assert await hear(client) == {"pong": 1}


async def test_limits(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "MAX_SUBSCRIPTIONS", 1)
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"workspace": True})
    assert (await hear(client))["ok"]
    await say(client, id=2, subscribe={"session": session_id})
    assert (await hear(client))["problem"]["status"] == 409
    flood = await stand.connect()
    for _ in range(socket.MAX_MESSAGES_A_SECOND * 4):
        await say(flood, ping=1)
    while await asyncio.wait_for(flood.read_message(), 5) is not None:
        pass
    assert flood.close_code == 1008
    large = await stand.connect()
    await large.write_message("x" * (1024 * 1024 + 1))
    while await asyncio.wait_for(large.read_message(), 5) is not None:
        pass
    assert large.close_code == 1009


async def test_a_reader_that_stalls_costs_little_and_is_closed(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8 in small: 30 MB wait for a client that reads nothing; the server keeps a megabyte, then closes."""
    monkeypatch.setattr(socket, "STALL_SECONDS", 0.5)
    session_id = await begin(stand)
    await stand.made.work.say(session_id, *("x" * 100_000 for _ in range(300)))
    raw = sockets.create_connection(("127.0.0.1", stand.server.port))
    raw.setblocking(False)
    try:
        await _shake_hands(stand, raw, session_id)
        hub = hub_of(stand)
        await wait_until(lambda: hub.sockets)
        (listener,) = hub.sockets
        most = 0

        def gone() -> bool:
            nonlocal most
            most = max(most, listener._in_flight)  # type: ignore[attr-defined]  # what is bounded
            return not hub.sockets

        healthy = await stand.connect()
        await say(healthy, id=1, subscribe={"session": session_id, "after_seq": 300})
        await events_until(healthy, 303)
        healthy.close()
        await wait_until(gone, 10)
        assert most <= socket.HIGH_WATER + 200_000
    finally:
        raw.close()


async def _shake_hands(stand: Stand, raw: sockets.socket, session_id: SessionId) -> None:
    loop = asyncio.get_running_loop()
    request = (
        f"GET {stand.server.base_url}{API}/events HTTP/1.1\r\nHost: 127.0.0.1:{stand.server.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: token oscar-token\r\n\r\n"
    )
    await loop.sock_sendall(raw, request.encode())
    assert b"101" in await loop.sock_recv(raw, 4096)
    text = json.dumps({"subscribe": {"session": session_id, "after_seq": 0}}).encode()
    assert len(text) < 126
    await loop.sock_sendall(raw, bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)


async def test_nothing_is_left_when_the_last_socket_is_gone(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 0})
    await say(client, id=2, subscribe={"workspace": True})
    await events_until(client, 3)
    client.close()
    await wait_until(lambda: not hub_of(stand).sockets)
    await wait_until(lambda: not [job for job in asyncio.all_tasks() if job.get_name().startswith("agor-")])
    assert hub_of(stand)._topics == {} and stand.made.store.bus._readers == {}


async def test_a_stop_is_said(stand: Stand) -> None:
    client = await stand.connect()
    await say(client, id=1, subscribe={"workspace": True})
    assert (await hear(client))["ok"]
    await hub_of(stand).close()
    assert await asyncio.wait_for(client.read_message(), 5) is None
    assert client.close_code == 1001
