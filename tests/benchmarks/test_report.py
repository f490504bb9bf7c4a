"""The one table of the benchmarks: which side of a goal is met, and that every benchmark has its rows."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import QUICK
from benchmarks.report import Row, markdown, table
from benchmarks.rows import (
    ADAPTERS,
    of_agents_cost,
    of_durable_append,
    of_event_fanout,
    of_kill_restart,
    of_list_cost,
    of_many_agents,
    of_worktree_create,
    of_worktree_rest,
)


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "met"),
    [
        (12.0, 12.0, False, True),
        (12.1, 12.0, False, False),
        (0.5, 0.5, True, True),
        (0.49, 0.5, True, False),
        (0.0, 0.0, False, True),
        (1.0, 0.0, False, False),
        (9.0, None, False, None),
    ],
)
def test_a_goal_is_met_on_its_own_side(value: float, limit: float | None, at_least: bool, met: bool) -> None:
    assert Row("P0", "what", value, "x", "", limit, at_least).met is met


def test_a_missed_goal_stands_out() -> None:
    rows = [Row("P1", "slow", 2.0, "x", "git", 1.0), Row("P2", "fast", 0.5, "x", "git", 1.0)]
    lines = table(rows).splitlines()
    assert "MISSED" in lines[1]
    assert "MISSED" not in lines[2]
    assert "met" in lines[2]
    assert markdown(rows).count("MISSED") == 1


def test_everything_is_written_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    rows = [
        Row("P1", "slow", 2.0, "x", "git", 1.0),
        Row("P8", "growth", 0, "bytes", "", 0),
        Row("P9", "told", 3, "ms", ""),
    ]
    latest = report.write(rows, {"one": {"figure": 1}}, {"load": [1.0]})
    content = json.loads(latest.read_text())
    assert [row["met"] for row in content["rows"]] == [False, True, None]
    assert content["details"] == {"one": {"figure": 1}}
    assert (tmp_path / "results" / "latest.png").stat().st_size > 5000


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_every_benchmark_can_be_run_quickly(name: str) -> None:
    run = importlib.import_module(f"benchmarks.{name}").run
    inspect.signature(run).bind(**QUICK[name])


def test_every_benchmark_is_in_the_table() -> None:
    folder = Path(report.__file__).parent
    found = {file.stem for file in folder.glob("*.py") if "\ndef run(" in file.read_text(encoding="utf-8")}
    assert found == set(ADAPTERS) == set(QUICK)


def test_a_slow_store_is_said() -> None:
    found = {
        "rates": {"EventLog.append": 40.0, "FULL row": 10.0, "bare group": 100.0, "SQLiteYStore": 1.0},
        "ratios": {"FULL row": 4.0, "bare group": 0.4, "SQLiteYStore": 40.0},
        "ack_p50_ms": 5.0,
        "ack_p99_ms": 10.0,
    }
    assert [row.met for row in of_durable_append(found)] == [False, False, True, True]


def test_lists_and_worktrees_are_judged_by_their_ratios() -> None:
    lists = of_list_cost({"few_ms": 2.0, "many_ms": 4.0, "ratios": {"first page": 2.0, "middle": 1.0}})
    assert [row.met for row in lists] == [False, True, None]
    details = {name: {"plain_ms": 10.0} for name in ("one_file", "ten_thousand_files", "fifty_at_once")}
    goals = [{"id": "P2", "what": "overhead", "unit": "ms", "goal": 12.0, "value": 30.0, "ok": False}]
    alone = of_worktree_create({"goals": goals, "details": details})
    assert [row.met for row in alone] == [False]
    found = {"plain_ms": 10.0, "overhead_ms": 12.5, "overhead_range_ms": [9.0, 20.0], "ratio": 2.25}
    whole = of_worktree_rest(found)
    assert [(row.goal, row.met) for row in whole] == [("P2", False)]
    # A whole request of another system is set beside our whole request, never beside a part of it.
    assert "Agor" in whole[0].reference and "Agor" not in alone[0].reference


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"lost": 1}, ["events lost"]),
        ({"doubled": 2}, ["events doubled"]),
        ({"integrity": "row 3 missing"}, ["databases that are not sound"]),
        ({"over_seconds": 5.5}, ["restart over a bare server's"]),
    ],
)
def test_a_lost_event_is_said(change: dict[str, object], missed: list[str]) -> None:
    found: dict[str, object] = {
        "kills": 5, "sessions": 100, "events": 9000, "lost": 0, "doubled": 0, "integrity": "ok",
        "bare_seconds": 2.0, "over_seconds": 1.0, "again_seconds": 4.0,
    }  # fmt: skip
    rows = of_kill_restart({**found, **change})
    assert [row.what for row in rows if row.met is False] == missed
    assert "100 sessions" in rows[0].reference


def test_the_goal_against_another_system_is_its_best_figure() -> None:
    part = {"ours": {"cpu_us": 12.0, "p99": 5.0}, "bare": {"cpu_us": 20.0}, "ratio": 0.6}
    rows = of_event_fanout({"one agent": part, "P7 one agent": True})
    assert [(row.goal, row.met) for row in rows] == [("P7", False), ("P7", None)]
    assert "measured elsewhere" in rows[0].reference


def test_an_agent_is_judged_by_its_first_words_alone() -> None:
    weighed = {"idle_mb": 100.0, "running_mb": 200.0, "ready_seconds": 1.0}
    own = {**weighed, "log_bytes": 50_000}
    at_once = {"ours": 30.0, "bare": 10.0}  # told, and not judged
    kinds = {
        "slow": {"ours": own, "bare": weighed, "first_ms": {"0": at_once, "0.3": {"ours": 440, "bare": 390}}},
        "fast": {"ours": own, "bare": weighed, "first_ms": {"0": at_once, "0.3": {"ours": 405, "bare": 390}}},
        "alone": {"ours": own, "bare": {}, "first_ms": {"0": {"ours": 50.0}}},
        "absent": {"missing": "Install it."},
    }
    rows = of_agents_cost({"kinds": kinds, "tokens": 1000, "seconds": 5.0})
    assert [row.what for row in rows if row.met is False] == ["slow: first words / bare"]
    assert [row.what for row in rows if row.met] == ["fast: first words / bare"]
    assert {row.what.split(":")[0] for row in rows} == {"slow", "fast", "alone"}
    assert [row.value for row in rows if row.goal == "C4"] == [50.0, 50.0, 50.0]


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"finished": 19}, ["sessions that finished"]),
        ({"lost": 1}, ["events lost"]),
        ({"lag_p99_ms": 51.0}, ["loop lag p99"]),
        ({"server_growth_mb": 61.0}, ["server's memory, growth"]),
        ({"growth_mb": {"1x": 1.0, "10x": 10.0}}, ["memory, ten times the output over once"]),
        ({"memory_mb": {"one": {"ours": 160.0, "bare": 100.0, "program": True}}}, ["one: memory / bare"]),
        ({"memory_mb": {"one": {"ours": 160.0, "bare": 100.0, "program": False}}}, []),
    ],
)
def test_many_agents_are_judged(change: dict[str, object], missed: list[str]) -> None:
    found: dict[str, object] = {
        "kinds": ["one"], "sessions": 20, "finished": 20, "events": 900, "lost": 0, "lag_p99_ms": 20.0,
        "server_growth_mb": 10.0, "growth_mb": {"1x": 1.0, "10x": 2.0}, "allowed_mb": 8.0,
        "words": {"1x": 100, "10x": 1000},
        "memory_mb": {"one": {"ours": 140.0, "bare": 100.0, "program": True}},
    }  # fmt: skip
    rows = of_many_agents({**found, **change})
    assert [row.what for row in rows if row.met is False] == missed
