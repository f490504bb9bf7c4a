"""P6: fifty people on one board, moving cards and cursors, against a plain YRoom in the same run.

`python -m benchmarks.board_fanout` prints a table. Each server runs in a process of its own; all
clients run in this one and only count and time what arrives. A delivery is one move or one cursor
that has reached one client, however many share a frame. The variants are interleaved in random
order; what is judged is the median of the rounds' ratios. Where Node and the front end's packages
are there, a bare `ws` relay without a CRDT is the floor.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pycrdt import Doc, Map, TransactionEvent
from tornado.websocket import WebSocketClientConnection, websocket_connect

from agor_jupyter.board import frames
from agor_jupyter.board.frames import Announcement, Kind
from agor_jupyter.board.updates import read_update

CLIENTS = 50
MOVES_PER_SECOND = 100
CURSORS_PER_SECOND = 250
SECONDS = 4.0
GRACE_SECONDS = 8.0
ROUNDS = 3
GOAL = 5.0
FLOOR = Path(__file__).with_name("ws_floor.cjs")
PACKAGE = Path(__file__).resolve().parents[1] / "labextension" / "package.json"


@dataclass
class Seen:
    """What all clients of one round saw."""

    frames: int = 0
    moves: int = 0
    cursors: int = 0
    delays: list[float] = field(default_factory=list)

    @property
    def deliveries(self) -> int:
        return self.moves + self.cursors


class Client:
    """One person: writes its own card and cursor, counts what it hears."""

    def __init__(self, number: int, socket: WebSocketClientConnection, doc: Doc[Any], seen: Seen) -> None:
        self.number = number
        self.socket = socket
        self.doc = doc
        self.seen = seen
        self.synced = asyncio.Event()
        self.clock = 0
        self.counting = False
        self.doc.observe(self._changed)

    def _changed(self, event: TransactionEvent) -> None:
        self.socket.write_message(frames.update_frame(event.update), binary=True)

    def place(self) -> None:
        self.doc.get("cards", type=Map)[f"wt_{self.number}"] = Map({"pos": [0.0, 0.0]})

    def move(self) -> None:
        self.clock += 1
        self.doc.get("cards", type=Map)[f"wt_{self.number}"]["pos"] = [self.clock, time.perf_counter()]

    def point(self) -> None:
        self.clock += 1
        user = {"username": f"p{self.number}"}
        state = json.dumps({"user": user, "at": time.perf_counter(), "cursor": [self.clock, self.clock]})
        said = frames.awareness_frame([Announcement(self.doc.client_id, self.clock, state)])
        self.socket.write_message(said, binary=True)

    async def hear(self) -> None:
        while (message := await self.socket.read_message()) is not None:
            assert isinstance(message, bytes)
            now = time.perf_counter()
            frame = frames.read_frame(message)
            if frame.kind is Kind.STEP1:
                empty = frames.step2(frames.EMPTY_UPDATE)
                self.socket.write_message(empty, binary=True)
            elif frame.kind is Kind.STEP2:
                self.synced.set()
            elif self.counting:
                self._count(frame, now)

    def _count(self, frame: frames.Frame, now: float) -> None:
        self.seen.frames += 1
        if frame.kind is Kind.UPDATE:
            values = [write.value for write in read_update(frame.payload).writes]
            times = [value[1] for value in values if isinstance(value, list) and value[1]]
            self.seen.moves += len(times)
        else:
            said = [json.loads(each.state) for each in frames.read_announcements(frame.payload)]
            times = [state["at"] for state in said if state]
            self.seen.cursors += len(times)
        self.seen.delays += [now - each for each in times]


@asynccontextmanager
async def serving(mode: str) -> AsyncIterator[tuple[int, psutil.Process]]:
    """Run a server in its own process; give its port."""
    if mode == "ws":
        command = [
            shutil.which("node") or "node",
            str(Path(__file__).with_name("ws_floor.cjs")),
            str(PACKAGE),
        ]
    else:
        command = [sys.executable, "-m", "benchmarks.board_server", mode]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), 30))
        yield port, psutil.Process(process.pid)
    finally:
        process.kill()
        await process.wait()


async def join(port: int, number: int, seen: Seen) -> tuple[Client, asyncio.Task[None]]:
    doc: Doc[Any] = Doc()
    address = f"ws://127.0.0.1:{port}/board?person=p{number}&clientId={doc.client_id}"
    client = Client(number, await websocket_connect(address), doc, seen)
    hearing = asyncio.create_task(client.hear())
    client.socket.write_message(frames.step1(doc.get_state()), binary=True)
    await asyncio.wait_for(client.synced.wait(), 20)
    return client, hearing


async def load(clients: list[Client]) -> tuple[int, int]:
    """Move and point at a steady rate; give how many moves and cursors were sent."""
    moves = cursors = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < SECONDS:
        while moves < passed * MOVES_PER_SECOND:
            clients[moves % len(clients)].move()
            moves += 1
        while cursors < passed * CURSORS_PER_SECOND:
            clients[(cursors * 7 + 3) % len(clients)].point()
            cursors += 1
        await asyncio.sleep(0.005)
    return moves, cursors


async def arrived(seen: Seen, wanted: int) -> None:
    """Wait until all is delivered, at most `GRACE_SECONDS`: on a busy machine the clients lag too."""
    deadline = time.perf_counter() + GRACE_SECONDS
    while seen.deliveries < wanted and time.perf_counter() < deadline:
        await asyncio.sleep(0.05)


async def measure(mode: str) -> dict[str, float]:
    """One round of one server: CPU a delivery, delays, frames a move, and what was delivered."""
    seen = Seen()
    async with serving(mode) as (port, process):
        joined = [await join(port, number, seen) for number in range(CLIENTS)]
        clients = [client for client, _ in joined]
        for client in clients:
            client.place()
        await asyncio.sleep(0.5)
        for client in clients:
            client.counting = True
        before = sum(process.cpu_times()[:2])
        moves, cursors = await load(clients)
        await arrived(seen, (moves + cursors) * CLIENTS)
        cpu = sum(process.cpu_times()[:2]) - before
        for client, hearing in joined:
            client.counting = False
            client.socket.close()
            hearing.cancel()
        heard = await asyncio.gather(*(hearing for _, hearing in joined), return_exceptions=True)
        for ended in heard:
            if isinstance(ended, Exception):
                raise ended
    delays = sorted(seen.delays)
    return {
        "cpu_us_per_delivery": cpu / max(1, seen.deliveries) * 1e6,
        "delivered": seen.deliveries / ((moves + cursors) * CLIENTS),
        "frames_per_move": seen.frames / (moves + cursors),
        "p50_ms": delays[len(delays) // 2] * 1e3,
        "p95_ms": delays[int(len(delays) * 0.95)] * 1e3,
        "cpu_percent": cpu / SECONDS * 100,
    }


def modes() -> list[str]:
    found = ["board", "yroom"]
    if shutil.which("node") and (PACKAGE.parent / "node_modules" / "ws").exists():
        found.append("ws")
    return found


async def measure_all(rounds: int) -> dict[str, Any]:
    taken: dict[str, list[dict[str, float]]] = {mode: [] for mode in modes()}
    for _ in range(rounds):
        for mode in random.sample(list(taken), len(taken)):
            taken[mode].append(await measure(mode))
    medians = {
        mode: {name: statistics.median(each[name] for each in found) for name in found[0]}
        for mode, found in taken.items()
    }
    ratios = {
        mode: [
            other["cpu_us_per_delivery"] / ours["cpu_us_per_delivery"]
            for ours, other in zip(taken["board"], found, strict=True)
        ]
        for mode, found in taken.items()
        if mode != "board"
    }
    cheaper = {mode: statistics.median(each) for mode, each in ratios.items()}
    return {
        "goal": "P6",
        "wanted": f"at least {GOAL:g}x cheaper than a plain YRoom, all delivered",
        "clients": CLIENTS,
        "offered_per_second": {"moves": MOVES_PER_SECOND, "cursors": CURSORS_PER_SECOND},
        "medians": medians,
        "cheaper_than": cheaper,
        "range": {mode: [min(each), max(each)] for mode, each in ratios.items()},
        "met": cheaper["yroom"] >= GOAL and medians["board"]["delivered"] > 0.999,
    }


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure, print a table, and give the figures."""
    result = asyncio.run(measure_all(rounds))
    print(f"{CLIENTS} clients, {MOVES_PER_SECOND} moves and {CURSORS_PER_SECOND} cursors a second")
    heads = (("µs/delivery", 13), ("delivered", 11), ("frames/move", 13), ("p50 ms", 9), ("p95 ms", 9))
    print(f"{'server':8}" + "".join(f"{head:>{width}}" for head, width in heads) + f"{'CPU %':>8}")
    for mode, row in result["medians"].items():
        print(
            f"{mode:8}{row['cpu_us_per_delivery']:13.1f}{row['delivered']:11.3f}{row['frames_per_move']:13.1f}"
            f"{row['p50_ms']:9.1f}{row['p95_ms']:9.1f}{row['cpu_percent']:8.0f}"
        )
    for mode, times in result["cheaper_than"].items():
        low, high = result["range"][mode]
        print(f"board is {times:.1f}x cheaper than {mode} [{low:.1f}-{high:.1f}]")
    return result


if __name__ == "__main__":
    print("met" if run()["met"] else "NOT met")
