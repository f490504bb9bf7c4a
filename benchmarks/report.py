"""The one table of all benchmarks: its rows, its print, its drawing.

A row holds one figure that was measured, what it was measured against in the same run, and the goal.
A goal is judged as a ratio or a count; absolute times are reported beside it. Figures of other
systems on other runs are named "measured elsewhere" and decide nothing by themselves.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Row:
    """One goal. `limit` is met from below, or (`at_least`) from above; None: the figure is only reported."""

    goal: str
    what: str
    value: float
    unit: str
    reference: str
    limit: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def target(self) -> str:
        return "reported" if self.limit is None else f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: "–"}[self.met]


def table(rows: Sequence[Row]) -> str:
    """Lay the rows out in columns."""
    lines = [("goal", "what", "measured", "goal is", "", "reference")]
    lines += [
        (row.goal, row.what, f"{row.value:.3g} {row.unit}", row.target, row.verdict, row.reference)
        for row in rows
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(6)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """Lay the rows out as a Markdown table, for the documentation."""
    head = "| goal | what | measured | goal is | | reference |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {row.goal} | {row.what} | {row.value:.3g} {row.unit} | {row.target} | {row.verdict} "
        f"| {row.reference} |"
        for row in rows
    )


def machine() -> dict[str, Any]:
    """Say what the figures were measured under. A busy machine hurts ratios less than times."""
    return {
        "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "load": [round(each, 2) for each in os.getloadavg()],
        "cores": os.cpu_count(),
    }


def write(rows: Sequence[Row], details: dict[str, Any], state: dict[str, Any]) -> Path:
    """Write `results/latest.json`, `.md` and `.png`; give the first one's path."""
    RESULTS.mkdir(exist_ok=True)
    latest = RESULTS / "latest.json"
    judged = [{**asdict(row), "met": row.met} for row in rows]
    content = {"machine": state, "rows": judged, "details": details}
    latest.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    (RESULTS / "latest.md").write_text(markdown(rows) + "\n", encoding="utf-8")
    draw(rows, RESULTS / "latest.png")
    return latest


def draw(rows: Sequence[Row], target: Path) -> None:
    """Draw how far each judged row is from its goal: left of the line is met."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("Nothing is drawn: matplotlib is missing (pip install 'agor-jupyter[dev]').")
        return
    judged = [row for row in rows if row.limit is not None][::-1]
    figure = Figure(figsize=(11, 1.2 + 0.36 * max(1, len(judged))), layout="constrained")
    axes = figure.subplots()
    shares = [_share(row) for row in judged]
    colors = ["#2f8f5b" if row.met else "#c8543c" for row in judged]
    axes.barh(range(len(judged)), shares, color=colors, height=0.62)
    axes.axvline(1.0, color="#333333", linewidth=1)
    axes.set_xlim(0, max(2.0, *(share * 1.25 for share in shares)) if judged else 2)
    axes.set_yticks(range(len(judged)), [f"{row.goal}  {row.what}" for row in judged], fontsize=8)
    axes.set_xlabel("share of the goal that is used up: left of the line the goal is met")
    for place, row in enumerate(judged):
        words = f" {row.value:.3g} {row.unit} ({row.target})"
        axes.text(shares[place], place, words, va="center", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=130)


def _share(row: Row) -> float:
    """Say how much of the goal is used up: 1 is just met. Where the goal is 0, anything is too much."""
    limit = row.limit or 0.0
    if row.at_least:
        return min(3.0, limit / row.value) if row.value else 3.0
    if limit == 0:
        return 0.02 if row.value <= 0 else 3.0
    return min(3.0, max(0.02, row.value / limit))
