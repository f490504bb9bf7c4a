"""What `streaming` measures with: a JupyterLab process of its own, event readers, a board's watcher."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from pycrdt import Doc
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from agor_jupyter.board import frames
from agor_jupyter.board.frames import Kind
from agor_jupyter.cli.lab import REPOSITORY, Lab, free_port, prepare

READY_SECONDS = 90.0
TOKEN = re.compile(r"tok\d")
"""What the demo agent says; the engine may join several into one event."""
Json = dict[str, Any]


async def wait_until(what: str, condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not come true within {seconds:.0f} s: {what}")
        await asyncio.sleep(0.02)


class House:
    """The running server, and what may be asked of it."""

    def __init__(self, lab: Lab, process: psutil.Process) -> None:
        self.lab = lab
        self.process = process

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.lab.token}"}

    def cpu_seconds(self) -> float:
        """Say what the server itself has used; its runners and agents are processes of their own."""
        spent = self.process.cpu_times()
        return float(spent.user + spent.system)

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        headers = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        request = HTTPRequest(
            f"{self.lab.url}agor/api/v1{path}",
            method=method,
            headers=headers,
            body=None if body is None else json.dumps(body),
            request_timeout=60,
        )
        answer = await AsyncHTTPClient().fetch(request)
        found: Json = json.loads(answer.body or b"{}")
        return found

    async def connect(self, path: str) -> WebSocketClientConnection:
        address = f"{self.lab.url}agor/api/v1/{path}".replace("http:", "ws:", 1)
        return await websocket_connect(HTTPRequest(address, headers=self.headers, connect_timeout=20))

    async def board(self) -> str:
        return str((await self.ask("POST", "/boards", {"name": "Bench"}))["id"])

    async def sessions(self, board: str, count: int) -> list[str]:
        """Make sessions, a worktree each, with their agents up and idle."""
        repo = await self.ask("POST", "/repos", {"path": str(self.lab.folder / "work" / REPOSITORY)})
        made = []
        for number in range(count):
            place = [(number % 4) * 360, (number // 4) * 260]
            wish = {"repo_id": repo["id"], "name": f"bench-{number}-{board[-4:].lower()}", "board_id": board}
            tree = await self.ask("POST", "/worktrees", {**wish, "pos": place})
            prompt = {"worktree_id": tree["id"], "agent": "demo", "prompt": "stream 1 tokens at 30/s"}
            made.append(str((await self.ask("POST", "/sessions", prompt))["id"]))
        for session in made:
            await self.idle(session)
        return made

    async def idle(self, session: str) -> None:
        deadline = time.monotonic() + 60
        while (await self.ask("GET", f"/sessions/{session}"))["status"] != "idle":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{session} did not become idle")
            await asyncio.sleep(0.1)

    async def prompt(self, session: str, text: str) -> Json:
        return await self.ask("POST", f"/sessions/{session}/tasks", {"prompt": text})


@asynccontextmanager
async def running(folder: Path, more: Json | None = None) -> AsyncIterator[House]:
    """Run JupyterLab with the extension below `folder`; all that it started ends with it.

    `more`: further traits of the extension.
    """
    prepare(folder, "demo")
    path = folder / "config" / "jupyter_server_config.json"
    traits = json.loads(path.read_text(encoding="utf-8"))
    del traits["AgorApp"]["demo_dir"]  # an empty house
    # What is measured is work, not trust: some agents start in a trusted repository only.
    traits["AgorApp"] |= {"trusted_repositories": [str(folder.resolve())], **(more or {})}
    traits["LabApp"] = {"expose_app_in_browser": True}
    path.write_text(json.dumps(traits), encoding="utf-8")
    lab = Lab(folder, free_port())
    with lab.running() as process:
        house = House(lab, psutil.Process(process.pid))
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                await house.ask("GET", "/me")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(lab.log.read_text()[-2000:]) from None
                await asyncio.sleep(0.1)
        yield house


@asynccontextmanager
async def floor() -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run the bare server; give its socket's address and its process."""
    command = [sys.executable, "-m", "benchmarks.stream_floor"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), 30))
        yield f"ws://127.0.0.1:{port}/events", psutil.Process(process.pid)
    finally:
        process.kill()
        await process.wait()


class Reader:
    """A client of the events socket. It only looks for words in the frames: it must stay cheap."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.tokens = 0
        self.on_frame: Callable[[str], None] = lambda frame: None
        self._hearing = asyncio.create_task(self._hear())

    def follow(self, sessions: list[str], after_seq: int) -> None:
        for session in sessions:
            self.say({"subscribe": {"session": session, "after_seq": after_seq}})

    def say(self, frame: Json) -> None:
        self.socket.write_message(json.dumps(frame))

    async def _hear(self) -> None:
        while (frame := await self.socket.read_message()) is not None:
            assert isinstance(frame, str)
            self.tokens += len(TOKEN.findall(frame))
            self.on_frame(frame)

    async def close(self) -> None:
        self.socket.close()
        await self._hearing


class Pinger:
    """Asks for a pong fifty times a second; the round trips tell how late the server's loop is."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.times: list[float] = []
        self._pinging = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        number = 0
        while True:
            number += 1
            began = time.perf_counter()
            self.socket.write_message(json.dumps({"ping": number}))
            if await self.socket.read_message() is None:
                return
            self.times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.02)

    def take(self) -> list[float]:
        """Give the round trips in milliseconds since this was asked last."""
        found, self.times = self.times, []
        return found

    async def close(self) -> None:
        self._pinging.cancel()
        await asyncio.gather(self._pinging, return_exceptions=True)
        self.socket.close()


class BoardWatcher:
    """Follows one room of a board as a browser does, and weighs its document."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.doc: Doc[Any] = Doc()
        self.updates = 0
        self._hearing = asyncio.create_task(self._hear())
        socket.write_message(frames.step1(self.doc.get_state()), binary=True)

    async def _hear(self) -> None:
        while (message := await self.socket.read_message()) is not None:
            assert isinstance(message, bytes)
            frame = frames.read_frame(message)
            if frame.kind is Kind.STEP1:
                self.socket.write_message(frames.step2(frames.EMPTY_UPDATE), binary=True)
            elif frame.kind in (Kind.STEP2, Kind.UPDATE):
                self.updates += frame.kind is Kind.UPDATE
                self.doc.apply_update(frame.payload)

    @property
    def weight(self) -> int:
        return len(self.doc.get_update())

    async def close(self) -> None:
        self.socket.close()
        await self._hearing
