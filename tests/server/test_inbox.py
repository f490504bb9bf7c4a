"""The inbox of the events socket: what waits for a person, told once, whatever happens on either side."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.server import events as socket
from agor_jupyter.server import hub as hubs
from agor_jupyter.server import outline
from agor_jupyter.server.hub import EventHub
from tests.making import wait_until
from tests.server.conftest import Stand
from tests.server.test_events import begin, hear, hub_of, say


async def watch(stand: Stand, *, person: str = "oscar") -> tuple[WebSocketClientConnection, list[Any]]:
    """Subscribe; give the socket and the whole that it began with."""
    client = await stand.connect(person=person)
    await say(client, id=1, subscribe={"inbox": True})
    whole: list[Any] = []
    heard: set[str] = set()
    while not {"reply", "inbox"} <= heard:
        frame = await hear(client)
        heard |= frame.keys()
        if "inbox" in frame:
            assert frame["whole"] is True
            whole = frame["inbox"]
    return client, whole


def told(frame: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(event["update"]["type"], event["session_id"], event["seq"]) for event in frame["inbox"]]


async def test_what_waits_comes_first_and_what_becomes_of_it_follows(stand: Stand) -> None:
    one, two = await begin(stand), await begin(stand)
    first = await stand.made.work.ask(one)
    client, whole = await watch(stand)
    assert told({"inbox": whole}) == [("permission_request", one, 4)]
    assert whole[0]["update"]["request_id"] == first
    second = await stand.made.work.ask(two)
    assert told(await hear(client)) == [("permission_request", two, 4)]
    await stand.send("POST", f"/permissions/{second}", {"option_id": "allow_once"}, status=200)
    frame = await hear(client)
    assert told(frame) == [("permission_resolved", two, 5)] and "whole" not in frame
    assert (frame["inbox"][0]["update"]["request_id"], frame["inbox"][0]["update"]["by"]) == (second, "oscar")
    await stand.made.work.say(two, "words are no news")
    await stand.made.work.end(two, "failed")
    frame = await hear(client)
    assert told(frame) == [("task_ended", two, 7)]
    assert frame["inbox"][0]["update"]["stop_reason"] == "failed"
    later, whole = await watch(stand, person="vera")
    assert told({"inbox": whole}) == [("permission_request", one, 4)]
    await stand.send("POST", f"/permissions/{first}", {"option_id": "reject_once"}, status=200)
    assert told(await hear(later)) == told(await hear(client)) == [("permission_resolved", one, 5)]


async def test_an_empty_inbox_says_so(stand: Stand) -> None:
    client, whole = await watch(stand)
    assert whole == []
    await say(client, id=2, unsubscribe={"inbox": True})
    assert await hear(client) == {"reply": 2, "ok": True}
    await stand.made.work.ask(await begin(stand))
    await say(client, ping=1)
    assert await hear(client) == {"pong": 1}


async def test_a_long_inbox_comes_in_frames_of_bounded_size(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outline, "MAX_EVENTS", 3)
    session_id = await begin(stand)
    requests = [await stand.made.work.ask(session_id) for _ in range(8)]
    client, whole = await watch(stand)
    while len(whole) < 8:
        frame = await hear(client)
        assert "whole" not in frame and len(frame["inbox"]) <= 3
        whole += frame["inbox"]
    assert [event["update"]["request_id"] for event in whole] == requests


async def test_what_is_asked_while_the_whole_is_read(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hole of naive designs: asked after the look, published before the listener is live."""
    session_id = await begin(stand)
    log = type(stand.made.house.log)
    pending = log.pending
    late: list[str] = []

    async def slow(self: Any) -> Any:
        found = await pending(self)
        if not late:
            late.append(await stand.made.work.ask(session_id))
            await asyncio.sleep(0.1)  # the hub reads it, past a listener that catches up
        return found

    monkeypatch.setattr(log, "pending", slow)
    client, whole = await watch(stand)
    assert whole == []
    frame = await hear(client)
    assert frame["whole"] is True
    assert [event["update"]["request_id"] for event in frame["inbox"]] == late


async def test_what_was_read_is_not_told_again_by_the_bus(stand: Stand) -> None:
    session_id = await begin(stand)
    client, _ = await watch(stand)
    bus = stand.made.store.bus
    held: list[Any] = []
    publish, bus.publish = bus.publish, held.append  # type: ignore[method-assign]  # a slow bus
    await stand.made.work.ask(session_id)
    await say(client, id=2, subscribe={"inbox": True})
    heard = [await hear(client), await hear(client)]
    assert [len(frame["inbox"]) for frame in heard if "inbox" in frame] == [1]
    bus.publish = publish  # type: ignore[method-assign]  # put back
    for item in held:
        bus.publish(item)
    await stand.made.work.end(session_id)
    assert [kind for kind, _, _ in told(await hear(client))] == ["task_ended"]


async def test_an_inbox_left_behind_is_told_whole(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BUS_BOUND", 4)
    session_id = await begin(stand)
    client, _ = await watch(stand)
    refolds: list[int] = []
    refold = EventHub._refold
    monkeypatch.setattr(EventHub, "_refold", lambda self: (refolds.append(1), refold(self))[1])
    asked = await asyncio.gather(*(stand.made.work.ask(session_id) for _ in range(20)))
    known: list[str] = []
    while sorted(known) != sorted(asked):
        frame = await hear(client)
        known = [] if frame.get("whole") else known
        known += [event["update"]["request_id"] for event in frame["inbox"]]
    assert refolds, "the bus never overflowed: this tested nothing"


async def test_who_may_not_read_sessions_hears_nothing(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the subscription, and every few seconds after it."""
    monkeypatch.setattr(socket, "RECHECK_SECONDS", 0.05)
    client, _ = await watch(stand, person="mona")
    stand.server.app.authorizer.set_tier("mona", None)
    while await asyncio.wait_for(client.read_message(), 5) is not None:
        pass
    assert client.close_code == socket.MAY_NOT


async def test_a_subscription_is_refused_to_who_was_demoted(stand: Stand) -> None:
    client = await stand.connect(person="mona")
    stand.server.app.authorizer.set_tier("mona", None)
    await say(client, id=1, subscribe={"inbox": True})
    frame = await hear(client)
    assert frame["reply"] == 1 and frame["problem"]["status"] == 403


async def test_nothing_is_left_when_the_watcher_is_gone(stand: Stand) -> None:
    client, _ = await watch(stand)
    client.close()
    await wait_until(lambda: not hub_of(stand).sockets)
    await wait_until(lambda: not [job for job in asyncio.all_tasks() if job.get_name().startswith("agor-")])
    assert hub_of(stand).inbox._watchers == {}


async def test_the_events_of_a_session_are_told_beside_it(stand: Stand) -> None:
    session_id: SessionId = await begin(stand)
    client, _ = await watch(stand)
    await say(client, id=2, subscribe={"session": session_id, "after_seq": 3})
    assert (await hear(client))["reply"] == 2
    await stand.made.work.ask(session_id)
    heard = [await hear(client), await hear(client)]
    assert [frame["inbox"][0]["seq"] for frame in heard if "inbox" in frame] == [4]
    assert [frame["events"][0]["seq"] for frame in heard if "events" in frame] == [4]
