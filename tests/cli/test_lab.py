"""The demo's own JupyterLab: a signal at the worst moment does not lose it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.cli.lab import SIGNALS, Lab, free_port


class Stopped(BaseException):
    """What the signal raises."""


@pytest.fixture(params=SIGNALS)
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    """Let one of the signals that ask to end raise."""

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(request.param, stop)
    yield request.param
    signal.signal(request.param, before)


def interrupted(number: int, made: list[subprocess.Popen[bytes]]) -> type[subprocess.Popen[bytes]]:
    """Make programs that run as a signal comes, before anybody could note them."""

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, argv: list[str], **options: Any) -> None:
            super().__init__(["sleep", "60"], **options)
            made.append(self)
            signal.raise_signal(number)

    return Interrupted


def test_a_signal_as_the_server_begins_ends_it(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(subprocess, "Popen", interrupted(number, made))
    with pytest.raises(Stopped), Lab(tmp_path, free_port()).running():
        pass
    (server,) = made
    try:
        assert server.poll() == -signal.SIGTERM
    finally:
        server.kill()
        server.wait()
