"""P10: what a durable append costs, against three ways of storing a row in the same run.

`python -m benchmarks.durable_append` prints a table. 100 producers each append one chunk after
another to a session of their own and wait for each acknowledgement. The variants are interleaved in
random order; what is judged is the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from pycrdt import Doc, Text
from pycrdt.store import SQLiteYStore

from agor_jupyter.domain.events import AgentMessageChunk, Draft, SessionCreated
from agor_jupyter.domain.ids import MessageId, SessionId, UserId, WorktreeId
from agor_jupyter.domain.session import Session
from agor_jupyter.store.opening import open_store

ROUNDS = 7
PRODUCERS = 100
EACH = 100
ROWS = 1500
Y_ROWS = 200
TEXT = "some words that an agent says, "
BODY = f'{{"type":"agent_message_chunk","message_id":"m","text":"{TEXT}","parent_tool_call_id":null}}'
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?)"


def bare_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE events "
        "(session TEXT, seq INTEGER, at_ms INTEGER, body TEXT, PRIMARY KEY (session, seq))"
    )
    return connection


async def full_row(folder: Path) -> tuple[float, list[float]]:
    """Commit row after row."""
    connection = bare_database(folder / "rows.db")
    start = time.perf_counter()
    for seq in range(ROWS):
        connection.execute(INSERT, ("s", seq, 0, BODY))
    rate = ROWS / (time.perf_counter() - start)
    connection.close()
    return rate, []


async def produce(append: Callable[[int, int], Awaitable[object]]) -> tuple[float, list[float]]:
    """Let all producers append; give the rate and how long each acknowledgement took."""
    took: list[float] = []

    async def producer(number: int) -> None:
        for seq in range(EACH):
            start = time.perf_counter()
            await append(number, seq)
            took.append(time.perf_counter() - start)

    gc.collect()
    gc.freeze()  # what was made before the clock runs is nobody's burden while it does
    start = time.perf_counter()
    await asyncio.gather(*(producer(number) for number in range(PRODUCERS)))
    return PRODUCERS * EACH / (time.perf_counter() - start), took


async def bare_group(folder: Path) -> tuple[float, list[float]]:
    """The least that can be done: a thread that inserts what has come in and commits it."""
    connection = bare_database(folder / "bare.db")
    loop = asyncio.get_running_loop()
    units: SimpleQueue[tuple[tuple[object, ...], asyncio.Future[None]] | None] = SimpleQueue()

    def resolve(futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            future.set_result(None)

    def work() -> None:
        unit = units.get()
        while unit is not None:
            group = [unit]
            try:
                while (unit := units.get_nowait()) is not None:
                    group.append(unit)
            except Empty:
                pass
            connection.execute("BEGIN")
            connection.executemany(INSERT, [row for row, _ in group])
            connection.execute("COMMIT")
            loop.call_soon_threadsafe(resolve, [future for _, future in group])
            unit = units.get()

    thread = threading.Thread(target=work)
    thread.start()

    def append(number: int, seq: int) -> asyncio.Future[None]:
        future = loop.create_future()
        units.put(((f"ses_{number:016d}", seq, 0, BODY), future))
        return future

    result = await produce(append)
    units.put(None)
    await asyncio.to_thread(thread.join)
    connection.close()
    return result


async def event_log(folder: Path) -> tuple[float, list[float]]:
    """Ours: events, session records and task records in one transaction, then published."""
    store = open_store(folder / "agor")
    ids = [SessionId(f"ses_{number:016d}") for number in range(PRODUCERS)]
    for name in ids:
        record = Session(
            id=name, worktree_id=WorktreeId("wt"), agent="demo", title="t", owner=UserId("ada"),
            created_ms=0, updated_ms=0,
        )  # fmt: skip
        first = Draft(at_ms=0, update=SessionCreated(by=record.owner, agent="demo", title="t", mode="ask"))
        await store.log.append(name, [first], create=record)

    # Made before the clock runs, as the other variants' rows are.
    drafts = [
        [
            (Draft(at_ms=seq, update=AgentMessageChunk(message_id=MessageId("m"), text=TEXT)),)
            for seq in range(EACH)
        ]
        for _ in ids
    ]

    def append(number: int, seq: int) -> Awaitable[object]:
        return store.log.append(ids[number], drafts[number][seq])

    result = await produce(append)
    await store.close()
    return result


async def y_store(folder: Path) -> tuple[float, list[float]]:
    """pycrdt's own store, one update after another."""

    class Store(SQLiteYStore):
        db_path = str(folder / "y.db")

    store = Store("room")
    document = Doc()
    document["text"] = text = Text()
    updates: list[bytes] = []
    document.observe(lambda event: updates.append(event.update))
    for _ in range(Y_ROWS):
        text += TEXT
    async with store:
        start = time.perf_counter()
        for update in updates:
            await store.write(update)
        return len(updates) / (time.perf_counter() - start), []


VARIANTS = {
    "EventLog.append": event_log,
    "bare group": bare_group,
    "FULL row": full_row,
    "SQLiteYStore": y_store,
}


Figures = dict[str, list[float]]


async def measure(rounds: int) -> tuple[Figures, Figures, Figures]:
    """Give rows a second, acknowledgement times in seconds, and microseconds of CPU a row."""
    rates: Figures = {name: [] for name in VARIANTS}
    acks: Figures = {name: [] for name in VARIANTS}
    cpus: Figures = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name in random.sample(list(VARIANTS), len(VARIANTS)):
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                rate, took = await VARIANTS[name](Path(folder))
                rows = len(took) or (ROWS if name == "FULL row" else Y_ROWS)
                cpus[name].append(1e6 * (time.process_time() - start) / rows)
            rates[name].append(rate)
            acks[name] += took
    return rates, acks, cpus


def milliseconds(took: list[float], share: float) -> float:
    ordered = sorted(took)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def run(rounds: int = ROUNDS) -> dict[str, object]:
    """Measure; give rates, acknowledgement times, ratios and whether P10 is met."""
    rates, acks, cpus = asyncio.run(measure(rounds))
    ours = rates["EventLog.append"]
    ratios = {
        name: [mine / theirs for mine, theirs in zip(ours, rates[name], strict=True)]
        for name in VARIANTS
        if name != "EventLog.append"
    }
    middle = {name: statistics.median(found) for name, found in ratios.items()}
    p50, p99 = (milliseconds(acks["EventLog.append"], share) for share in (0.5, 0.99))
    print(
        f"{'variant':<18}{'rows/s':>10}{'ours / it':>12}{'[min-max]':>16}"
        f"{'ack p50':>10}{'p99 ms':>9}{'cpu us':>9}"
    )
    for name, found in rates.items():
        ratio = f"{middle[name]:.2f}" if name in middle else ""
        spread = f"[{min(ratios[name]):.1f}-{max(ratios[name]):.1f}]" if name in middle else ""
        times = [f"{milliseconds(acks[name], share):.1f}" if acks[name] else "" for share in (0.5, 0.99)]
        rate, cpu = statistics.median(found), statistics.median(cpus[name])
        print(f"{name:<18}{rate:>10,.0f}{ratio:>12}{spread:>16}{times[0]:>10}{times[1]:>9}{cpu:>9.0f}")
    return {
        "goal": "P10",
        "rates": {name: statistics.median(found) for name, found in rates.items()},
        "ratios": middle,
        "cpu_us": {name: statistics.median(found) for name, found in cpus.items()},
        "ack_p50_ms": p50,
        "ack_p99_ms": p99,
        "met": middle["FULL row"] >= 8
        and middle["bare group"] >= 0.5
        and middle["SQLiteYStore"] >= 20
        and p99 <= 20,
    }


if __name__ == "__main__":
    print("met" if run()["met"] else "NOT met")
