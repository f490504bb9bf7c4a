"""What each benchmark found, as rows of the one table. Pure: a dict in, rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.report import Row
from benchmarks.rows_agents import of_agents_cost, of_many_agents

Found = dict[str, Any]  # what a benchmark's `run` gives: each has a shape of its own

AGOR_LIST_MS = 8.9
AGOR_RSS_MB = 206
AGOR_CREATE_OVERHEAD_MS = 24
AGOR_MESSAGE_US = 79
AGOR_CURSOR_US = 13


def of_durable_append(found: Found) -> list[Row]:
    ratios, rates = found["ratios"], found["rates"]

    def against(name: str, limit: float) -> Row:
        reference = f"{name}: {rates[name]:,.0f} rows/s; ours {rates['EventLog.append']:,.0f}"
        return Row("P10", f"durable append / {name}", ratios[name], "x", reference, limit, at_least=True)

    ack = f"100 producers; p50 {found['ack_p50_ms']:.1f} ms"
    return [
        against("FULL row", 8),
        against("bare group", 0.5),
        against("SQLiteYStore", 20),
        Row("P10", "acknowledgement p99", found["ack_p99_ms"], "ms", ack, 20),
    ]


def of_list_cost(found: Found) -> list[Row]:
    few, many = found["few_ms"], found["many_ms"]
    rows = [
        Row("P12", f"list 100 of 10,000 / of 200, {name}", ratio, "x", f"of 200: {few:.2f} ms", 1.3)
        for name, ratio in found["ratios"].items()
    ]
    agor = f"of the store; of 10,000: {many:.2f} ms. Agor's route {AGOR_LIST_MS} ms (measured elsewhere)"
    return [*rows, Row("P12", "list 100 of 200", few, "ms", agor)]


def of_worktree_create(found: Found) -> list[Row]:
    references = {
        "P2": f"git's own {found['details']['one_file']['plain_ms']} ms; without REST, record and card",
        "P1": f"git's own {found['details']['ten_thousand_files']['plain_ms']} ms",
        "P4": f"a script under one lock: {found['details']['fifty_at_once']['plain_ms']} ms",
    }
    return [
        Row(each["id"], each["what"], each["value"], each["unit"], references[each["id"]], each["goal"])
        for each in found["goals"]
    ]


def of_worktree_rest(found: Found) -> list[Row]:
    agor = f"Agor's {AGOR_CREATE_OVERHEAD_MS} ms above it (measured elsewhere)"
    low, high = found["overhead_range_ms"]
    floor = f"git's own {found['plain_ms']} ms in this run, {found['ratio']} x; {low} to {high} ms; {agor}"
    return [Row("P2", "POST /worktrees with its card, over git", found["overhead_ms"], "ms", floor, 12)]


def of_kill_restart(found: Found) -> list[Row]:
    what = f"{found['kills']} × kill -9, {found['sessions']} sessions streaming; {found['events']:,} events"
    bare = f"a bare jupyter server {found['bare_seconds']:.1f} s under the same load"
    broken = 0 if found["integrity"] == "ok" else 1
    return [
        Row("F1", "events lost", found["lost"], "", what, 0),
        Row("F1", "events doubled", found["doubled"], "", what, 0),
        Row("F1", "databases that are not sound", broken, "", f"integrity_check: {found['integrity']}", 0),
        Row("F1", "restart over a bare server's", found["over_seconds"], "s", bare, 5),
        Row("F1", "kill → all of them stream again", found["again_seconds"], "s", bare),
    ]


def of_board_fanout(found: Found) -> list[Row]:
    medians, cheaper = found["medians"], found["cheaper_than"]
    ours, yroom = medians["board"], medians["yroom"]
    clients = found["clients"]
    floor = f"; bare ws {medians['ws']['cpu_us_per_delivery']:.1f}" if "ws" in medians else ""
    agor = f"Agor's cursor {AGOR_CURSOR_US} (measured elsewhere)"
    costs = f"YRoom {yroom['cpu_us_per_delivery']:.1f} µs{floor}; {agor}"
    late = f"p50 {ours['p50_ms']:.0f} ms; YRoom p95 {yroom['p95_ms']:.0f} ms"
    shared = f"YRoom {yroom['frames_per_move']:.1f} frames a move, of {clients} clients"
    return [
        Row("P6", f"{clients} clients: YRoom's CPU / ours", cheaper["yroom"], "x", costs, 5, at_least=True),
        Row("P6", "CPU a delivery", ours["cpu_us_per_delivery"], "µs", costs, 8),
        Row("P6", "share delivered", ours["delivered"], "", f"YRoom {yroom['delivered']:.3f}", 0.999, True),
        Row("P6", "move → other client, p95", ours["p95_ms"], "ms", late),
        Row("P6", "frames a move, all clients", ours["frames_per_move"], "", shared),
    ]


def of_rest_overhead(found: Found) -> list[Row]:
    status = f"/api/status {found['api_status_ms']:.2f} ms, request by request in turn"
    bare = f"bare asyncio subprocess {found['p99_under_bare_status_ms']:.0f} ms"
    whole = found["rss_mb"]["agor"]
    without = f"{found['rss_mb']['collaboration']:.0f} MB without it"
    agor = f"Agor's daemon {AGOR_RSS_MB} MB idle (measured elsewhere)"
    return [
        Row("P13", "trivial route / api/status", found["route_ratio"], "x", status, 1.15),
        Row("P13", "route with one record / api/status", found["record_route_ratio"], "x", status),
        Row("P13", "p99 under two git clients / floor", found["p99_ratio"], "x", bare, 1.3),
        Row("P14", "start: CPU added", found["added_cpu_seconds"], "s", "with jupyter-collaboration", 0.4),
        Row("P14", "start: wall added", found["added_seconds"], "s", "says more about the machine"),
        Row("P14", "memory added", found["added_mb"], "MB", without, 30),
        Row("P14", "whole server / Agor's", whole / AGOR_RSS_MB, "x", f"{whole:.0f} MB; {agor}", 0.7),
    ]


def of_event_fanout(found: Found) -> list[Row]:
    rows = []
    for rate, part in found.items():
        if not isinstance(part, dict) or "ours" not in part:
            continue
        ours, bare = part["ours"], part["bare"]
        mine = f"{ours['cpu_us']:.1f} µs, p99 {ours['p99']:.0f} ms, of the server less its idle"
        floor = f"bare tornado {bare['cpu_us']:.1f} µs; Agor {AGOR_MESSAGE_US}–127 µs (measured elsewhere)"
        share = ours["cpu_us"] / AGOR_MESSAGE_US
        rows.append(Row("P7", f"{rate}: CPU a delivery / Agor's", share, "x", f"{mine}; {floor}", 0.15))
        rows.append(Row("P7", f"{rate}: CPU / bare tornado", part["ratio"], "x", mine))
    return rows


def of_streaming(found: Found) -> list[Row]:
    parts = [_first_event(found["first_event"]), _load(found["load"]), _full_rate(found["full_rate"])]
    parts.append(_many(found["many_readers"]))
    parts.append(_browsers(found["browsers"]) if found.get("browsers") else [])
    return [row for part in parts for row in part]


def _first_event(found: Found) -> list[Row]:
    floor = f"PATCH /me/settings p50 {found['floor']['p50_ms']:.1f}, p95 {found['floor']['p95_ms']:.1f} ms"

    def row(key: str, what: str) -> Row:
        times = found[key]
        reference = f"p95 {times['p95_ms']:.1f} ms; {floor}"
        return Row("S1", what, times["p50_ms"], "ms p50", reference)

    ratio = found["second"]["p50_ms"] / found["floor"]["p50_ms"]
    return [
        row("log", "prompt → first event in the log"),
        row("second", "prompt → first event at a second client"),
        Row("S1", "the same / a bare write by REST", ratio, "x", floor),
        row("word", "prompt → the agent's first word there"),
    ]


def _load(found: Found) -> list[Row]:
    offered = f"{found['sessions']} sessions × {found['per_second']}/s into {found['clients']} clients"
    floor = f"bare tornado, nothing stored: {found['floor_us_per_delivery']:.0f} µs; {offered}"
    lag = f"idle {found['lag_idle_p99_ms']:.1f} ms; bare tornado so loaded {found['lag_floor_p99_ms']:.1f} ms"
    board = f"{found['board_bytes']:,} bytes before; {found['tokens']:,} tokens in between"
    return [
        Row("S2", "tokens delivered", found["delivered"], "", offered, 0.999, at_least=True),
        Row("S2", "server CPU", found["cpu_percent"], "% of a core", offered),
        Row("S2", "server CPU a token", found["us_per_token"], "µs", floor),
        Row("S2", "server CPU a token delivered", found["us_per_delivery"], "µs", floor),
        Row("S2", "loop lag p99 under load", found["lag_p99_ms"], "ms", lag),
        Row("P8", "bytes that tokens add to the board", found["board_growth_bytes"], "bytes", board, 0),
        Row("P8", "board frames sent for tokens", found["board_frames"], "", board, 0),
    ]


def _full_rate(found: Found) -> list[Row]:
    rate = found["per_second"]
    offered = f"10 sessions, all in the log and to one client; {found['us_per_token']:.0f} µs a token"
    percent = found["us_per_token"] * rate / 1e4
    return [
        Row("P8", f"server CPU at {rate:,} tokens/s", percent, "% of a core", offered, 35),
        Row("P8", "tokens delivered at that rate", found["delivered"], "", offered, 0.999, at_least=True),
    ]


def _many(found: Found) -> list[Row]:
    agor = f"Agor's POST /messages {AGOR_MESSAGE_US}–127 µs (measured elsewhere)"
    floor = f"bare tornado {found['floor_us_per_delivery']:.1f} µs in this run; {agor}"
    share = found["us_per_delivery"] / AGOR_MESSAGE_US
    offered = (
        f"{found['per_second']}/s to {found['clients']} clients; {found['us_per_delivery']:.1f} µs a delivery"
    )
    against = found["us_per_delivery"] / found["floor_us_per_delivery"]
    return [
        Row("P7", "tokens delivered", found["delivered"], "", offered, 0.999, at_least=True),
        Row("P7", "whole server: CPU a delivery / Agor's", share, "x", f"{offered}; {floor}", 0.15),
        Row("P7", "whole server: CPU / bare tornado", against, "x", offered),
    ]


def _browsers(found: Found) -> list[Row]:
    what = f"{found['running']} running rows; {found['browsers']} browsers, board and session open"
    return [
        Row("S2", "board redraws a second a running row", found["batches_per_row"], "", what, 2),
        Row("S2", "server CPU, 2 browsers", found["cpu_percent"], "% of a core", what),
        Row("S2", "loop lag p99, 2 browsers", found["lag_p99_ms"], "ms", "the browsers share these cores"),
    ]


ADAPTERS: dict[str, Callable[[Found], Sequence[Row]]] = {
    "durable_append": of_durable_append,
    "list_cost": of_list_cost,
    "worktree_create": of_worktree_create,
    "worktree_rest": of_worktree_rest,
    "board_fanout": of_board_fanout,
    "rest_overhead": of_rest_overhead,
    "event_fanout": of_event_fanout,
    "streaming": of_streaming,
    "kill_restart": of_kill_restart,
    "agents_cost": of_agents_cost,
    "many_agents": of_many_agents,
}
