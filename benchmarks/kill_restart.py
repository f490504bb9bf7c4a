"""F1 at its full size: a hundred sessions stream, and the server is killed again and again.

Each session is a runner process of its own (about 40 MB; where memory is short there are fewer, and the
row says so). The server gets `kill -9` in mid-stream and is started anew; between two kills a bare
Jupyter server is started under the same load, as the floor. In the end every session is interrupted
and its log read: a number that is missing or there twice among `tok0 tok1 tok2 …`, or a hole in `seq`,
is a lost or a doubled event.

    python -m benchmarks.kill_restart [kills] [sessions]
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from agor_jupyter.agents.demo.repository import write_demo_repo
from agor_jupyter.cli.lab import free_port
from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.errors import ClientError
from agor_jupyter.client.http import Http, parse_url

KILLS = 5
SESSIONS = 100
TREES = 10
RUNNER_MB = 45
PROMPT = "stream 100000 tokens at 1/s"
SECONDS = 120.0
TOKEN = re.compile(r"tok(\d+)")


class JupyterServer:
    """`jupyter server` as a process, with our extension or bare."""

    def __init__(self, folder: Path, extensions: dict[str, bool]) -> None:
        self.folder, self.port, self.token = folder, free_port(), secrets.token_urlsafe(16)
        self.process: subprocess.Popen[bytes] | None = None
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        server = {
            "jpserver_extensions": extensions,
            "root_dir": str(self.root),
            "open_browser": False,
            "allow_root": True,
        }
        agor = {"data_dir": str(folder / "data"), "on_server_stop": "stop"}
        (folder / "config").mkdir()
        config = folder / "config" / "jupyter_server_config.json"
        config.write_text(json.dumps({"ServerApp": server, "AgorApp": agor}), "utf-8")

    @property
    def api(self) -> Api:
        address, _ = parse_url(f"http://127.0.0.1:{self.port}/")
        return Api(Http(address, self.token))

    def start(self, path: str) -> float:
        """Start it; give how many seconds it took until `path` was answered."""
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTER_TOKEN": self.token,
        }
        argv = [sys.executable, "-m", "jupyter_server", "--ip=127.0.0.1", f"--port={self.port}"]
        began = time.monotonic()
        with (self.folder / "server.log").open("ab") as output:
            self.process = subprocess.Popen(
                [*argv, "--ServerApp.port_retries=0"], env=environment, stdout=output, stderr=output
            )
        wait_until(f"{path} answers", lambda: self._answers(path))
        return time.monotonic() - began

    def _answers(self, path: str) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}", headers={"Authorization": f"token {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def end(self, how: signal.Signals, seconds: float = 60.0) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)


def wait_until(what: str, condition: Callable[[], object], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not come true within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def affordable(wanted: int) -> int:
    """Say how many runners fit into half of the memory that is free."""
    free_mb = psutil.virtual_memory().available / 2**20
    return max(5, min(wanted, int(free_mb / 2 / RUNNER_MB)))


def begin(server: JupyterServer, count: int) -> None:
    """Make `count` sessions in ten worktrees, and wait until each of them streams."""
    repository = server.root / "summary"
    write_demo_repo(repository)

    def post(path: str, body: Record) -> Record:
        return dict(server.api.http.request("POST", path, body=body))

    repo = post("/repos", {"path": str(repository)})
    trees = [post("/worktrees", {"repo_id": repo["id"], "name": f"tree-{n}"}) for n in range(TREES)]
    for number in range(count):
        tree = trees[number % TREES]
        post("/sessions", {"worktree_id": tree["id"], "agent": "demo", "prompt": PROMPT})
    wait_until("every session streams", lambda: len(streaming(server)) == count, 2 * SECONDS)


def streaming(server: JupyterServer) -> dict[str, int]:
    """Give the last seq of each session that says tokens."""
    with contextlib.suppress(ClientError):
        return {each["id"]: each["last_seq"] for each in server.api.sessions() if "tok" in each["last_words"]}
    return {}


def on_again(server: JupyterServer, before: dict[str, int]) -> bool:
    """Say whether every session has said something that it had not said before."""
    now = streaming(server)
    return all(now.get(session_id, 0) > seq for session_id, seq in before.items())


def check(server: JupyterServer, session_id: str) -> tuple[int, int, int]:
    """Give how many events a session's log holds, how many are lost, and how many are doubled."""
    events: list[Record] = []
    while page := server.api.events(session_id, after_seq=len(events)):
        events += page
    seqs = [event["seq"] for event in events]
    said = "".join(e["update"]["text"] for e in events if e["update"]["type"] == "agent_message_chunk")
    numbers = [int(number) for number in TOKEN.findall(said)]
    lost = len(set(range(max(numbers, default=-1) + 1)) - set(numbers))
    lost += len(set(range(1, len(seqs) + 1)) - set(seqs))
    doubled = len(numbers) - len(set(numbers)) + len(seqs) - len(set(seqs))
    return len(events), lost, doubled


def finish(server: JupyterServer, ids: list[str]) -> None:
    """Interrupt all sessions, and wait until none of them has a task."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda session_id: server.api.interrupt(session_id, timeout=60), ids))
    wait_until("all are idle", lambda: not any(each["current_task"] for each in server.api.sessions()))


def end_runners(folder: Path) -> int:
    """Kill what an orderly stop left of this folder's runners; give how many there were."""
    left = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        with contextlib.suppress(psutil.Error):
            if "agor_jupyter.runner" in line and str(folder) in process.cwd():
                left.append(process)
                process.kill()
    return len(left)


def measure(kills: int, sessions: int, folder: Path) -> dict[str, Any]:
    server = JupyterServer(folder / "agor", {"agor_jupyter": True})
    bare = JupyterServer(folder / "bare", {})
    restarts: list[float] = []
    floors: list[float] = []
    agains: list[float] = []
    try:
        server.start("agor/api/v1/me")
        began = time.monotonic()
        begin(server, sessions)
        started = time.monotonic() - began
        for number in range(kills):
            floors.append(bare.start("api/status"))
            bare.end(signal.SIGKILL)
            before = streaming(server)
            time.sleep(0.1 + 0.17 * number)  # another moment of the stream each time
            server.end(signal.SIGKILL)
            killed = time.monotonic()
            restarts.append(server.start("agor/api/v1/me"))
            wait_until("all stream again", lambda before=before: on_again(server, before))
            agains.append(time.monotonic() - killed)
        ids = list(streaming(server))
        finish(server, ids)
        with ThreadPoolExecutor(4) as pool:
            checked = list(pool.map(lambda session_id: check(server, session_id), ids))
    finally:
        server.end(signal.SIGTERM)
        bare.end(signal.SIGKILL)
        left = end_runners(folder)
    with contextlib.closing(sqlite3.connect(folder / "agor" / "data" / "agor.db")) as database:
        integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
    over = [ours - floor for ours, floor in zip(restarts, floors, strict=True)]
    return {
        "kills": kills,
        "sessions": len(ids),
        "started_seconds": round(started, 1),
        "events": sum(count for count, _, _ in checked),
        "lost": sum(lost for _, lost, _ in checked) + sessions - len(ids),
        "doubled": sum(doubled for _, _, doubled in checked),
        "integrity": integrity,
        "restart_seconds": statistics.median(restarts),
        "bare_seconds": statistics.median(floors),
        "over_seconds": statistics.median(over),
        "over_range": [min(over), max(over)],
        "again_seconds": statistics.median(agains),
        "left_runners": left,
    }


def run(kills: int = KILLS, sessions: int = SESSIONS) -> dict[str, Any]:
    """Measure and print. Three minutes on two quiet cores."""
    with tempfile.TemporaryDirectory(prefix="agor-bench-") as folder:
        found = measure(kills, affordable(sessions), Path(folder).resolve())
    for name, value in found.items():
        print(f"{name:<18} {value if not isinstance(value, float) else round(value, 2)}")
    return found


if __name__ == "__main__":
    run(*(int(argument) for argument in sys.argv[1:3]))
