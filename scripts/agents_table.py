"""Draws docs/agents.md: what each kind can do, beside what the native command lines can.

Cells of features that a capability stands for follow from the kinds' `Capabilities`; the rest is said in
docs/agents-features.toml. A cell that does not follow from either is an error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Capabilities

FEATURES = Path(__file__).resolve().parent.parent / "docs" / "agents-features.toml"
COLUMNS = ("claude", "codex", "gemini", "gemini_api", "openai", "acp", "demo")
NATIVE = {"claude": "Claude Code", "codex": "Codex", "gemini": "Gemini CLI"}
STATES = ("native", "emulated", "refused", "not yet")
FIELDS = tuple(name for name in Capabilities.model_fields if name != "notes")

INTRODUCTION = """# Agents

What each kind of agent can do here, and what the vendors' own command lines can. This page is drawn from the
kinds' `Capabilities` and from `docs/agents-features.toml` by `scripts/reference`; a test fails when it is out
of date. How a kind is set up, and what it does in detail: [claude](agents-claude.md) ·
[codex](agents-codex.md) · [gemini](agents-gemini.md) · [gemini_api](agents-gemini-api.md) ·
[openai](agents-openai.md) · [acp](agents-acp.md) · [demo](agents-demo-scripts.md) ·
[one of your own](agents-writing-one.md)."""

LEGEND = """**native**: the agent does it itself, and the house passes it on. **emulated**: the house does
it in the agent's place. **refused**: it cannot, or shall not. **not yet**: it could. What a capability
denies is a 409 that names it, and greyed in the panel with the reason. A number leads to the reason, or to
what is special about it, below the table."""


class Incomplete(Exception):
    """The data say nothing, or nothing legal, about a cell."""


@dataclass
class Reasons:
    """Numbers the reasons of a table; the same words have one number."""

    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, words: str) -> str:
        if not words:
            return ""
        return f" ({self.numbers.setdefault(words, len(self.numbers) + 1)})"

    def lines(self) -> list[str]:
        return [f"{number}. {words}" for words, number in self.numbers.items()]


def load() -> dict[str, Any]:
    return tomllib.loads(FEATURES.read_text(encoding="utf-8"))


def cell(feature: Mapping[str, Any], kind: str, capabilities: Capabilities) -> tuple[str, str]:
    """Judge one feature of one kind: its state, and why or how. Raises `Incomplete`."""
    name = feature.get("capability")
    if name is None:
        cells = feature.get("cells", {})
        return _said(feature, kind, cells.get(kind, cells.get("all", "")))
    note = capabilities.notes.get(name, "")
    if getattr(capabilities, name):
        how = feature.get("emulated", {}).get(kind)
        return ("native", note) if how is None else ("emulated", _join(how, note))
    lacking = feature.get("lacking", {}).get(kind)
    if note and lacking is None:
        return ("not yet" if re.search(r"\byet\b", note) else "refused"), note
    return _said(feature, kind, lacking or "")


def _said(feature: Mapping[str, Any], kind: str, words: str) -> tuple[str, str]:
    state, _, reason = (part.strip() for part in words.partition(":"))
    if state not in STATES:
        raise Incomplete(f"{feature['name']}, {kind}: neither the kind's notes nor {FEATURES.name} say why.")
    if state in ("refused", "not yet") and not reason:
        raise Incomplete(f"{feature['name']}, {kind}: {state} wants a reason.")
    return state, reason


def _join(how: str, note: str) -> str:
    return how if not note else f"{how} {note}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def features(data: Mapping[str, Any], kinds: Mapping[str, Capabilities]) -> list[str]:
    """Draw the one table: rows are native features, columns the kinds."""
    reasons = Reasons()
    rows = []
    for feature in data["feature"]:
        row = [feature["name"]]
        for kind, capabilities in kinds.items():
            state, why = cell(feature, kind, capabilities)
            row.append(f"{state}{reasons.mark(why)}")
        rows.append(row)
    return [*table(["Feature", *kinds], rows), "", *reasons.lines()]


def origins(data: Mapping[str, Any]) -> list[str]:
    """Draw what the features are called in the command lines that have them."""
    rows = [
        [feature["name"], *(feature.get(kind) or "–" for kind in NATIVE)]
        for feature in data["feature"]
        if any(feature.get(kind) for kind in NATIVE)
    ]
    read = [f"- {name}: {_linked(places)}" for name, places in data["sources"].items()]
    return ["Read from:", "", *read, "", *table(["Feature", *NATIVE.values()], rows)]


def _linked(places: str) -> str:
    return re.sub(r"https://\S+[^\s,]", lambda found: f"<{found[0]}>", places)


def modes(data: Mapping[str, Any], kinds: Iterable[str]) -> list[str]:
    """Draw what becomes of each of our modes."""
    columns = list(kinds)
    rows = [
        [f"`{mode}`", said["policy"], *(said.get(kind, said["all"]) for kind in columns)]
        for mode, said in data["modes"].items()
    ]
    return table(["Mode", "Our policy", *columns], rows)


def abilities(kinds: Mapping[str, Capabilities]) -> list[str]:
    """Draw the capabilities as they are, with the notes of the kinds."""
    reasons = Reasons()
    rows = []
    for name in FIELDS:
        row = [f"`{name}`"]
        for capabilities in kinds.values():
            value = getattr(capabilities, name)
            words = ("yes" if value else "no") if isinstance(value, bool) else ", ".join(map(_named, value))
            row.append(f"{words}{reasons.mark(capabilities.notes.get(name, ''))}")
        rows.append(row)
    return [*table(["Capability", *kinds], rows), "", *reasons.lines()]


def _named(value: object) -> str:
    """Name a mode by itself, a project's file by its path."""
    return value if isinstance(value, str) else f"`{getattr(value, 'path', value)}`"


def page() -> str:
    """Draw the whole page. Raises `Incomplete`."""
    data = load()
    kinds = {kind: registry.get(kind).capabilities for kind in COLUMNS}
    lines = [
        INTRODUCTION, "",
        "## Native features", "", LEGEND, "", *features(data, kinds), "",
        "## What they are called there", "", *origins(data), "",
        "## Modes", "",
        "A mode is the house's policy; the agent is put into a mode of its own in which it asks.", "",
        *modes(data, kinds), "",
        "## Capabilities", "",
        "What every kind says of itself (`GET /agents`); a *no* is a 409 by that name.", "",
        *abilities(kinds),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
