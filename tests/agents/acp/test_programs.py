"""Real agents behind the generic kind pass the suite, as far as they can; what they cannot is skipped.

A start takes 2 to 5 s, so each case that matters runs once: on the adapter, or through a runner.
`AGOR_ALL_CASES=1` runs all of them both ways. The programs are big (npm, 130 and 180 MB), so no set-up
installs them: where one is neither on PATH nor in `$AGOR_OPENCODE` or `$AGOR_QWEN`, its cases are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agor_jupyter.testing.conformance import Case, Driver, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harnesses.acp_programs import OpenCodeHarness, ProgramHarness, QwenHarness

CHOSEN: dict[str, Driver] = {
    "streams_text": "direct",
    "thinks": "direct",
    "edit_writes": "runner",
    "command_output": "direct",
    "permission_always": "runner",
    "plan": "direct",
    "interrupt_request": "direct",
    "interrupt_command": "runner",
    "resumes": "runner",
    "usage_a_turn": "direct",
    "environment": "direct",
    "forks": "direct",
    "resolves_references": "direct",
    "uses_a_house_tool": "runner",
    "sees_images": "direct",
    "reads_files": "direct",
    "switches_model": "direct",
    "lists_commands": "direct",
    "tells_its_context": "direct",
    "works_in_its_mode": "runner",
    "killed_in_mid_tool": "direct",
    "breaks_in_mid_line": "direct",
    "rate_limit_after_a_tool": "direct",
    "expired_login_after_a_tool": "direct",
    "hanging_tool": "direct",
    "megabyte_prompt": "direct",
}
PROGRAMS: tuple[type[ProgramHarness], ...] = (OpenCodeHarness, QwenHarness)


def table() -> list[object]:
    every = bool(os.environ.get("AGOR_ALL_CASES"))
    return [
        pytest.param(
            program,
            case,
            driver,
            id=f"{program.PROGRAM}-{case.name}-{driver}",
            marks=pytest.mark.skipif(bool(program.why_not()), reason=program.why_not()),
        )
        for program in PROGRAMS
        for case in CASES
        for driver in case.drivers
        if every or CHOSEN.get(case.name) == driver
    ]


def test_the_chosen_cases_exist() -> None:
    assert {(case.name, driver) for case in CASES for driver in case.drivers} >= set(CHOSEN.items())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.PROGRAM)
def test_without_the_program_it_says_what_to_install(
    program: type[ProgramHarness], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(program.VARIABLE, raising=False)
    assert program.VARIABLE in program.why_not()
    assert "npm install" in program.why_not()
    monkeypatch.setenv(program.VARIABLE, "/nowhere/to/be/found")
    assert "/nowhere/to/be/found" in program.why_not()


@pytest.mark.parametrize(("program", "case", "driver"), table())
async def test_conformance(program: type[ProgramHarness], case: Case, driver: Driver, tmp_path: Path) -> None:
    if case.name in program.BEYOND:
        pytest.skip(program.BEYOND[case.name])
    try:
        await run_case(case, driver, program(), tmp_path)
    except Skipped as reason:
        pytest.skip(str(reason))
