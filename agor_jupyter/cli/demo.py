"""`jupyter agor demo`: a small repository, a board with three worktrees, and an agent at work.

All that it makes lies in one scratch folder: the repository, the data, Jupyter's own configuration.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agor_jupyter.cli import headless
from agor_jupyter.cli.lab import SIGNALS, Lab, LabFailed, free_port, prepare
from agor_jupyter.domain.errors import AgorError

REMOVE_SECONDS = 5.0


class Stopped(BaseException):
    """A signal asked the demo to end. Not an `Exception`: nothing on the way may take it for one."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


def add_to(commands: Any) -> None:  # argparse's own type for this is private
    parser = commands.add_parser("demo", help="run the demo: no key, no account")
    parser.add_argument(
        "--headless", action="store_true", help="run the story without a browser, and check it"
    )
    parser.add_argument(
        "--agent", default="demo", help="the agent that works (default: demo; claude needs a login)"
    )
    parser.add_argument(
        "--folder", default="", help="the scratch folder (default: a new one, removed at the end)"
    )
    parser.add_argument("--port", type=int, default=0, help="the server's port (default: a free one)")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument(
        "--prepare", action="store_true", help="only write the folder and its configuration (for Binder)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the scratch folder, run, clean up."""
    try:
        with _ended_by_signals(), _scratch(arguments.folder) as folder:
            return _run_in(folder, arguments)
    except Stopped as stopped:
        print(f"The demo was stopped ({stopped}).", file=sys.stderr)
        return 128 + stopped.number
    except (AgorError, LabFailed) as error:
        print(f"The demo cannot run: {error}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def _scratch(wanted: str) -> Iterator[Path]:
    """Make the folder that is wanted, which is kept; without a wish a new one, removed at the end."""
    folder = Path(wanted or tempfile.mkdtemp(prefix="agor-demo-")).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield folder
    finally:
        if not wanted:
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the scratch folder. A process that is just ending may still write there: try for a while."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if time.monotonic() > deadline:
                print(f"The scratch folder could not be removed: {error}", file=sys.stderr)
                return
            time.sleep(0.1)


def _run_in(folder: Path, arguments: argparse.Namespace) -> int:
    prepare(folder, arguments.agent)
    if arguments.prepare:
        print(f"Prepared {folder}.")
        return 0
    lab = Lab(folder, arguments.port or free_port())
    if arguments.headless:
        return headless.run(lab, arguments.agent)
    return _serve(lab, browser=not arguments.no_browser)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn the first signal that asks to end into `Stopped`; what cleans up then is not cut short.

    A signal that is ignored (`nohup`, a job in the background) stays so.
    """

    def stop(number: int, _: object) -> None:
        for other in taken:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    taken = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(lab: Lab, *, browser: bool) -> int:
    """Run JupyterLab until the person stops it."""
    with lab.running() as server:
        lab.wait_ready()
        address = lab.address()
        # The environment that scripts/demo makes is not on PATH: name its program whole.
        program = Path(sys.executable).with_name("jupyter")
        line = [str(program), "agor", "runners", "list", "--data-dir", str(lab.folder / "data")]
        agents = shlex.join(line)
        print(f"\nThe demo's board: {address}\nIts agents: {agents}\nStop it with Control-C.\n", flush=True)
        if browser:
            webbrowser.open(address)
        with contextlib.suppress(Stopped):  # how a person ends it
            return server.wait()
    return 0
