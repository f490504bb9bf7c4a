"""The whole path on a server where jupyter-collaboration is not installed, or is switched off."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from pycrdt import Map
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from agor_jupyter.client.api import Record
from agor_jupyter.testing.y_client import SocketWire, YClient
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import ended

PARTS = (
    "jupyter_collaboration",
    "jupyter_collaboration_ui",
    "jupyter_docprovider",
    "jupyter_server_ydoc",
    "jupyter_server_fileid",
    "jupyter_ydoc",
)
# As if uninstalled: nothing of it can be imported, by any process that this Python starts.
ABSENT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {PARTS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Absent())
"""
TOGETHER = {"jupyter_server_ydoc": True, "jupyter_server_fileid": True}
THEIRS = "api/collaboration/room/agor-board-"


def absent(folder: Path) -> Server:
    (folder / "absent").mkdir()
    (folder / "absent/sitecustomize.py").write_text(ABSENT, encoding="utf-8")
    server = Server(folder / "server")
    server.environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(folder / "absent"), os.environ.get("PYTHONPATH", "")])
    )
    return server


def disabled(folder: Path) -> Server:
    return Server(folder / "server", beside=TOGETHER, others={"YDocExtension": {"disable_rtc": True}})


@pytest.fixture(params=[absent, disabled])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    made: Server = request.param(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.end()


async def connect(server: Server, path: str) -> WebSocketClientConnection:
    request = HTTPRequest(
        server.url.replace("http", "ws", 1) + path, headers={"Authorization": f"token {server.token}"}
    )
    return await websocket_connect(request)


async def test_a_board_a_prompt_and_its_transcript(server: Server) -> None:
    board = await asyncio.to_thread(server.post, "/boards", {"name": "B"})
    await asyncio.to_thread(server.worktree, "first")  # adds the repository
    ours, status = f"agor/api/v1/rooms/{board['id']}", f"agor/api/v1/rooms/{board['id']}/status"
    one, two, watcher = YClient("mona"), YClient("mona"), YClient("mona")
    async with (
        one.connected(SocketWire(await connect(server, ours))),
        two.connected(SocketWire(await connect(server, ours))),
        watcher.connected(SocketWire(await connect(server, status))),
    ):
        tree = await asyncio.to_thread(_worktree_on, server, board)
        await one.wait_until(lambda: tree["id"] in one.map("cards"), 30)
        one.map("cards")[tree["id"]] = Map({"pos": [7.0, 8.0]})
        await two.wait_until(lambda: list(_place_of(two, tree)) == [7.0, 8.0], 30)
        session = await asyncio.to_thread(server.session, tree, "stream 3 tokens at 50/s")
        await asyncio.to_thread(wait_until, lambda: ended(server, session["id"]), 60)
        await watcher.wait_until(lambda: _status_of(watcher, session) == "idle", 30)
    done = await asyncio.to_thread(server.api.session, session["id"])
    assert done["last_stop_reason"] == "end_turn"
    shown = await asyncio.to_thread(wait_until, lambda: _said_in(_notebook(server, session["id"])), 30)
    assert "stream 3 tokens" in shown


def _worktree_on(server: Server, board: Record) -> Record:
    repo = server.api.http.request("GET", "/repos")["items"][0]
    return server.post("/worktrees", {"repo_id": repo["id"], "name": "tree", "board_id": board["id"]})


def _place_of(client: YClient, tree: Record) -> list[float]:
    return client.map("cards")[tree["id"]]["pos"]


def _status_of(client: YClient, session: Record) -> str | None:
    row = client.map("sessions").get(session["id"])
    return json.loads(row)["status"] if row is not None else None


def _notebook(server: Server, session_id: str) -> str:
    path = Path(server.api.transcript(session_id)["path"])
    if not path.exists():
        return ""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    return str(notebook)


def _said_in(notebook: str) -> str | None:
    return notebook if "tok2" in notebook else None


async def test_the_absent_one_is_really_absent(tmp_path: Path) -> None:
    """Else the story above would tell nothing; and what is missing is said, not raised."""
    server = absent(tmp_path)
    environment = {**os.environ, **server.environment}
    script = "import jupyter_server_ydoc"
    tried = await asyncio.to_thread(_run, [sys.executable, "-c", script], environment)
    assert "No module named 'jupyter_server_ydoc'" in tried.stderr
    try:
        await asyncio.to_thread(server.start)
        place = HTTPRequest(
            f"{server.url}{THEIRS}board_0000000000000001", headers={"Authorization": f"token {server.token}"}
        )
        client = AsyncHTTPClient(force_instance=True)
        with pytest.raises(HTTPClientError) as refused:
            await client.fetch(place)
        client.close()
        assert refused.value.code == 404
        log = (server.folder / "server.log").read_text(encoding="utf-8")
        # The environment's own configuration still names what is absent; no frame of ours stumbles over it.
        assert "/agor_jupyter/" not in log
    finally:
        await asyncio.to_thread(server.end)


def _run(argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)


GUARD = """
import logging
logging.basicConfig(level=logging.INFO)
from agor_jupyter.server import file_guard
print(file_guard.install())
"""


def test_the_guard_says_that_there_is_nothing_to_guard(tmp_path: Path) -> None:
    server = absent(tmp_path)
    done = _run([sys.executable, "-c", GUARD], {**os.environ, **server.environment})
    assert done.stdout == "False\n", done.stderr
    assert "jupyter-collaboration is not installed" in done.stderr
