"""A worktree as a person makes one: `POST /worktrees` on a live server, against `git worktree add`.

P2 as it is set beside another system's whole request: REST, the record, the files and the card on the
board, above what git's own command takes on a repository of one file, in the same run and in random
turn. `worktree_create` measures the git room alone.

    python -m benchmarks.worktree_rest [rounds]
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from agor_jupyter.testing.live_server import live_server
from benchmarks.rest_overhead import ByToken, post
from benchmarks.worktree_create import clear, interleaved, make_repo, plain, summary

ROUNDS = 9
EACH = 5
GOAL_MS = 12.0
CONFIG = {"AgorApp": {"idle_minutes": 0.0}}


async def measure(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="agor-bench-") as name:
        folder = Path(name).resolve()
        repo = make_repo(folder / "root" / "proj", 1)
        bare = folder / "bare"
        bare.mkdir()
        extensions = {"agor_jupyter": True}
        async with live_server(folder, extensions=extensions, config=CONFIG, named_users=False) as live:
            server = ByToken(live.app, live.port, live.base_url, live.root)
            board = (await post(server, "/boards", {"name": "B"}))["id"]
            repo_id = (await post(server, "/repos", {"path": str(repo)}))["id"]

            async def ours(number: int) -> None:
                for item in range(EACH):
                    wish = {"repo_id": repo_id, "name": f"o{number}-{item}", "board_id": board}
                    await post(server, "/worktrees", wish)

            async def theirs(number: int) -> None:
                for item in range(EACH):
                    await plain(repo, bare / f"p{number}-{item}", f"p{number}-{item}")

            def tidy() -> None:
                shutil.rmtree(folder / "root" / "agor" / "worktrees", ignore_errors=True)
                clear(repo, bare)

            taken = await interleaved({"ours": ours, "plain": theirs}, rounds, tidy)
    return summary([{kind: value / EACH for kind, value in times.items()} for times in taken])


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure and print. Half a minute on two quiet cores."""
    found = asyncio.run(measure(rounds))
    low, high = found["overhead_range_ms"]
    print(
        f"POST /worktrees {found['ours_ms']} ms, git worktree add {found['plain_ms']} ms: "
        f"{found['overhead_ms']} ms over it [{low} to {high}], goal <= {GOAL_MS}"
    )
    return found


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
