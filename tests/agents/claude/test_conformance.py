"""The real Claude CLI passes the suite that every kind of agent must pass.

Each case runs on the adapter. Those in which a runner makes a difference run through a real one
too; `AGOR_ALL_CASES=1` runs all of them so (a runner imports the SDK anew: seconds each).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agor_jupyter.testing.conformance import Case, Driver, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harnesses.claude import ClaudeHarness

THROUGH_A_RUNNER = {
    "permission_always",
    "interrupt_command",
    "resumes",
    "environment",
    "closes",
    "uses_a_house_tool",
    "works_in_its_mode",
}


def table() -> list[tuple[Case, Driver]]:
    every = bool(os.environ.get("AGOR_ALL_CASES"))
    return [
        (case, driver)
        for case in CASES
        for driver in case.drivers
        if driver == "direct" or every or case.name in THROUGH_A_RUNNER
    ]


def test_the_chosen_cases_exist() -> None:
    assert {case.name for case in CASES} >= THROUGH_A_RUNNER


@pytest.mark.parametrize(
    ("case", "driver"), [pytest.param(*row, id=f"{row[0].name}-{row[1]}") for row in table()]
)
async def test_conformance(case: Case, driver: Driver, tmp_path: Path) -> None:
    try:
        await run_case(case, driver, ClaudeHarness(), tmp_path)
    except Skipped as reason:
        pytest.fail(f"no case may be skipped by Claude: {reason}")
