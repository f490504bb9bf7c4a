"""`python -m benchmarks [names…] [--quick]`: run them in sequence, print one table, write and draw it.

One after another, never at once: what is judged are ratios within one benchmark's own run.
"""

from __future__ import annotations

import argparse
import importlib
import time
from typing import Any

from benchmarks.report import RESULTS, Row, machine, table, write
from benchmarks.rows import ADAPTERS

QUICK: dict[str, dict[str, int]] = {
    "durable_append": {"rounds": 2},
    "list_cost": {"rounds": 10},
    "worktree_create": {"rounds": 2},
    "worktree_rest": {"rounds": 2},
    "board_fanout": {"rounds": 1},
    "rest_overhead": {},
    "event_fanout": {},
    "streaming": {"rounds": 1},
    "kill_restart": {"kills": 1, "sessions": 10},
    "agents_cost": {"samples": 4},
    "many_agents": {"each": 2},
}
"""Fewer rounds: to see that all runs, not to judge."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(ADAPTERS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: to try, not to judge")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(ADAPTERS))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(ADAPTERS)}")
    state = machine()
    rows: list[Row] = []
    details: dict[str, Any] = {}
    for name in given.names or ADAPTERS:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        found = importlib.import_module(f"benchmarks.{name}").run(**(QUICK[name] if given.quick else {}))
        details[name] = {**found, "took_seconds": round(time.monotonic() - began, 1)}
        rows += ADAPTERS[name](found)
        write(rows, details, state)  # what was measured is kept when the next one fails
    state["load_after"] = machine()["load"]
    if given.quick:
        state["quick"] = True
    print(f"\n{table(rows)}\n")
    missed = [row for row in rows if row.met is False]
    judged = sum(row.met is not None for row in rows)
    print(f"{judged - len(missed)} of {judged} goals met; load {state['load'][0]} → {state['load_after'][0]}")
    write(rows, details, state)
    print(f"written: {RESULTS.name}/latest.json, latest.md, latest.png")


if __name__ == "__main__":
    main()
