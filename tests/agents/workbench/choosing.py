"""Which conformance cases run by default for the agents on the bench.

Each case runs on the adapter. Those in which a runner makes a difference run through a real one too;
`AGOR_ALL_CASES=1` runs all of them so (a runner imports the SDK anew: seconds each).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.testing.conformance import Case, Driver, Harness, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES

THROUGH_A_RUNNER = frozenset(
    {"permission_always", "interrupt_command", "resumes", "environment", "closes", "works_in_its_mode"}
)

ACCEPTED = ("there is no program of its own",)
"""Why a case may be skipped."""


def table() -> list[tuple[Case, Driver]]:
    every = bool(os.environ.get("AGOR_ALL_CASES"))
    return [
        (case, driver)
        for case in CASES
        for driver in case.drivers
        if driver == "direct" or every or case.name in THROUGH_A_RUNNER
    ]


def chosen_cases(make_harness: Callable[[], Harness]) -> Any:
    """Make a parametrised test. No case is skipped: these kinds deny nothing that a case needs."""

    async def test(case: Case, driver: Driver, tmp_path: Path) -> None:
        try:
            await run_case(case, driver, make_harness(), tmp_path)
        except Skipped as reason:
            assert str(reason).startswith(ACCEPTED), reason
            pytest.skip(str(reason))

    rows = [pytest.param(*row, id=f"{row[0].name}-{row[1]}") for row in table()]
    return pytest.mark.parametrize(("case", "driver"), rows)(test)
