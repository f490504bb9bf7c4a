"""The steps of `binder/`, run as a Binder host runs them, up to a board that answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agor_jupyter.cli.lab import Lab, free_port

ROOT = Path(__file__).parent.parent
TOKEN = "binder-test"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a host: a home of its own, and the installed project on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"HOME": str(tmp_path), "PATH": path, "LANG": "C.UTF-8", "JUPYTER_TOKEN": TOKEN}


@pytest.fixture
def board(home: dict[str, str], tmp_path: Path) -> Iterator[Lab]:
    subprocess.run([ROOT / "binder" / "postBuild"], cwd=ROOT, env=home, check=True, timeout=60)
    lab = Lab(tmp_path, free_port(), token=TOKEN)
    argv = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={lab.port}", "--allow-root"]
    with lab.log.open("wb") as output:
        lab.process = subprocess.Popen(
            [ROOT / "binder" / "start", *argv], cwd=ROOT, env=home, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield lab
    finally:
        lab.process.terminate()
        try:
            lab.process.wait(30)
        except subprocess.TimeoutExpired:  # now and then anyio's threads outlive Jupyter's loop
            lab.process.kill()
            lab.process.wait()


def test_the_host_opens_the_demo_board(board: Lab) -> None:
    board.wait_ready()
    assert "agor_jupyter | extension was successfully loaded" in board.log.read_text(encoding="utf-8")
