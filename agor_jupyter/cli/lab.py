"""A JupyterLab of the demo's own: its scratch folder, its process, its address."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agor_jupyter.agents.demo.repository import write_demo_repo
from agor_jupyter.cli.runners import stop_all
from agor_jupyter.domain.errors import AgorError

REPOSITORY = "summary"
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that ask a program to end."""
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


class LabFailed(Exception):
    """JupyterLab did not come up; the message holds the end of what it said."""


@contextmanager
def _signals_later() -> Iterator[None]:
    """Hold back what asks to end, where a function handles it: the first is handled when this has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    held = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in held:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def prepare(folder: Path, agent: str) -> None:
    """Write the repository and Jupyter's configuration into `folder`; what is there already stays."""
    root, config = folder / "work", folder / "config"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    root.mkdir(exist_ok=True)
    if not (root / REPOSITORY).exists():
        write_demo_repo(root / REPOSITORY)
    traits = {
        "ServerApp": {"root_dir": str(root), "open_browser": False, "allow_root": True},
        "AgorApp": {
            "data_dir": str(folder / "data"),
            "demo_dir": str(root / REPOSITORY),
            "demo_agent": agent,
            "on_server_stop": "stop",
        },
    }
    (config / "jupyter_server_config.json").write_text(json.dumps(traits, indent=1), encoding="utf-8")
    quiet = config / "labconfig" / "default_setting_overrides.json"
    quiet.write_text(json.dumps(QUIET), encoding="utf-8")


def free_port() -> int:
    """Find a port that is free now. The server fails, and says so, if somebody takes it first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Lab:
    """One server: made once, run once."""

    folder: Path
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def log(self) -> Path:
        return self.folder / "jupyter.log"

    def address(self) -> str:
        """Give what a browser opens: the lab at the board, with the token."""
        return f"{self.url}lab?token={self.token}&agor-board=first"

    def _environment(self) -> dict[str, str]:
        # The token travels in the environment: argv is there for everyone to read.
        return {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "JUPYTER_TOKEN": self.token,
        }

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server; on the way out it is stopped in order, and killed if it does not stop."""
        try:
            yield self._start()
        finally:
            self._stop()

    def _start(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={self.port}"]
        # Else a handler that raises could leave a server behind that runs, and that nobody knows.
        with _signals_later(), self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*argv, "--ServerApp.port_retries=0"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
            )
        return self.process

    def _stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # A server that died, or was killed just now, has left its agents at work in this folder.
        with contextlib.suppress(AgorError):
            stop_all(self.folder / "data")

    def wait_ready(self) -> None:
        """Wait until the extension answers. Raises `LabFailed`."""
        deadline = time.monotonic() + READY_SECONDS
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}agor/api/v1/boards", headers=headers)  # noqa: S310  # ours
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise LabFailed(f"JupyterLab ended as it began.\n{self._tail()}")
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # ours, on 127.0.0.1
                    if json.load(answer)["items"]:
                        return
            except (urllib.error.URLError, OSError):
                pass  # not listening yet
            time.sleep(0.1)
        raise LabFailed(f"JupyterLab was not ready within {READY_SECONDS:.0f} s.\n{self._tail()}")

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])
