"""The OpenAI agent passes the suite that every kind of agent must pass, through both of its APIs.

Through the Responses API the cases run on the adapter alone: what a runner adds knows no API.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.testing.conformance import Case, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harnesses.openai import ChatHarness, ResponsesHarness
from tests.agents.workbench.choosing import ACCEPTED, THROUGH_A_RUNNER, chosen_cases

pytest.importorskip("agents")
pytest.importorskip("openai")

test_conformance = chosen_cases(ChatHarness)


def test_the_chosen_cases_exist() -> None:
    assert {case.name for case in CASES} >= THROUGH_A_RUNNER


OF_THE_BENCH = {"hanging_tool", "huge_tool_result", "killed_in_mid_tool", "mute_tool_server"}
"""Faults of tools: what happens to them knows no API either."""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name)
        for case in CASES
        if "direct" in case.drivers and case.name not in OF_THE_BENCH
    ],
)
async def test_conformance_of_responses(case: Case, tmp_path: Path) -> None:
    try:
        await run_case(case, "direct", ResponsesHarness(), tmp_path)
    except Skipped as reason:
        assert str(reason).startswith(ACCEPTED), reason
        pytest.skip(str(reason))
