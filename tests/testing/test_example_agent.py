"""The example package of docs/example-agent: installed as anybody would, found, run and proved.

It goes into an environment of its own, which sees this one's packages: nothing is installed into ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example-agent"
SECONDS = 240
PIP = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check")
LOOK = """
import asyncio, json, os
from agor_jupyter.agents import registry
kind = registry.get("echo")
probe = asyncio.run(kind.probe(dict(os.environ)))
print(json.dumps([kind.title, probe.installed, "echo" in [each.kind for each in registry.list_kinds()]]))
"""


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments], capture_output=True, text=True, timeout=SECONDS, cwd=python.parent
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the example in it."""
    folder = tmp_path_factory.mktemp("example")
    tools = folder / "tools"
    if importlib.util.find_spec("hatchling") is None:
        # Beside the environment, not into it: what builds a package is no dependency of its tests.
        got = subprocess.run(
            [*PIP, "--target", str(tools), "hatchling"], capture_output=True, timeout=SECONDS
        )
        if got.returncode:
            pytest.skip("what builds a package cannot be installed here")
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    python = folder / "env" / "bin" / "python"
    found = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    packages = Path(found.stdout.strip())
    ours = [str(ROOT), *(place for place in sys.path if place.endswith("-packages"))]
    (packages / "ours.pth").write_text("\n".join(ours) + "\n", encoding="utf-8")
    shutil.copytree(EXAMPLE, folder / "source")  # a build leaves its traces beside the source
    built = subprocess.run(
        [
            *(*PIP, "--no-index", "--no-deps", "--no-build-isolation"),
            *("--target", str(packages), str(folder / "source")),
        ],
        env={**os.environ, "PYTHONPATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    return python


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_registry_finds_it(python: Path) -> None:
    found = run(python, "-c", LOOK)
    assert found.returncode == 0, found.stderr[-3000:]
    assert json.loads(found.stdout) == ["Echo", True, True]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_passes_the_suite_by_its_capabilities(python: Path) -> None:
    """Directly and through a real runner, which finds it by its entry point."""
    found = run(
        python,
        "-m",
        "agor_jupyter.testing.report",
        "--harness",
        "agor_echo.harness:EchoHarness",
        "--json",
        "-",
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    (report,) = json.loads(found.stdout)
    results = {(each["case"], each["driver"]): each["result"] for each in report["outcomes"]}
    assert report["failed"] == 0
    for case in ("streams_text", "permission_reject", "interrupt_stream", "resumes", "works_in_its_mode"):
        ways = {driver for name, driver in results if name == case}
        assert {results[case, driver] for driver in ways} == {"passed"}, case
    assert ("resumes", "runner") in results
    reasons = {each["reason"] for each in report["outcomes"] if each["result"] == "skipped"}
    assert "echo has no fork: It has one conversation, and no copy of it." in reasons


def test_it_is_short() -> None:
    """An example that nobody reads to its end is none."""
    assert len((EXAMPLE / "agor_echo" / "agent.py").read_text("utf-8").splitlines()) <= 120
