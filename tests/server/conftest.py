"""A live server with an in-memory house behind our routes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from tornado.httpclient import HTTPResponse
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.server.routes import open_server, routes, unknown
from agor_jupyter.testing.house import TestHouse, open_house
from agor_jupyter.testing.live_server import LiveServer, live_server
from tests.making import make_repo, wait_until

API = "agor/api/v1"


@dataclass
class Stand:
    """The server, the house behind it, and short ways to speak with both."""

    server: LiveServer
    made: TestHouse
    clients: list[WebSocketClientConnection] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        person: str | None = "oscar",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> HTTPResponse:
        raw = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        return await self.server.fetch(
            API + path, person=person, method=method, body=raw, headers=headers, timeout_seconds=60, **query
        )

    async def get(self, path: str, *, person: str | None = "oscar", **query: str) -> Any:
        answer = await self.ask("GET", path, person=person, **query)
        assert answer.code == 200, answer.body
        return json.loads(answer.body)

    async def send(
        self, method: str, path: str, body: Any, *, status: int, person: str | None = "oscar"
    ) -> Any:
        answer = await self.ask(method, path, body, person=person)
        assert answer.code == status, (answer.code, answer.body)
        return json.loads(answer.body) if answer.body else None

    async def connect(
        self, *, person: str | None = "oscar", headers: dict[str, str] | None = None
    ) -> WebSocketClientConnection:
        client = await self.server.connect(f"{API}/events", person=person, headers=headers)
        self.clients.append(client)
        return client

    async def hang_up(self) -> None:
        """Close every socket that was opened, and see it closed."""
        protocols = [client.protocol for client in self.clients if client.protocol is not None]
        for client in self.clients:
            client.close()
        await wait_until(lambda: all(protocol.stream.closed() for protocol in protocols), 10)

    async def repo(self, name: str = "proj") -> Any:
        path = make_repo(self.server.root, name)
        return await self.send("POST", "/repos", {"path": str(path)}, status=201)

    async def worktree(self, name: str = "one", **more: Any) -> Any:
        repos = (await self.get("/repos"))["items"]
        repo = repos[0] if repos else await self.repo()
        return await self.send(
            "POST", "/worktrees", {"repo_id": repo["id"], "name": name, **more}, status=201
        )

    async def session(self, **more: Any) -> Any:
        trees = (await self.get("/worktrees"))["items"]
        tree = trees[0] if trees else await self.worktree()
        body = {"worktree_id": tree["id"], "agent": "demo", **more}
        return await self.send("POST", "/sessions", body, status=201)


def problem(answer: HTTPResponse, status: int) -> Any:
    """Check that an answer is a problem of this status; give it."""
    assert answer.code == status, (answer.code, answer.body)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    said = json.loads(answer.body)
    assert said["status"] == status and said["title"] and said["detail"] and "hint" in said
    return said


def new_key() -> str:
    return str(uuid.uuid4())


async def hear_until(client: Any, wanted: str) -> list[dict[str, Any]]:
    """Give all events that a socket tells, up to the first one of this type."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["update"]["type"] != wanted:
        message = await asyncio.wait_for(client.read_message(), 60)
        assert message is not None, client.close_code
        events += json.loads(message).get("events", [])
    return events


async def stand_on(server: LiveServer, folder: Path, **how: Any) -> AsyncIterator[Stand]:
    made = open_house(folder, **how)
    hub = open_server(server.app.web_app.settings, made.house)
    base = server.app.base_url
    server.app.web_app.add_handlers(".*$", [*routes(base), *unknown(base)])
    stand = Stand(server, made)
    yield stand
    await stand.hang_up()
    await hub.close()
    await made.close()


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with live_server(tmp_path) as server:
        async for it in stand_on(server, tmp_path):
            yield it


@pytest.fixture
async def local_stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """A server without named users: Jupyter's own token."""
    async with live_server(tmp_path, named_users=False) as server:
        async for it in stand_on(server, tmp_path):
            yield it


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Stand]:
    """The whole extension: it has a house of its own, and none in memory."""
    options = {"AgorApp": {"on_server_stop": "stop"}}
    async with live_server(tmp_path, extensions={"agor_jupyter": True}, config=options) as server:
        stand = Stand(server, cast(TestHouse, None))
        yield stand
        await stand.hang_up()
