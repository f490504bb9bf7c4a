"""P13 and P14: what our routes and our extension cost, against Jupyter's own in the same run.

`python -m benchmarks.rest_overhead` prints a table. P13: a trivial route of ours beside
`/api/status` in one server, request by request in turn; then the loop's answers (p99 of
`/api/status`) while two clients ask for `git status`: by our route, and by a bare handler that only
runs the subprocess. P14: servers started in turn with and without the extension.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from tornado import web
from tornado.httpclient import HTTPResponse

from agor_jupyter.testing.live_server import LiveServer, live_server

REQUESTS = 400
ROUNDS = 7
STARTS = 5
GIT_SECONDS = 4.0
FILES = 2000
API = "agor/api/v1"
BASE_EXTENSIONS = {
    "plain": {},
    "collaboration": {"jupyter_server_ydoc": True, "jupyter_server_fileid": True},
    "agor": {"jupyter_server_ydoc": True, "jupyter_server_fileid": True, "agor_jupyter": True},
    "agor only": {"agor_jupyter": True},
}


class BareStatus(web.RequestHandler):
    """The floor: nothing but an asyncio subprocess."""

    async def get(self) -> None:
        command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "-z", "--branch"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.settings["bench_folder"], stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        self.write({"bytes": len(out)})


def make_repo(folder: Path) -> Path:
    path = folder / "root" / "proj"
    path.mkdir(parents=True)
    for number in range(FILES):
        place = path / f"d{number % 20}" / f"{number}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"{number}\n")
    who = ["-c", "user.name=B", "-c", "user.email=b@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", *command], cwd=path, check=True, capture_output=True)
    return path


async def post(server: LiveServer, path: str, body: dict[str, object]) -> dict[str, str]:
    answer = await server.fetch(f"{API}{path}", method="POST", body=json.dumps(body), timeout_seconds=60)
    if answer.code >= 300:
        raise RuntimeError(answer.body)
    found: dict[str, str] = json.loads(answer.body)
    return found


async def timed(ask: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await ask()
    return 1000 * (time.perf_counter() - start)


async def trivial(server: LiveServer, board: str) -> dict[str, list[float]]:
    """Ask the routes in random turn; a round's figure is its median.

    `/me` reads no record, as `/api/status` does; `/boards/{id}` reads one from the database.
    """

    async def ours() -> object:
        return await server.fetch(f"{API}/me")

    async def record() -> object:
        return await server.fetch(f"{API}/boards/{board}")

    async def theirs() -> object:
        return await server.fetch("api/status")

    asks = {"ours": ours, "record": record, "status": theirs}
    medians: dict[str, list[float]] = {name: [] for name in asks}
    for _ in range(ROUNDS):
        took: dict[str, list[float]] = {name: [] for name in asks}
        turns = list(asks) * REQUESTS
        random.shuffle(turns)
        for name in turns:
            took[name].append(await timed(asks[name]))
        for name, values in took.items():
            medians[name].append(statistics.median(values))
    return medians


async def under_git(server: LiveServer, path: str) -> tuple[float, int]:
    """Give p99 of `/api/status` while two clients ask `path` without pause, and how often they did."""
    stop = False
    done = 0

    async def client() -> None:
        nonlocal done
        while not stop:
            answer = await server.fetch(path)
            assert answer.code == 200, answer.body
            done += 1

    clients = [asyncio.create_task(client()) for _ in range(2)]
    took: list[float] = []
    end = time.monotonic() + GIT_SECONDS
    while time.monotonic() < end:
        took.append(await timed(lambda: server.fetch("api/status")))
        await asyncio.sleep(0.005)
    stop = True
    await asyncio.gather(*clients)
    took.sort()
    return took[int(0.99 * (len(took) - 1))], done


async def requests() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = make_repo(folder)
        async with live_server(folder, extensions={"agor_jupyter": True}, named_users=False) as server:
            server = ByToken(server.app, server.port, server.base_url, server.root)
            board = (await post(server, "/boards", {"name": "B"}))["id"]
            repo = (await post(server, "/repos", {"path": str(path)}))["id"]
            tree = await post(server, "/worktrees", {"repo_id": repo, "name": "w"})
            server.app.web_app.settings["bench_folder"] = tree["path"]
            bare = f"{server.base_url}bare-status"
            server.app.web_app.add_handlers(".*$", [(bare, BareStatus)])
            medians = await trivial(server, board)
            loads: dict[str, list[tuple[float, int]]] = {"ours": [], "bare": []}
            for _ in range(3):
                for kind in random.sample(["ours", "bare"], 2):
                    place = f"{API}/worktrees/{tree['id']}/status" if kind == "ours" else "bare-status"
                    loads[kind].append(await under_git(server, place))
    records = [a / b for a, b in zip(medians["record"], medians["status"], strict=True)]
    ratios = [a / b for a, b in zip(medians["ours"], medians["status"], strict=True)]
    p99 = {kind: statistics.median(value for value, _ in found) for kind, found in loads.items()}
    return {
        "route_ms": statistics.median(medians["ours"]),
        "api_status_ms": statistics.median(medians["status"]),
        "route_ratio": statistics.median(ratios),
        "record_route_ratio": statistics.median(records),
        "route_ratio_range": [min(ratios), max(ratios)],
        "p99_under_our_status_ms": p99["ours"],
        "p99_under_bare_status_ms": p99["bare"],
        "p99_ratio": p99["ours"] / p99["bare"],
        "asked": {kind: [count for _, count in found] for kind, found in loads.items()},
    }


class ByToken(LiveServer):
    """A server asked with its own token."""

    async def fetch(self, path: str, **how: Any) -> HTTPResponse:  # type: ignore[override]  # one person only
        token = self.app.identity_provider.token
        return await super().fetch(path, person=None, headers={"Authorization": f"token {token}"}, **how)


# --- P14


def start_once(kind: str, folder: Path) -> tuple[float, float, float]:
    """Start a server, wait until it answers; give seconds, seconds of CPU and megabytes."""
    root = folder / "root"
    root.mkdir(parents=True)
    runtime = folder / "runtime"
    environment = {
        **os.environ,
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "HOME": str(folder),
    }
    config = folder / "config.json"
    server = {"jpserver_extensions": BASE_EXTENSIONS[kind], "open_browser": False, "allow_root": True}
    config.write_text(
        json.dumps({"ServerApp": {**server, "ip": "127.0.0.1", "port": 0, "root_dir": str(root)}})
    )
    command = [sys.executable, "-m", "jupyter_server", f"--config={config}"]
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(runtime):
            if process.poll() is not None or time.perf_counter() - start > 60:
                raise RuntimeError(f"the server ({kind}) did not start")
            time.sleep(0.01)
        took = time.perf_counter() - start
        time.sleep(0.5)  # what it does right after its start is part of it
        found = psutil.Process(process.pid)
        spent = found.cpu_times()
        return took, spent.user + spent.system, found.memory_info().rss / 2**20
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(runtime: Path) -> bool:
    """Say whether the server has said where it listens and takes connections there."""
    import socket

    for file in runtime.glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError):
            port = int(json.loads(file.read_text())["port"])
            with socket.create_connection(("127.0.0.1", port), 0.2):
                return True
    return False


def starts() -> dict[str, object]:
    seconds: dict[str, list[float]] = {kind: [] for kind in BASE_EXTENSIONS}
    spent: dict[str, list[float]] = {kind: [] for kind in BASE_EXTENSIONS}
    megabytes: dict[str, list[float]] = {kind: [] for kind in BASE_EXTENSIONS}
    for _ in range(STARTS):
        for kind in random.sample(list(BASE_EXTENSIONS), len(BASE_EXTENSIONS)):
            with tempfile.TemporaryDirectory() as folder:
                took, cpu, rss = start_once(kind, Path(folder))
            seconds[kind].append(took)
            spent[kind].append(cpu)
            megabytes[kind].append(rss)

    def added(values: dict[str, list[float]], with_it: str, without: str) -> float:
        pairs = zip(values[with_it], values[without], strict=True)
        return statistics.median(a - b for a, b in pairs)

    return {
        "start_seconds": {kind: statistics.median(values) for kind, values in seconds.items()},
        "start_cpu_seconds": {kind: statistics.median(values) for kind, values in spent.items()},
        "rss_mb": {kind: statistics.median(values) for kind, values in megabytes.items()},
        "added_seconds": added(seconds, "agor", "collaboration"),
        "added_cpu_seconds": added(spent, "agor", "collaboration"),
        "added_mb": added(megabytes, "agor", "collaboration"),
        "added_seconds_over_plain": added(seconds, "agor only", "plain"),
        "added_mb_over_plain": added(megabytes, "agor only", "plain"),
    }


def run() -> dict[str, object]:
    """Measure both; give the figures and whether P13 and P14 are met."""
    found = {**asyncio.run(requests()), **starts()}
    goals = {
        "P13 route <= 1.15x /api/status": float(str(found["route_ratio"])) <= 1.15,
        "P13 p99 under git <= 1.3x bare": float(str(found["p99_ratio"])) <= 1.3,
        # CPU seconds: wall seconds say more about what else the machine does.
        "P14 start <= +0.4 s (CPU)": float(str(found["added_cpu_seconds"])) <= 0.4,
        "P14 memory <= +30 MB": float(str(found["added_mb"])) <= 30,
    }
    for name, value in found.items():
        print(f"{name:<28} {value if not isinstance(value, float) else round(value, 3)}")
    for name, met in goals.items():
        print(f"{name:<36} {'met' if met else 'NOT MET'}")
    return {**found, "goals": goals}


if __name__ == "__main__":
    run()
