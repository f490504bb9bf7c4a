"""What the agents' benchmarks found, as rows of the one table. Pure: a dict in, rows out."""

from __future__ import annotations

from typing import Any

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
    own, floor, first = cost["ours"], cost["bare"], cost["first_ms"]
    sent = f"{found['tokens']} tokens in {found['seconds']:g} s"
    if not floor:
        return [
            Row("C1", f"{kind}: prompt → first words", first["ours"], "ms", "nothing is bare"),
            Row("C2", f"{kind}: start → ready", own["ready_seconds"], "s", "nothing is bare"),
            Row("C3", f"{kind}: memory, running", own["running_mb"], "MB", f"idle {own['idle_mb']:.0f} MB"),
            Row("C4", f"{kind}: log a 1,000 tokens", _log(own, found), "kB", sent),
        ]
    told = f"{first['ours']:.0f} ms; bare {first['bare']:.0f} ms"
    idle = f"idle {own['idle_mb']:.0f} MB; bare {floor['idle_mb']:.0f}, running {floor['running_mb']:.0f} MB"
    return [
        Row("C1", f"{kind}: first words / bare", first["ours"] / first["bare"], "x", told, FIRST_WORDS),
        Row(
            "C2", f"{kind}: start → ready", own["ready_seconds"], "s", f"bare {floor['ready_seconds']:.1f} s"
        ),
        Row("C3", f"{kind}: memory, running", own["running_mb"], "MB", idle),
        Row("C4", f"{kind}: log a 1,000 tokens", _log(own, found), "kB", sent),
    ]


def _log(own: Found, found: Found) -> float:
    return float(own["log_bytes"]) / found["tokens"]


def of_many_agents(found: Found) -> list[Row]:
    what = f"{found['sessions']} sessions of {', '.join(found['kinds'])}; {found['events']:,} events"
    one, ten = found["growth_mb"]["1x"], found["growth_mb"]["10x"]
    few, many = found["words"]["1x"], found["words"]["10x"]
    sent = f"{few} words a session, then {many}: {one:.1f} MB, then {ten:.1f} MB"
    rows = [
        Row("C5", "sessions that finished", found["finished"], "", what, found["sessions"], at_least=True),
        Row("C5", "events lost", found["lost"], "", what, 0),
        Row("C5", "loop lag p99", found["lag_p99_ms"], "ms", what, LAG_MS),
        Row("C5", "server's memory, growth", found["server_growth_mb"], "MB", what, GROWTH_MB),
        Row("C5", "memory, ten times the output over once", ten - one, "MB", sent, found["allowed_mb"]),
    ]
    for kind, weighed in found["memory_mb"].items():
        reference = f"{weighed['ours']:.0f} MB a session; bare {weighed['bare']:.0f} MB, as many at once"
        limit = MEMORY if weighed["program"] else None
        rows.append(
            Row("C5", f"{kind}: memory / bare", weighed["ours"] / weighed["bare"], "x", reference, limit)
        )
    return rows
