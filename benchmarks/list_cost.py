"""P12: what a list of 100 sessions costs among 200 and among 10,000.

`python -m benchmarks.list_cost` prints a table. Both stores are open at once and listed in turn, in
random order, so that the noise of the machine meets both; what is judged is the ratio of the medians.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from agor_jupyter.domain.events import Draft, SessionCreated
from agor_jupyter.domain.ids import SessionId, UserId, WorktreeId
from agor_jupyter.domain.session import Session
from agor_jupyter.store.facade import Store
from agor_jupyter.store.opening import open_store

FEW = 200
MANY = 10_000
LISTED = 100
ROUNDS = 60
GOAL = 1.3


async def filled(folder: Path, count: int) -> Store:
    store = open_store(folder)

    async def make(number: int) -> None:
        record = Session(
            id=SessionId(f"ses_{number:016d}"),
            worktree_id=WorktreeId(f"wt_{number % 50:016d}"),
            agent="demo",
            title=f"Session {number}",
            owner=UserId("ada"),
            created_ms=number,
            updated_ms=number,
        )
        first = Draft(
            at_ms=number, update=SessionCreated(by=record.owner, agent="demo", title=record.title, mode="ask")
        )
        await store.log.append(record.id, [first], create=record)

    await asyncio.gather(*(make(number) for number in range(count)))
    return store


async def measure(rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Time the first page, and one from the middle, of both; in milliseconds."""
    first: dict[str, list[float]] = {"few": [], "many": []}
    middle: dict[str, list[float]] = {"few": [], "many": []}
    with tempfile.TemporaryDirectory() as folder:
        stores = {
            "few": await filled(Path(folder) / "few", FEW),
            "many": await filled(Path(folder) / "many", MANY),
        }
        cursors: dict[str, str | None] = {}
        for name, count in (("few", FEW), ("many", MANY)):
            for _ in range(count // 2 // LISTED):
                cursors[name] = (await stores[name].log.sessions(limit=LISTED, cursor=cursors.get(name))).next
        for _ in range(rounds):
            for name in random.sample(list(stores), 2):
                for cursor, times in ((None, first), (cursors[name], middle)):
                    start = time.perf_counter()
                    page = await stores[name].log.sessions(limit=LISTED, cursor=cursor)
                    times[name].append(1000 * (time.perf_counter() - start))
                    assert len(page.items) == LISTED
        for store in stores.values():
            await store.close()
    return first, middle


def run(rounds: int = ROUNDS) -> dict[str, object]:
    """Measure; give the medians, the ratios and whether P12's second half is met."""
    first, middle = asyncio.run(measure(rounds))
    ratios = {}
    print(f"{'list of ' + str(LISTED):<20}{'of ' + str(FEW):>10}{'of ' + str(MANY):>12}{'ratio':>8}")
    for name, times in (("first page", first), ("page in the middle", middle)):
        few, many = (statistics.median(times[key]) for key in ("few", "many"))
        ratios[name] = many / few
        print(f"{name:<20}{few:>7.2f} ms{many:>9.2f} ms{many / few:>8.2f}")
    return {
        "goal": "P12",
        "few_ms": statistics.median(first["few"]),
        "many_ms": statistics.median(first["many"]),
        "ratios": ratios,
        "met": all(ratio <= GOAL for ratio in ratios.values()),
    }


if __name__ == "__main__":
    print("met" if run()["met"] else "NOT met")
