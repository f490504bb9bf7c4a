"""A JupyterLab process with four named people, an empty house and the demo's repository beside it.

For: the browser stories and `scripts/screenshots`. Everything lies in one folder; the process is ours
to end. Requests are made as a person, as a page would make them.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agor_jupyter.cli.lab import REPOSITORY, STOP_SECONDS, Lab, free_port, prepare
from agor_jupyter.testing.people import headers_of

READY_SECONDS = 90.0
PREFIX = "agor/api/v1"
Json = dict[str, Any]


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Give the first true answer of `condition`; fail with `what` when none comes."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not come true in {seconds:.0f} s: {what}")
        time.sleep(0.05)


@dataclass
class Stage:
    """The running server, and what may be asked of it as somebody."""

    lab: Lab

    @property
    def url(self) -> str:
        return self.lab.url

    @property
    def root(self) -> Path:
        return self.lab.folder / "work"

    @property
    def repository(self) -> Path:
        return self.root / REPOSITORY

    def ask(self, person: str, method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
        """Make a request as `person`; give the status and the answer."""
        headers = {
            **headers_of(person),
            "Content-Type": "application/json",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{PREFIX}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read() or b"null")

    def get(self, path: str, person: str = "ada") -> Any:
        status, answer = self.ask(person, "GET", path)
        assert status == 200, answer
        return answer

    def post(self, path: str, body: Json, person: str = "mona") -> Any:
        status, answer = self.ask(person, "POST", path, body)
        assert status in (200, 201, 202), answer
        return answer

    def stop(self) -> None:
        """Take the server away: for what pages say when it is gone."""
        process = self.lab.process
        assert process is not None
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Now and then anyio's threads, which read and write files for Jupyter, outlive its loop: all that
            # pages see of the server is gone by then.
            process.kill()
            process.wait()

    # -- what stories need to be there ---------------------------------------------------------

    def repo(self) -> str:
        """Give the id of the demo's repository; it is added when it is not there yet."""
        for item in self.get("/repos")["items"]:
            if item["path"] == str(self.repository):
                return str(item["id"])
        return str(self.post("/repos", {"path": str(self.repository)})["id"])

    def board(self, name: str) -> str:
        return str(self.post("/boards", {"name": name})["id"])

    def worktree(self, name: str, board: str, pos: tuple[float, float] = (0, 0)) -> str:
        wish = {"repo_id": self.repo(), "name": name, "board_id": board, "pos": pos}
        return str(self.post("/worktrees", wish)["id"])

    def session(self, worktree: str, prompt: str = "", title: str = "A session", mode: str = "ask") -> str:
        wish = {"worktree_id": worktree, "agent": "demo", "title": title, "mode": mode}
        return str(self.post("/sessions", {**wish, **({"prompt": prompt} if prompt else {})})["id"])

    def wait_status(self, session: str, *wanted: str, seconds: float = 40.0) -> Json:
        """Wait until the session is in one of the states; give its record."""

        def reached() -> Json | None:
            record: Json = self.get(f"/sessions/{session}")
            return record if record["status"] in wanted else None

        found: Json = wait_for(f"{session} is {' or '.join(wanted)}", reached, seconds)
        return found


def _configure(folder: Path, planted: bool, agent_options: Json) -> None:
    """Take the demo's own set-up, with four named people and with or without its planted board."""
    prepare(folder, "demo")
    path = folder / "config" / "jupyter_server_config.json"
    traits = json.loads(path.read_text(encoding="utf-8"))
    traits["ServerApp"]["identity_provider_class"] = "agor_jupyter.testing.people.FourPeople"
    traits["ServerApp"]["authorizer_class"] = "agor_jupyter.testing.people.TieredAuthorizer"
    if not planted:
        del traits["AgorApp"]["demo_dir"]
    if agent_options:
        traits["AgorApp"]["agent_options"] = {**traits["AgorApp"].get("agent_options", {}), **agent_options}
    traits["LabApp"] = {"expose_app_in_browser": True}
    # JupyterLab hands the server's own token to every page: there must be none, or all are its owner.
    traits["FourPeople"] = {"token": ""}
    path.write_text(json.dumps(traits, indent=1), encoding="utf-8")


@contextmanager
def stage(
    folder: Path,
    before: Callable[[Path], None] | None = None,
    *,
    planted: bool = False,
    agent_options: Json | None = None,
) -> Iterator[Stage]:
    """Run the server below `folder`; `before` may fill the data folder first."""
    _configure(folder, planted, agent_options or {})
    if before is not None:
        # In a thread: beside a browser a loop runs in this one, and seeding runs one of its own.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(before, folder).result()
    lab = Lab(folder, free_port(), token="")
    with lab.running() as process:
        here = Stage(lab)

        def answers() -> bool:
            if process.poll() is not None:
                raise AssertionError(lab.log.read_text(encoding="utf-8", errors="replace")[-3000:])
            try:
                return here.ask("ada", "GET", "/boards")[0] == 200
            except OSError:
                return False

        wait_for("JupyterLab answers", answers, READY_SECONDS)
        yield here
