"""A Jupyter server as its user has it: a process that can be killed and started again on its data."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from agor_jupyter.agents.demo.repository import write_demo_repo
from agor_jupyter.cli.lab import free_port
from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.errors import ClientError
from agor_jupyter.client.http import Http, parse_url
from tests.stories.stage import Stages, stages

T = TypeVar("T")
READY_SECONDS = 60.0


class Server:
    """`jupyter server` with this extension (and what `beside` names) alone, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        named_users: bool = False,
        beside: Mapping[str, bool] = {},
        others: Mapping[str, object] = {},
        **traits: object,
    ) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.port = free_port()
        self.token = secrets.token_urlsafe(16)
        self.process: subprocess.Popen[bytes] | None = None
        self.data = Path(str(traits.get("data_dir", folder / "data")))
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.repository = self.root / "summary"
        write_demo_repo(self.repository)
        config = folder / "config"
        config.mkdir()
        settings: dict[str, dict[str, object]] = {
            "ServerApp": {
                "root_dir": str(self.root),
                "open_browser": False,
                "allow_root": True,
                "jpserver_extensions": {"agor_jupyter": True, **beside},
            },
            "AgorApp": {**traits, "data_dir": str(self.data)},
            **others,
        }
        if named_users:  # our own token is then ada's
            settings["ServerApp"] |= {
                "identity_provider_class": "agor_jupyter.testing.people.FourPeople",
                "authorizer_class": "agor_jupyter.testing.people.OwnKernels",
            }
        (config / "jupyter_server_config.json").write_text(json.dumps(settings), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def api(self) -> Api:
        address, _ = parse_url(self.url)
        return Api(Http(address, self.token))

    def post(self, path: str, body: Record) -> Record:
        return dict(self.api.http.request("POST", path, body=body))

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_PREFER_ENV_PATH": "0",
            **self.environment,
        }
        argv = [sys.executable, "-m", "jupyter_server", "--ip=127.0.0.1", f"--port={self.port}"]
        with (self.folder / "server.log").open("ab") as output:
            self.process = subprocess.Popen(
                [*argv, "--ServerApp.port_retries=0"], env=environment, stdout=output, stderr=output
            )
        wait_until(self._answers, READY_SECONDS)

    def _answers(self) -> bool:
        """Say whether the server answers at all: a clear refusal is an answer too."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
        try:
            self.api.me(timeout=5)
        except ClientError as error:
            return error.status == 409
        return True

    def kill(self) -> None:
        """`kill -9` of the server and of nothing else."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def runners(self) -> list[psutil.Process]:
        """Find the runners of this server's data folder."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or []
            if "agor_jupyter.runner" in line and str(self.data) in _folder_of(process):
                found.append(process)
        return found

    def end(self) -> None:
        """Stop the server, and its runners with all that they started."""
        self.stop()
        for runner in self.runners():
            with contextlib.suppress(psutil.Error):
                for process in (*runner.children(recursive=True), runner):
                    process.kill()

    def worktree(self, name: str) -> Record:
        repos = self.api.http.request("GET", "/repos")["items"]
        repo = repos[0] if repos else self.post("/repos", {"path": str(self.repository)})
        return self.post("/worktrees", {"repo_id": repo["id"], "name": name})

    def session(self, worktree: Record, prompt: str = "", **more: str) -> Record:
        body = {"worktree_id": worktree["id"], "agent": "demo", "title": worktree["name"], **more}
        return self.post("/sessions", {**body, **({"prompt": prompt} if prompt else {})})

    def logged(self, session_id: str) -> list[Record]:
        """Read the updates that the session's runners wrote themselves, whatever a server saw of them."""
        paths = sorted((self.data / "sessions" / session_id).glob("*/events.jsonl"))
        lines = [line for path in paths for line in path.read_bytes().split(b"\n")[:-1]]
        return [json.loads(line)["update"] for line in lines]


class BareServer(Server):
    """The same Jupyter server without us."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = folder / "config" / "jupyter_server_config.json"
        settings = json.loads(config.read_text(encoding="utf-8"))
        settings["ServerApp"]["jpserver_extensions"] = {"agor_jupyter": False}
        config.write_text(json.dumps(settings), encoding="utf-8")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}api", timeout=5) as answer:
            return bool(answer.status == 200)
        return False


def _folder_of(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except psutil.Error:
        return ""


def wait_until(condition: Callable[[], T | None], seconds: float = 30.0) -> T:
    """Wait until `condition` gives something; give that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{condition} did not come true within {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture
def make_stages() -> Iterator[Callable[..., Stages]]:
    """Set stages as `stage.stages` does. Named before `make_server`, it is taken down after it."""
    with contextlib.ExitStack() as stack:
        yield lambda *kinds, **own: stack.enter_context(stages(*kinds, **own))


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(**traits: object) -> Server:
        server = Server(tmp_path / f"server{len(made)}", **traits)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.end()
