"""docs/agents.md cannot lie: its cells follow from the capabilities, and nothing is left out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Capabilities
from agor_jupyter.domain.content import Mode

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawn() -> ModuleType:
    spec = importlib.util.spec_from_file_location("agents_table", ROOT / "scripts" / "agents_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for annotations
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(drawn: ModuleType) -> None:
    page = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    assert page == drawn.page(), "run `just generate`"


def test_every_built_in_kind_has_a_column(drawn: ModuleType) -> None:
    assert set(drawn.COLUMNS) == set(registry.BUILT_IN)


def test_every_capability_has_a_row(drawn: ModuleType) -> None:
    stood_for = {feature.get("capability") for feature in drawn.load()["feature"]} - {None}
    assert stood_for == set(Capabilities.model_fields) - {"notes"}


def test_no_feature_stands_twice(drawn: ModuleType) -> None:
    names = [feature["name"] for feature in drawn.load()["feature"]]
    assert len(set(names)) == len(names)


def test_the_data_name_only_what_there_is(drawn: ModuleType) -> None:
    known = {*registry.BUILT_IN, "all"}
    for feature in drawn.load()["feature"]:
        for part in ("cells", "emulated", "lacking"):
            assert set(feature.get(part, {})) <= known, feature["name"]
        assert set(feature) <= {"name", "capability", "cells", "emulated", "lacking", *drawn.NATIVE}
        assert ("capability" in feature) is not ("cells" in feature), feature["name"]


WARNINGS = {"runs_unasked_in_sandbox", "reads_untrusted"}
"""Capabilities that are no abilities: false says nothing against a kind."""


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_what_a_kind_cannot_do_it_says_why(name: str) -> None:
    able = registry.get(name).capabilities
    cannot = {field for field in Capabilities.model_fields if getattr(able, field) is False} - WARNINGS
    assert {field for field in cannot if not able.notes.get(field, "").strip()} == set()


FIELD = {"name": "Forks", "capability": "fork"}


@pytest.mark.parametrize(
    ("feature", "capabilities", "found"),
    [
        (FIELD, Capabilities(fork=True), ("native", "")),
        (FIELD, Capabilities(fork=True, notes={"fork": "Whole."}), ("native", "Whole.")),
        (FIELD, Capabilities(notes={"fork": "It cannot."}), ("refused", "It cannot.")),
        (FIELD, Capabilities(notes={"fork": "Not offered yet."}), ("not yet", "Not offered yet.")),
        ({**FIELD, "emulated": {"one": "A copy."}}, Capabilities(fork=True), ("emulated", "A copy.")),
        ({**FIELD, "lacking": {"one": "not yet: Soon."}}, Capabilities(), ("not yet", "Soon.")),
        # What a kind learns counts at once, whatever the data still say of its lack.
        ({**FIELD, "lacking": {"one": "not yet: Soon."}}, Capabilities(fork=True), ("native", "")),
        # And what it loses: "emulated" is said only of what it has.
        (
            {**FIELD, "emulated": {"one": "A copy."}},
            Capabilities(notes={"fork": "No."}),
            ("refused", "No."),
        ),
        ({"name": "Themes", "cells": {"all": "refused: None."}}, Capabilities(), ("refused", "None.")),
        (
            {"name": "Themes", "cells": {"all": "refused: None.", "one": "native"}},
            Capabilities(),
            ("native", ""),
        ),
    ],
)
def test_a_cell_follows_from_the_data(
    drawn: ModuleType, feature: dict[str, Any], capabilities: Capabilities, found: tuple[str, str]
) -> None:
    assert drawn.cell(feature, "one", capabilities) == found


@pytest.mark.parametrize(
    "feature",
    [
        FIELD,
        {"name": "Themes", "cells": {"two": "native"}},
        {"name": "Themes", "cells": {"one": "refused"}},
        {"name": "Themes", "cells": {"one": "perhaps: who knows"}},
    ],
)
def test_a_cell_without_a_reason_is_refused(drawn: ModuleType, feature: dict[str, Any]) -> None:
    with pytest.raises(drawn.Incomplete, match="one"):
        drawn.cell(feature, "one", Capabilities())


MODES: tuple[Mode, ...] = ("ask", "accept_edits", "plan", "full_auto")


def test_the_modes_are_those_that_the_adapters_use(drawn: ModuleType) -> None:
    """The first word in backticks is the agent's own mode."""
    pytest.importorskip("claude_agent_sdk")
    from agor_jupyter.agents.acp.presets import GEMINI
    from agor_jupyter.agents.claude import options as claude
    from agor_jupyter.agents.codex import options as codex

    said = drawn.load()["modes"]
    assert tuple(said) == MODES
    for mode in MODES:
        own = {kind: said[mode][kind].split("`")[1] for kind in ("claude", "codex", "gemini")}
        assert own == {
            "claude": claude.MODES[mode],
            "codex": codex.SANDBOXES[mode],
            "gemini": GEMINI.modes[mode],
        }
