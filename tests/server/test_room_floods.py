"""F8: clients that stop reading, and clients that never stop writing, beside a healthy one."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from pathlib import Path

import psutil
import pytest
from pycrdt import Map

from agor_jupyter.board import frames
from agor_jupyter.testing.people import headers_of
from agor_jupyter.testing.y_client import YClient
from tests.server.beside_a_flood import compare
from tests.server.test_rooms import BOARD, OURS, THEIRS, Stand, stand_of

STALLED = 10
SAMPLES = 120
MEGABYTE = 1024 * 1024


async def stall(stand: Stand, path: str) -> socket.socket:
    """Shake hands as vera, and never read again."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", stand.server.port))
    lines = [
        f"GET {stand.server.base_url}{path.format(board=BOARD.id)} HTTP/1.1",
        f"Host: 127.0.0.1:{stand.server.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers_of("vera").items()),
    ]
    await loop.sock_sendall(raw, ("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = await loop.sock_recv(raw, 64)
    assert b"101" in answer
    return raw


async def write_megabytes(stand: Stand, megabytes: int) -> None:
    """Replace a note of 60 KB again and again, two updates a tick."""
    layout = stand.boards.layout(BOARD.id)
    for number in range(megabytes * MEGABYTE // 60_000):
        layout.edit_note("note_a", f"{number:08}" + os.urandom(30_000).hex()[:59_000])
        await asyncio.sleep(0.017)


@pytest.mark.slow
async def test_ten_stalled_clients_cost_little_and_are_closed(tmp_path: Path) -> None:
    async with stand_of(tmp_path) as stand, stand.join(OURS, "mona") as mona:
        stand.boards.layout(BOARD.id).add_note("note_a", "x", (0, 0))
        room = await stand.boards.wait_room(f"agor-board-{BOARD.id}")
        assert room is not None
        stalled = [await stall(stand, OURS if number % 2 else THEIRS) for number in range(STALLED)]
        async with asyncio.timeout(5):
            while len(room.clients) < STALLED + 1:
                await asyncio.sleep(0.01)
        await write_megabytes(stand, 1)  # warm: what any client's memory costs once
        before = psutil.Process().memory_info().rss
        started = time.monotonic()
        writing = asyncio.create_task(write_megabytes(stand, 26))
        peak, closed_after = before, None
        while not writing.done() or closed_after is None:
            await asyncio.sleep(0.1)
            assert time.monotonic() - started < 30
            peak = max(peak, psutil.Process().memory_info().rss)
            if closed_after is None and len(room.clients) == 1:
                closed_after = time.monotonic() - started
        await writing
        text = stand.boards.layout(BOARD.id).note_texts()["note_a"]
        await mona.wait_until(lambda: mona.map("notes")["note_a"]["text"] == text)
        for raw in stalled:
            raw.close()
        print(f"closed after {closed_after:.1f} s, RSS +{(peak - before) / MEGABYTE:.1f} MB")
        assert closed_after <= 10
        assert (peak - before) / MEGABYTE <= 32, (peak - before) / MEGABYTE


async def delays(writer: YClient, reader: YClient, count: int) -> list[float]:
    """Move a card `count` times; give how long each move took to arrive."""
    found = []
    for number in range(count):
        started = time.monotonic()
        writer.map("cards")["wt_a"]["pos"] = [number, 0]
        await reader.wait_until(lambda number=number: reader.map("cards")["wt_a"]["pos"] == [number, 0])
        found.append(time.monotonic() - started)
        await asyncio.sleep(0.005)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_flood_hardly_slows_the_others(tmp_path: Path) -> None:
    """5,000 messages a second from one person: closed each time, and the others' p99 at most doubles."""
    async with (
        stand_of(tmp_path) as stand,
        stand.join(OURS, "mona") as mona,
        stand.join(THEIRS, "oscar") as oscar,
    ):
        mona.map("cards")["wt_a"] = Map({"pos": [0, 0]})
        await oscar.wait_until(lambda: "wt_a" in oscar.map("cards"))
        url = stand.server.url(OURS.format(board=BOARD.id), scheme="ws", clientId="7")
        state = json.dumps({"user": {"username": "ada", "name": "ada"}, "cursor": [1, 2]})
        frame = frames.awareness_frame([frames.Announcement(7, 1, state)])
        await compare(lambda: delays(mona, oscar, SAMPLES), url, frame.hex())
