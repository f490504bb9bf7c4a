"""Worktree creation against plain `git worktree add`, in one run.

P2: what a creation by the git room costs above git's own on a repository of one file, without REST,
record and card (`worktree_rest` has those). P1: the same for 10,000
files, as a ratio. P4: fifty creations at once against fifty `git worktree add --no-track` under
one lock. Variants are interleaved in random order in every round; medians of paired differences
and ratios are judged, absolute times only reported.

    python -m benchmarks.worktree_create [rounds]
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agor_jupyter.git.room import GitRoom

ROUNDS = 9
BIG_ROUNDS = 7
FIFTY_ROUNDS = 5
AT_ONCE = 50
BIG_FILES = 10_000

Variant = Callable[[int], Awaitable[None]]


def git(*args: str, cwd: Path) -> None:
    subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True)


def make_repo(top: Path, files: int) -> Path:
    top.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=top)
    for number in range(files):
        file = top / f"d{number // 100}" / f"f{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{number}\n" * 20)
    git("add", "-A", cwd=top)
    git("config", "gc.auto", "0", cwd=top)  # none in the background of a measurement
    git("-c", "user.name=b", "-c", "user.email=b@x", "commit", "-q", "-m", "all", cwd=top)
    git("gc", "-q", cwd=top)
    return top


async def plain(repo: Path, place: Path, name: str) -> None:
    """What a script would do: git's own command, started the same way (asyncio, no shell)."""
    process = await asyncio.create_subprocess_exec(
        "git", "worktree", "add", "-q", "--no-track", "-b", name, str(place), "main", cwd=repo
    )
    if await process.wait():
        raise RuntimeError("git worktree add failed")


async def timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


def clear(repo: Path, root: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()
    git("worktree", "prune", cwd=repo)
    branches = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"],
        cwd=repo, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    made = [name for name in branches if name != "main"]
    if made:
        git("branch", "-q", "-D", *made, cwd=repo)


async def interleaved(
    variants: dict[str, Variant], rounds: int, tidy: Callable[[], None]
) -> list[dict[str, float]]:
    """Run every variant once a round, in random order; the first round warms up and is dropped."""
    taken = []
    for number in range(rounds + 1):
        times: dict[str, float] = {}
        for name in random.sample(list(variants), len(variants)):
            times[name] = await timed(variants[name](number))
            tidy()
        taken.append(times)
    return taken[1:]


async def one_at_a_time(scratch: Path, files: int, rounds: int, each: int) -> list[dict[str, float]]:
    """Times of one creation; `each` creations are made one after the other and averaged."""
    repo = make_repo(scratch / f"repo{files}", files)
    root = scratch / f"trees{files}"
    root.mkdir()
    room = GitRoom(scratch / "state", root)

    async def ours(number: int) -> None:
        for item in range(each):
            name = f"o{number}-{item}"
            await room.worktrees.create(str(repo), str(root / name), name, "main")

    async def theirs(number: int) -> None:
        for item in range(each):
            name = f"p{number}-{item}"
            await plain(repo, root / name, name)

    taken = await interleaved({"ours": ours, "plain": theirs}, rounds, lambda: clear(repo, root))
    await room.close()
    return [{name: value / each for name, value in times.items()} for times in taken]


async def fifty_at_once(scratch: Path) -> list[dict[str, float]]:
    repo = make_repo(scratch / "repo-fifty", 100)
    root = scratch / "trees-fifty"
    root.mkdir()
    room = GitRoom(scratch / "state", root)

    async def ours(number: int) -> None:
        await asyncio.gather(
            *(
                room.worktrees.create(str(repo), str(root / f"o{number}-{item}"), f"o{number}-{item}", "main")
                for item in range(AT_ONCE)
            )
        )

    async def locked_script(number: int) -> None:
        lock = asyncio.Lock()

        async def one(item: int) -> None:
            async with lock:
                await plain(repo, root / f"p{number}-{item}", f"p{number}-{item}")

        await asyncio.gather(*(one(item) for item in range(AT_ONCE)))

    taken = await interleaved({"ours": ours, "plain": locked_script}, FIFTY_ROUNDS, lambda: clear(repo, root))
    await room.close()
    return taken


def summary(taken: list[dict[str, float]]) -> dict[str, Any]:
    ratios = sorted(times["ours"] / times["plain"] for times in taken)
    over = sorted(times["ours"] - times["plain"] for times in taken)
    return {
        "rounds": len(taken),
        "ours_ms": round(statistics.median(t["ours"] for t in taken), 1),
        "plain_ms": round(statistics.median(t["plain"] for t in taken), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_range": [round(ratios[0], 2), round(ratios[-1], 2)],
        "overhead_ms": round(statistics.median(over), 1),
        "overhead_range_ms": [round(over[0], 1), round(over[-1], 1)],
    }


async def measure(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="agor-bench-") as folder:
        scratch = Path(folder).resolve()
        small = summary(await one_at_a_time(scratch, 1, rounds, 5))
        big = summary(await one_at_a_time(scratch, BIG_FILES, min(rounds, BIG_ROUNDS), 1))
        fifty = summary(await fifty_at_once(scratch))
    goals = [
        ("P2", "git room alone: overhead over git, 1 file", "ms", 12.0, small["overhead_ms"]),
        ("P1", "10,000 files, wall / plain git", "x", 0.45, big["ratio"]),
        ("P4", "50 at once, wall / locked script", "x", 1.2, fifty["ratio"]),
    ]
    return {
        "name": "worktree_create",
        "goals": [
            {"id": id, "what": what, "unit": unit, "goal": goal, "value": value, "ok": value <= goal}
            for id, what, unit, goal, value in goals
        ],
        "details": {"one_file": small, "ten_thousand_files": big, "fifty_at_once": fifty},
    }


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure, print a table, and give the figures. About two minutes on two quiet cores."""
    result = asyncio.run(measure(rounds))
    print(
        f"{'worktree creation':<36}{'ours ms':>10}{'git ms':>10}{'ratio':>8}{'[min-max]':>14}{'over ms':>9}"
    )
    for name, row in result["details"].items():
        low, high = row["ratio_range"]
        print(
            f"{name.replace('_', ' '):<36}{row['ours_ms']:>10}{row['plain_ms']:>10}{row['ratio']:>8}"
            f"{f'[{low}-{high}]':>14}{row['overhead_ms']:>9}"
        )
    for goal in result["goals"]:
        met = "met" if goal["ok"] else "NOT MET"
        print(f"{goal['id']} {goal['what']}: {goal['value']} {goal['unit']}, goal <= {goal['goal']}: {met}")
    return result


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
