"""A scripted agent behind the generic adapter passes the suite that every kind of agent must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_pytest import conformance_test
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harnesses.acp import AcpHarness

test_conformance = conformance_test(AcpHarness)

FEW = ("command_output", "resumes", "tells_its_context", "reads_files", "permission_once")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in FEW], ids=lambda case: case.name)
async def test_a_plainer_agent_passes_what_it_can(case: object, tmp_path: Path) -> None:
    """Without newer or optional parts of the protocol: a replay on `load`, output only at the end."""
    flags = [
        f"--without={name}" for name in ("resume", "embedded", "commands", "terminal", "modes", "models")
    ]
    await run_case(case, "direct", AcpHarness(*flags), tmp_path)  # type: ignore[arg-type]  # parametrised


@pytest.mark.parametrize("ability", ["fork", "image"])
async def test_what_the_agent_at_hand_lacks_is_refused_by_name(ability: str, tmp_path: Path) -> None:
    (case,) = [case for case in CASES if case.name == "refuses_what_it_lacks"]
    await run_case(case, "direct", AcpHarness(f"--without={ability}"), tmp_path)


def test_only_questions_and_forks_at_a_message_are_beyond_it() -> None:
    capabilities = registry.get("acp").capabilities
    denied = {name for name, value in capabilities.model_dump().items() if value is False}
    assert denied == {
        "any_model",
        "compaction",
        "elicitation",
        "fork_at_message",
        "instructions",
        "questions",
        "runs_unasked_in_sandbox",
        "steer",
        "subagents",
    }
    assert denied - set(capabilities.notes) == {"runs_unasked_in_sandbox"}
