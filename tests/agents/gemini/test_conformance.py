"""The real Gemini CLI passes the suite, as far as it can; what it cannot is skipped with the reason.

A start takes 3 to 6 s, so each case that matters runs once: on the adapter, or through a runner.
`AGOR_ALL_CASES=1` runs all of them both ways. Where there is no Gemini CLI, all are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agor_jupyter.testing.conformance import Case, Driver, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harnesses.gemini import GeminiHarness, why_not

CHOSEN: dict[str, Driver] = {
    "streams_text": "direct",
    "thinks": "direct",
    "edit_writes": "direct",
    "permission_reject": "direct",
    "interrupt_request": "direct",
    "interrupt_command": "runner",
    "resumes": "runner",
    "environment": "direct",
    "resolves_references": "direct",
    "uses_a_house_tool": "direct",
    "sees_images": "direct",
    "switches_model": "direct",
    "tells_its_context": "direct",
    "works_in_its_mode": "runner",
    "killed_in_mid_tool": "direct",
    "breaks_in_mid_line": "direct",
    "expired_login_after_a_tool": "direct",
    "hanging_tool": "direct",
    "megabyte_prompt": "direct",
}
pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


def table() -> list[tuple[Case, Driver]]:
    every = bool(os.environ.get("AGOR_ALL_CASES"))
    rows = [(case, driver) for case in CASES for driver in case.drivers]
    return [(case, driver) for case, driver in rows if every or CHOSEN.get(case.name) == driver]


def test_the_chosen_cases_exist() -> None:
    assert {(case.name, driver) for case in CASES for driver in case.drivers} >= set(CHOSEN.items())


@pytest.mark.parametrize(
    ("case", "driver"), [pytest.param(*row, id=f"{row[0].name}-{row[1]}") for row in table()]
)
async def test_conformance(case: Case, driver: Driver, tmp_path: Path) -> None:
    if case.name in GeminiHarness.BEYOND:
        pytest.skip(GeminiHarness.BEYOND[case.name])
    try:
        await run_case(case, driver, GeminiHarness.for_case(case.name), tmp_path)
    except Skipped as reason:
        if case.name in CHOSEN:
            pytest.fail(f"Gemini CLI passes this case: {reason}")
        pytest.skip(str(reason))
