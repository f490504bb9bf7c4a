"""The conformance cases as pytest tests.

    test_conformance = conformance_test(MyHarness)

makes one test a case and driver. `MyHarness` is called without arguments for each.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.testing.conformance import Case, Driver, Harness, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES


def conformance_test(make_harness: Callable[[], Harness], *, skip: dict[str, str] | None = None) -> Any:
    """Make a parametrised test function. `skip`: case name → why this harness cannot play it."""

    async def test(case: Case, driver: Driver, tmp_path: Path) -> None:
        if skip and case.name in skip:
            pytest.skip(skip[case.name])
        try:
            outcome: Awaitable[None] = run_case(case, driver, make_harness(), tmp_path)
            assert inspect.isawaitable(outcome)
            await outcome
        except Skipped as reason:
            pytest.skip(str(reason))

    table = [
        pytest.param(case, driver, id=f"{case.name}-{driver}") for case in CASES for driver in case.drivers
    ]
    return pytest.mark.parametrize(("case", "driver"), table)(test)
