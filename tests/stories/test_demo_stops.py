"""`jupyter agor demo` that is told to end: no server, no agent and no scratch folder is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.process import marked
from tests.stories.conftest import wait_until

BUSY = "version: 1\nturns:\n  - steps:\n      - run: {argv: [sleep, '600'], ask: false}\n"


@dataclass
class Demo:
    """The command at work, with an agent that runs a command for ten minutes."""

    process: subprocess.Popen[bytes]
    scratch: Path
    output: Path

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def alive(self) -> dict[int, list[str]]:
        """Give the command lines of all that was started below it: each inherits the scratch folder."""
        found = {}
        for pid in marked(f"TMPDIR={self.scratch}"):
            with contextlib.suppress(psutil.Error):  # it ended meanwhile
                found[pid] = psutil.Process(pid).cmdline()
        return found

    def of(self, word: str) -> int | None:
        return next((pid for pid, line in self.alive().items() if word in line), None)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def demo(folder: Path) -> Iterator[Demo]:
    scratch, config = folder / "scratch", folder / "more"
    for made in (scratch, config):
        made.mkdir()
    script = folder / "busy.yml"
    script.write_text(BUSY, encoding="utf-8")
    options = f"c.AgorApp.agent_options = {{'demo': {{'script': {str(script)!r}}}}}\n"
    (config / "jupyter_server_config.py").write_text(options, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "TMPDIR": str(scratch),
        "JUPYTER_CONFIG_PATH": str(config),
    }
    argv = [sys.executable, "-m", "agor_jupyter.cli", "demo", "--headless"]
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(argv, env=environment, stdout=file, stderr=file)
    here = Demo(process, scratch, output)
    try:
        yield here
    finally:
        for left in here.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        process.wait(10)


def check_nothing_left(here: Demo) -> None:
    wait_until(lambda: not here.alive(), 10)
    assert [path.name for path in here.scratch.iterdir() if path.name.startswith("agor-demo")] == []
    assert "Traceback" not in here.said()


@pytest.mark.slow
@pytest.mark.parametrize("server", ["lives", "was killed"])
def test_told_to_end_in_the_middle_it_takes_everything_along(tmp_path: Path, server: str) -> None:
    with demo(tmp_path) as here:
        wait_until(lambda: here.of("sleep"), 90)
        lab = here.of("jupyterlab")
        assert lab is not None
        assert here.of("agor_jupyter.runner") is not None
        if server == "was killed":
            os.kill(lab, signal.SIGKILL)
        assert here.end(signal.SIGTERM) == 128 + signal.SIGTERM, here.said()
        assert "was stopped (SIGTERM)" in here.said()
        check_nothing_left(here)


def test_interrupted_while_it_starts_it_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path) as here:
        wait_until(lambda: here.of("jupyterlab"), 60)
        assert here.end(signal.SIGINT) == 128 + signal.SIGINT, here.said()
        assert "was stopped (SIGINT)" in here.said()
        check_nothing_left(here)
