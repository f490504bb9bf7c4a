"""What tests of several rooms share: the wheel, built once, and the list of what failed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = """
import sys
from hatchling.build import build_wheel
print(build_wheel(sys.argv[1]))
"""
TOOLS = {"hatchling": "hatchling>=1.26", "hatch_jupyter_builder": "hatch-jupyter-builder>=0.9.1"}
SECONDS = 300


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell `scripts/run_tests` what failed, one name a line."""
    if report.failed and (place := os.environ.get("AGOR_FAILED_TESTS")):
        with Path(place).open("a", encoding="utf-8") as names:
            names.write(f"{report.nodeid}\n")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout as pip would, on a machine without Node.

    The built front end must be there (`just build`): a wheel for users is made where it is.
    """
    if not (ROOT / "agor_jupyter/labextension/static/style.js").exists():
        pytest.skip("the front end is not built: run `just build`")
    folder = tmp_path_factory.mktemp("wheel")
    tools, bare = folder / "tools", folder / "bare"
    bare.mkdir()
    missing = [wanted for name, wanted in TOOLS.items() if importlib.util.find_spec(name) is None]
    if missing:
        # Beside the environment, not into it: what builds a package is no dependency of its tests.
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target"]
        got = subprocess.run([*pip, str(tools), *missing], capture_output=True, text=True, timeout=SECONDS)
        if got.returncode:
            pytest.skip(f"what builds the wheel cannot be installed here: {got.stderr[-200:]}")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PATH": str(bare), "PYTHONPATH": str(tools)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    return folder / built.stdout.split()[-1]
