"""A small server that speaks the wire, with an agent that follows a script. Runs in its own thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

TOKEN = "agor_secret-token-of-this-kernel"
BASE = "/user/ann/"
SES = "ses_aaaaaaaa1234abcd"

Update = dict[str, Any]


def said(text: str) -> Update:
    return {"type": "agent_message_chunk", "message_id": "m1", "text": text}


def ended(stop: str = "end_turn", **more: Any) -> Update:
    usage = {"input_tokens": 1200, "output_tokens": 90, "cost_usd": 0.01}
    return {"type": "task_ended", "stop_reason": stop, "usage": usage, **more}


ASK: Update = {
    "type": "permission_request",
    "request_id": "req_aaaaaaaa1234abcd",
    "title": "Write parser.py",
    "options": [
        {"option_id": "o1", "name": "Allow once", "kind": "allow_once"},
        {"option_id": "o2", "name": "Reject", "kind": "reject_once"},
    ],
    "questions": [],
    "digest": "d1",
}


@dataclass
class World:
    """What the server holds. `script` is what the agent does with each prompt; "…" waits for ever."""

    script: list[Update | str] = field(default_factory=lambda: [said("Hello "), said("there."), ended()])
    sessions: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    break_after: int = 0
    queued: bool = False
    pace: float = 0.01
    slow_post: float = 0.0
    interrupted: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def append(self, update: Update, task: str | None) -> None:
        seq = len(self.events) + 1
        self.events.append({"seq": seq, "session_id": SES, "task_id": task, "at_ms": seq, "update": update})

    def session(self) -> dict[str, Any]:
        return {
            "id": SES, "worktree_id": "wt_1", "agent": "demo", "title": "Fix the parser", "status": "idle",
            "mode": "ask", "queue_paused": "", "last_seq": len(self.events),
        }  # fmt: skip


class _Handler(tornado.web.RequestHandler):
    world: World

    def initialize(self, world: World) -> None:
        self.world = world

    def prepare(self) -> None:
        self.world.requests.append((self.request.method or "", self.request.path.removeprefix(BASE)))
        self.world.urls.append(self.request.uri or "")
        if self.request.headers.get("Authorization") != f"token {TOKEN}":
            self.set_status(403)
            self.finish({"message": "Forbidden"})

    def problem(self, status: int, detail: str, hint: str = "") -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/problem+json")
        self.finish(json.dumps({"type": "urn:agor:X", "status": status, "detail": detail, "hint": hint}))

    def items(self, items: list[Any]) -> None:
        self.finish({"items": items, "next": None})

    async def get(self, path: str) -> None:
        world = self.world
        lists = {"worktrees": [{"id": "wt_1", "name": "fix-parser"}], "sessions": world.sessions}
        lists["agents"] = [{"kind": "demo", "installed": True, "authenticated": True}]
        lists["permissions"] = world.pending
        if path in lists:
            self.items(lists[path])
        elif path == "me":
            self.finish({"person": {"display_name": "Ann"}, "role": "member"})
        elif path == f"sessions/{SES}":
            self.finish(world.sessions[0])
        elif path == f"sessions/{SES}/events":
            await self.follow()
        elif path.endswith("/transcript"):
            self.finish(
                {
                    "path": "/x/t.agor.ipynb",
                    "lab_path": "agor/t.agor.ipynb",
                    "url": "/lab/tree/agor/t.agor.ipynb",
                }
            )
        elif path.startswith("tasks/") and path[6:] in world.tasks:
            self.finish(world.tasks[path[6:]])
        else:
            self.problem(404, "There is no such thing.")

    async def follow(self) -> None:
        world, task = self.world, self.get_query_argument("task_id", None)
        at = int(self.get_query_argument("after_seq", "0"))
        sent = 0
        while not self.request.connection.stream.closed():  # type: ignore[union-attr]  # HTTP/1
            for event in world.events[at:]:
                at = event["seq"]
                if task in (None, event["task_id"]):
                    self.write(json.dumps(event) + "\n")
                    sent += 1
                    if world.break_after and sent >= world.break_after:
                        await self.flush()
                        self.request.connection.stream.close()  # type: ignore[union-attr]  # HTTP/1
                        return
            self.write(json.dumps({"ping": 1}) + "\n")
            await self.flush()
            await asyncio.sleep(0.02)

    async def post(self, path: str) -> None:
        world = self.world
        body = json.loads(self.request.body or b"{}")
        world.keys.append(self.request.headers.get("Idempotency-Key", ""))
        if path == "sessions":
            world.sessions.insert(0, {**world.session(), **body})
            self.set_status(201)
            self.finish(world.sessions[0])
        elif path == f"sessions/{SES}/tasks":
            await asyncio.sleep(world.slow_post)
            task = f"task_{len(world.tasks) + 1:016d}"
            world.tasks[task] = {"id": task, "session_id": SES, "prompt": body["prompt"], "status": "queued"}
            world.append({"type": "task_queued", "by": "ann", "prompt": body["prompt"]}, task)
            self.set_status(202)
            self.finish(world.tasks[task])
            if not world.queued:
                asyncio.get_running_loop().create_task(self.work(task))
        elif path == f"sessions/{SES}/interrupt":
            world.interrupted.set()
            self.set_status(202)
            self.finish(world.session())
        elif path.startswith("permissions/"):
            world.answers.append({"id": path[12:], **body})
            self.finish({"id": path[12:], "resolved": {"by": "Ann"}})
        else:
            self.problem(409, "The session is closed.", "Open another one.")

    async def patch(self, path: str) -> None:
        self.world.sessions[0] |= json.loads(self.request.body)
        self.finish(self.world.sessions[0])

    def delete(self, path: str) -> None:
        task = path.removeprefix("tasks/")
        if any(e["task_id"] == task and e["update"]["type"] == "task_started" for e in self.world.events):
            self.problem(409, "The task has started.")
            return
        self.world.append({"type": "task_removed", "by": "ann"}, task)
        self.finish({**self.world.tasks[task], "status": "removed"})

    async def work(self, task: str) -> None:
        world = self.world
        world.append({"type": "task_started", "base_sha": "b"}, task)
        for step in world.script:
            await asyncio.sleep(world.pace)
            while step == "…" and not world.interrupted.is_set():
                await asyncio.sleep(0.01)
            if world.interrupted.is_set():
                world.append(said("Stopping. "), task)
                world.append(ended("cancelled"), task)
                return
            if isinstance(step, dict):
                world.append(step, task)


@contextmanager
def serving(world: World) -> Iterator[World]:
    """Serve `world` on a free port of the loopback, from another thread."""
    started = threading.Event()
    stopping: list[Callable[[], None]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        server = HTTPServer(
            tornado.web.Application([(f"{BASE}agor/api/v1/(.*)", _Handler, {"world": world})])
        )
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        world.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}{BASE}"
        started.set()
        await stop.wait()
        server.stop()
        await server.close_all_connections()
        await asyncio.sleep(0.1)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert started.wait(5)
    try:
        yield world
    finally:
        stopping[0]()
        thread.join(5)
