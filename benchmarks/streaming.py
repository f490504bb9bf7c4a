"""What a person waits for and what streaming costs: prompts, ten agents, a hundred readers, browsers.

`python -m benchmarks.streaming` prints its figures. A real JupyterLab process with the demo agent,
each session with its own runner process. Floors in the same run: a bare write by REST for the
prompt; for streams a bare tornado server that stores nothing (`stream_floor`), its rounds in random
turn with ours. The loop's lag is the round trip of a ping while the load runs.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from tornado.websocket import websocket_connect

from benchmarks.stream_browsers import watch_boards
from benchmarks.stream_house import BoardWatcher, House, Pinger, Reader, floor, running, wait_until

SAMPLES = 20
SESSIONS = 10
PER_SECOND = 30
CLIENTS = 2
FULL_PER_SECOND = 500  # of each of the ten sessions: P8's rate, with a tenth of its processes
READERS = 100
READERS_PER_SECOND = 50
WINDOW_SECONDS = 6.0
LEAD_SECONDS = 3.0
STREAM_SECONDS = LEAD_SECONDS + WINDOW_SECONDS + 3.0
IDLE_SECONDS = 3.0
ROUNDS = 2

Found = dict[str, Any]


def share(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": share(values, 0.5), "p95_ms": share(values, 0.95)}


async def first_event(house: House, session: str) -> Found:
    """Time prompts and bare writes in random turn."""
    reader = Reader(await house.connect("events"))
    times: dict[str, list[float]] = {"log": [], "second": [], "word": [], "floor": []}
    seen: dict[str, float] = {}

    def note(frame: str) -> None:
        for word in ("task_queued", "agent_message_chunk", "task_ended"):
            if f'"{word}"' in frame:
                seen.setdefault(word, time.perf_counter())

    last = (await house.ask("GET", f"/sessions/{session}"))["last_seq"]
    reader.follow([session], last)
    reader.on_frame = note
    turns = ["prompt", "floor"] * SAMPLES
    random.shuffle(turns)
    for number, turn in enumerate(turns):
        seen.clear()
        began = time.perf_counter()
        if turn == "floor":
            await house.ask("PATCH", "/me/settings", {"bench": str(number)})
            times["floor"].append(1000 * (time.perf_counter() - began))
            continue
        await house.prompt(session, "stream 1 tokens at 30/s")
        times["log"].append(1000 * (time.perf_counter() - began))
        await wait_until("the task ends", lambda: "task_ended" in seen)
        times["second"].append(1000 * (seen["task_queued"] - began))
        times["word"].append(1000 * (seen["agent_message_chunk"] - began))
    await reader.close()
    return {name: spread(found) for name, found in times.items()}


async def window(
    readers: list[Reader], cpu: Callable[[], float], pinger: Pinger, begin: Callable[[], Awaitable[object]]
) -> Found:
    """Begin a stream; when it runs evenly, measure a window of it."""
    await begin()
    await asyncio.sleep(LEAD_SECONDS)
    pinger.take()
    tokens, spent, began = _tokens(readers), cpu(), time.perf_counter()
    await asyncio.sleep(WINDOW_SECONDS)
    seconds = time.perf_counter() - began
    used, delivered = cpu() - spent, max(1, _tokens(readers) - tokens)
    return {
        "cpu_percent": 100 * used / seconds,
        "us_per_token": 1e6 * used / delivered * len(readers),
        "us_per_delivery": 1e6 * used / delivered,
        "lag_p99_ms": share(pinger.take(), 0.99),
    }


def _tokens(readers: list[Reader]) -> int:
    return sum(reader.tokens for reader in readers)


async def ours(house: House, sessions: list[str], per_second: int, clients: int) -> Found:
    """One round with our server. What was not delivered at the end of the stream is missing for good."""
    count = int(per_second * STREAM_SECONDS)
    lasts = [(await house.ask("GET", f"/sessions/{session}"))["last_seq"] for session in sessions]
    readers = [Reader(await house.connect("events")) for _ in range(clients)]
    for reader in readers:
        for session, last in zip(sessions, lasts, strict=True):
            reader.follow([session], last)
    pinger = Pinger(await house.connect("events"))
    await asyncio.sleep(IDLE_SECONDS)
    idle = share(pinger.take(), 0.99)

    async def begin() -> None:
        text = f"stream {count} tokens at {per_second}/s"
        await asyncio.gather(*(house.prompt(session, text) for session in sessions))

    found = await window(readers, house.cpu_seconds, pinger, begin)
    for session in sessions:
        await house.idle(session)
    await asyncio.sleep(0.3)
    wanted = count * len(sessions) * clients
    found |= {"delivered": _tokens(readers) / wanted, "lag_idle_p99_ms": idle}
    await pinger.close()
    for reader in readers:
        await reader.close()
    return found


async def bare(sessions: int, per_second: int, clients: int) -> Found:
    """One round with the floor."""
    async with floor() as (address, process):
        readers = [Reader(await websocket_connect(address)) for _ in range(clients)]
        pinger = Pinger(await websocket_connect(address))
        # The pinger's socket hears the stream too: the floor has no subscriptions. It is counted.
        wish = {"sessions": sessions, "per_second": per_second, "seconds": STREAM_SECONDS}

        async def begin() -> None:
            readers[0].say({"start": wish})

        found = await window(readers, lambda: sum(process.cpu_times()[:2]), pinger, begin)
        await pinger.close()
        for reader in readers:
            await reader.close()
    return found


async def both(house: House, sessions: list[str], per_second: int, clients: int, rounds: int) -> Found:
    """Measure ours and the floor in random turn; give medians."""
    taken: dict[str, list[Found]] = {"ours": [], "bare": []}
    for _ in range(rounds):
        for name in random.sample(list(taken), 2):
            if name == "ours":
                taken[name].append(await ours(house, sessions, per_second, clients))
            else:
                taken[name].append(await bare(len(sessions), per_second, clients))
    found = _medians(taken["ours"])
    below = _medians(taken["bare"])
    return {
        **found,
        "delivered": min(each["delivered"] for each in taken["ours"]),
        "floor_us_per_delivery": below["us_per_delivery"],
        "lag_floor_p99_ms": below["lag_p99_ms"],
        "sessions": len(sessions),
        "per_second": per_second,
        "clients": clients,
        "rounds": taken,
    }


def _medians(taken: list[Found]) -> Found:
    return {name: statistics.median(each[name] for each in taken) for name in taken[0]}


async def growth(house: House, board: str, sessions: list[str]) -> Found:
    """Weigh the board's two documents while nothing happens but tokens."""
    watchers = [BoardWatcher(await house.connect(f"rooms/{board}{tail}")) for tail in ("", "/status")]
    text = f"stream {int(PER_SECOND * STREAM_SECONDS)} tokens at {PER_SECOND}/s"
    await asyncio.gather(*(house.prompt(session, text) for session in sessions))
    await asyncio.sleep(LEAD_SECONDS)
    before, heard = sum(each.weight for each in watchers), sum(each.updates for each in watchers)
    await asyncio.sleep(WINDOW_SECONDS)
    found = {
        "board_bytes": before,
        "board_growth_bytes": sum(each.weight for each in watchers) - before,
        "board_frames": sum(each.updates for each in watchers) - heard,
        "tokens": int(PER_SECOND * WINDOW_SECONDS) * len(sessions),
    }
    for session in sessions:
        await house.idle(session)
    for watcher in watchers:
        await watcher.close()
    return found


async def browsers(house: House, board: str, sessions: list[str]) -> Found | None:
    """Count what two browsers redraw while all stream; None where there is no Chromium."""
    async with watch_boards(house, board, sessions[0], CLIENTS) as watch:
        if watch is None:
            return None
        pinger = Pinger(await house.connect("events"))
        text = f"stream {int(PER_SECOND * STREAM_SECONDS)} tokens at {PER_SECOND}/s"
        await asyncio.gather(*(house.prompt(session, text) for session in sessions))
        await asyncio.sleep(LEAD_SECONDS)
        await watch.batches()
        pinger.take()
        spent, began = house.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(WINDOW_SECONDS)
        batches = await watch.batches()
        seconds = time.perf_counter() - began
        found = {
            "browsers": CLIENTS,
            "running": len(sessions),
            "batches": batches,
            "batches_per_row": max(batches) / seconds / len(sessions),
            "cpu_percent": 100 * (house.cpu_seconds() - spent) / seconds,
            "lag_p99_ms": share(pinger.take(), 0.99),
        }
        await pinger.close()
        for session in sessions:
            await house.idle(session)
    return found


async def measure(rounds: int) -> Found:
    with tempfile.TemporaryDirectory(prefix="agor-bench-", ignore_cleanup_errors=True) as folder:
        async with running(Path(folder).resolve()) as house:
            board = await house.board()
            sessions = await house.sessions(board, SESSIONS)
            found: Found = {"first_event": await first_event(house, sessions[0])}
            found["load"] = await both(house, sessions, PER_SECOND, CLIENTS, rounds)
            found["load"] |= await growth(house, board, sessions)
            rounds_taken = [await ours(house, sessions, FULL_PER_SECOND, 1) for _ in range(rounds)]
            found["full_rate"] = {**_medians(rounds_taken), "per_second": FULL_PER_SECOND * SESSIONS}
            found["many_readers"] = await both(house, sessions[:1], READERS_PER_SECOND, READERS, rounds)
            found["browsers"] = await browsers(house, board, sessions)
    return found


def run(rounds: int = ROUNDS) -> Found:
    """Measure, print the figures, and give them. About a minute and a half for each round."""
    found = asyncio.run(measure(rounds))
    for name, part in found.items():
        print(name)
        for key, value in (part or {"no Chromium": ""}).items():
            if key != "rounds":
                print(f"  {key:<24} {round(value, 3) if isinstance(value, float) else value}")
    return found


if __name__ == "__main__":
    run()
