"""What the agents' benchmarks found, as rows of the one table. Pure: a dict in, rows out."""

from __future__ import annotations

from typing import Any

from benchmarks.bare_agents import PROGRAMS
from benchmarks.report import Row

Found = dict[str, Any]
FIRST_WORDS = 1.1
MEMORY = 1.5
LAG_MS = 50
GROWTH_MB = 60


def of_agents_cost(found: Found) -> list[Row]:
    return [
        row for kind, cost in found["kinds"].items() if "ours" in cost for row in _costs(kind, cost, found)
    ]


def _costs(kind: str, cost: Found, found: Found) -> list[Row]:
    own, floor = cost["ours"], cost["bare"]
    sent = f"{found['tokens']} tokens in {found['seconds']:g} s"
    ready = f"bare {floor['ready_seconds']:.1f} s" if floor else "nothing is bare"
    idle = f"idle {own['idle_mb']:.0f} MB"
    if floor:
        idle += f"; bare {floor['idle_mb']:.0f}, running {floor['running_mb']:.0f} MB"
    return [
        *(_first(kind, wait, times) for wait, times in cost["first_ms"].items()),
        Row("C2", f"{kind}: start → ready", own["ready_seconds"], "s", ready),
        Row("C3", f"{kind}: memory, running", own["running_mb"], "MB", idle),
        *_beside_one(kind, own, floor),
        Row("C4", f"{kind}: log a 1,000 tokens", _log(own, found), "kB", sent),
    ]


def _first(kind: str, wait: str, times: dict[str, float]) -> Row:
    """Judge a model that takes its time; one that answers at once shows what is added, in milliseconds."""
    if "bare" not in times:
        return Row("C1", f"{kind}: prompt → first words", times["ours"], "ms", "nothing is bare")
    both = f"ours {times['ours']:.1f} ms, bare {times['bare']:.1f} ms"
    if wait == "0":
        added = times["ours"] - times["bare"]
        return Row("C1", f"{kind}: first words, added", added, "ms", f"answers at once: {both}")
    what = f"a model that takes {wait} s first: {both}"
    return Row("C1", f"{kind}: first words / bare", times["ours"] / times["bare"], "x", what, FIRST_WORDS)


def _beside_one(kind: str, own: Found, floor: Found | None) -> list[Row]:
    """Weigh one session against one bare agent; only a bare program, not a script on an SDK, has the goal."""
    if not floor:
        return []
    what = "one session beside one bare agent, both at work"
    limit = MEMORY if kind in PROGRAMS - {"acp"} else None
    return [
        Row("C3", f"{kind}: memory / bare, one", own["running_mb"] / floor["running_mb"], "x", what, limit)
    ]


def _log(own: Found, found: Found) -> float:
    return float(own["log_bytes"]) / found["tokens"]


def of_many_agents(found: Found) -> list[Row]:
    what = f"{found['sessions']} sessions of {', '.join(found['kinds'])}; {found['events']:,} events"
    one, ten = found["growth_mb"]["1x"], found["growth_mb"]["10x"]
    few, many = found["words"]["1x"], found["words"]["10x"]
    sent = f"{few} words a session, then {many}: {one:.1f} MB, then {ten:.1f} MB"
    again = found["growth_mb"].get("10x again", 0.0)
    rows = [
        Row("C5", "sessions that finished", found["finished"], "", what, found["sessions"], at_least=True),
        Row("C5", "events lost", found["lost"], "", what, 0),
        Row("C5", "loop lag p99", found["lag_p99_ms"], "ms", what, LAG_MS),
        Row("C5", "server's memory, growth", found["server_growth_mb"], "MB", what, GROWTH_MB),
        Row("C5", "memory, ten times the output over once", ten - one, "MB", sent, found["allowed_mb"]),
    ]
    rows.append(Row("C5", "memory, ten times the output again", again, "MB", sent))
    for kind, weighed in found["memory_mb"].items():
        reference = f"{weighed['ours']:.0f} MB a session; bare {weighed['bare']:.0f} MB, as many at once"
        limit = MEMORY if weighed["program"] else None
        rows.append(
            Row("C5", f"{kind}: memory / bare", weighed["ours"] / weighed["bare"], "x", reference, limit)
        )
    return rows
