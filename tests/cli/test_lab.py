"""The demo's own JupyterLab: a signal at the worst moment does not lose it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.cli.lab import Lab, free_port


class Stopped(BaseException):
    """What the signal raises."""


@pytest.fixture
def raising() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGUSR1, stop)
    yield
    signal.signal(signal.SIGUSR1, before)


class Interrupted(subprocess.Popen[bytes]):
    """A program that runs, and a signal that comes before anybody could note it."""

    made: Interrupted | None = None

    def __init__(self, argv: list[str], **options: Any) -> None:
        super().__init__(["sleep", "60"], **options)
        Interrupted.made = self
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        os.sched_yield()


@pytest.mark.usefixtures("raising")
def test_a_signal_as_the_server_begins_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(Stopped), Lab(tmp_path, free_port()).running():
        pass
    server = Interrupted.made
    assert server is not None
    try:
        assert server.poll() == -signal.SIGTERM
    finally:
        server.kill()
        server.wait()
