"""The conformance report says what passed, what was skipped and why, and what failed, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import Probe
from agor_jupyter.testing import report
from agor_jupyter.testing.conformance import Act
from agor_jupyter.testing.conformance_demo import ScriptedHarness
from agor_jupyter.testing.harness_book import harness_of
from agor_jupyter.testing.harnesses import HARNESSES

HERE = "tests.testing.test_report"
FEW = ("--case", "streams_text", "--case", "one_end_a_prompt", "--case", "sees_images", "--drivers", "direct")


class Mute(ScriptedHarness):
    """Its agent says other words than it should."""

    BEYOND: ClassVar[Mapping[str, str]] = {"one_end_a_prompt": "It is beyond it."}

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        return "```demo\n- say: Something else.\n```\n"


class NotThere(ScriptedHarness):
    """Its agent is not installed."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: Any = Absent()


class Absent:
    kind = "absent"
    title = "Absent"

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        return Probe(installed=False, hint="Install it.")


def test_it_sums_up_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--kind", "demo", *FEW]) == 0
    said = capsys.readouterr().out
    assert "Demo agent 1: 2 passed, 1 skipped, 0 failed" in said
    assert "skipped  sees_images (direct): demo has no images: The demo agent reads its script" in said


def test_a_failure_is_told_and_ends_it_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    assert report.main(["--harness", f"{HERE}:Mute", *FEW, "--json", str(target)]) == 1
    said = capsys.readouterr().out
    assert "0 passed, 2 skipped, 1 failed" in said
    # An assertion without words is told by its own line.
    assert "FAILED   streams_text (direct): assert talk.said().strip() == WORDS.strip()" in said
    (found,) = json.loads(target.read_text(encoding="utf-8"))
    assert (found["kind"], found["passed"], found["skipped"], found["failed"]) == ("demo", 0, 2, 1)
    assert {each["case"]: each["result"] for each in found["outcomes"]} == {
        "streams_text": "failed",
        "one_end_a_prompt": "skipped",
        "sees_images": "skipped",
    }
    assert found["seconds"] == pytest.approx(sum(each["seconds"] for each in found["outcomes"]), abs=0.02)


def test_a_kind_that_is_not_installed_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--harness", f"{HERE}:NotThere", "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["missing"], found["outcomes"]) == ("Install it.", [])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kind", "nobody"],
        ["--harness", "nowhere:Harness"],
        ["--harness", f"{HERE}:Nobody"],
        ["--case", "no"],
    ],
)
def test_a_wrong_name_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        report.main(arguments)
    assert stopped.value.code == 2
    assert arguments[1].split(":")[0] in capsys.readouterr().err


def test_every_built_in_kind_has_a_harness() -> None:
    assert set(HARNESSES) == set(registry.BUILT_IN)
    assert all(callable(harness_of(kind)) for kind in HARNESSES)
