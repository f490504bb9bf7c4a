"""F8 at the events socket: ten clients that stop reading, and one that never stops writing."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import psutil
import pytest
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.server import events
from tests.making import wait_until
from tests.server.beside_a_flood import compare
from tests.server.conftest import API, Stand
from tests.server.test_events import _shake_hands, begin, events_until, hear, hub_of, say

STALLED = 10
MEGABYTE = 1024 * 1024
SAMPLES = 120


@pytest.mark.slow
async def test_ten_stalled_clients_cost_little_and_are_closed(stand: Stand) -> None:
    """26 MB wait for each of ten clients that read nothing; a healthy one goes on."""
    session_id = await begin(stand)
    await stand.made.work.say(session_id, *("x" * 100_000 for _ in range(260)))
    healthy = await stand.connect()
    await say(healthy, id=1, subscribe={"session": session_id, "after_seq": 200})
    await events_until(healthy, 263)  # warm: what the making of frames costs once
    hub = hub_of(stand)
    stalled: list[socket.socket] = []
    before = psutil.Process().memory_info().rss
    try:
        for _ in range(STALLED):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            stalled.append(raw)
            await asyncio.to_thread(raw.connect, ("127.0.0.1", stand.server.port))
            raw.setblocking(False)
            await _shake_hands(stand, raw, session_id)
        await wait_until(lambda: len(hub.sockets) == STALLED + 1, 10)
        started = time.monotonic()
        most = peak = 0

        def gone() -> bool:
            nonlocal most, peak
            others = [each for each in hub.sockets if isinstance(each, events.EventsHandler)]
            most = max([most, *(each._in_flight for each in others)])
            peak = max(peak, psutil.Process().memory_info().rss - before)
            return len(hub.sockets) == 1

        await stand.made.work.say(session_id, "to everybody")
        await events_until(healthy, 264)
        await wait_until(gone, 20)
        elapsed = time.monotonic() - started
    finally:
        for raw in stalled:
            raw.close()
    print(f"closed after {elapsed:.1f} s, RSS +{peak / MEGABYTE:.1f} MB, most in flight {most}")
    assert events.LOW_WATER < most <= events.HIGH_WATER + 200_000
    assert peak / MEGABYTE <= 32
    assert elapsed <= 10
    await stand.made.work.say(session_id, "still here")
    await events_until(healthy, 265)


async def delays(stand: Stand, client: WebSocketClientConnection, session_id: SessionId) -> list[float]:
    """Append `SAMPLES` events one by one; give how long each took to arrive."""
    found = []
    for _ in range(SAMPLES):
        started = time.monotonic()
        session = await stand.made.work.say(session_id, "x")
        await events_until(client, session.last_seq)
        found.append(time.monotonic() - started)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_flood_hardly_slows_the_others(stand: Stand) -> None:
    session_id = await begin(stand)
    client = await stand.connect()
    await say(client, id=1, subscribe={"session": session_id, "after_seq": 3})
    assert (await hear(client))["reply"] == 1
    url = stand.server.url(f"{API}/events", scheme="ws")
    frame = "TEXT:" + json.dumps({"ping": 1})
    await compare(lambda: delays(stand, client, session_id), url, frame)
