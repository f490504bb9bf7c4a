"""`%agor` in kernels that the real extension gave its token to: a member's works, a viewer's only reads."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.errors import ClientError
from agor_jupyter.client.http import Http, parse_url
from agor_jupyter.testing.hanging_up import hang_up
from agor_jupyter.testing.people import headers_of
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, tokens

Make = Callable[..., Server]
CELL_SECONDS = 60.0
RED = "\x1b[31magor: "


@dataclass
class Ran:
    """What a cell showed: the reply's status, what it printed, its displays as they stand, its error."""

    status: str = ""
    text: str = ""
    shown: dict[str, str] = field(default_factory=dict)
    updates: int = 0
    error: list[str] = field(default_factory=list)

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            self.text += content["text"]
        elif kind in ("display_data", "update_display_data"):
            self.shown[content["transient"].get("display_id", "")] = content["data"]["text/markdown"]
            self.updates += kind == "update_display_data"
        elif kind == "error":
            self.error = content["traceback"]
        elif kind == "execute_reply":
            self.status = content["status"]


class Kernel:
    """A kernel as a notebook page has it: started by REST, driven over its websocket."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    async def run(self, code: str) -> Ran:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": "page",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"channel": "shell", "header": header, "content": content}
        await self._socket.write_message(json.dumps({**message, "parent_header": {}, "metadata": {}}))
        ran, idle = Ran(), False
        async with asyncio.timeout(CELL_SECONDS):
            while not (idle and ran.status):
                heard = json.loads(await self._socket.read_message() or "null")
                assert heard is not None, "the kernel's websocket was closed"
                if heard["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                ran.take(heard["msg_type"], heard["content"])
                idle = idle or heard["content"].get("execution_state") == "idle"
        return ran


@asynccontextmanager
async def kernel_of(server: Server, person: str) -> AsyncIterator[Kernel]:
    """Start a kernel as `person`, and delete it at the end."""
    http, headers = AsyncHTTPClient(), headers_of(person)
    # What the panel does first: from then on the person has a name.
    await http.fetch(f"{server.url}agor/api/v1/me", headers=headers, request_timeout=60)
    url = f"{server.url}api/kernels"
    made = await http.fetch(url, method="POST", body="{}", headers=headers, request_timeout=60)
    url += "/" + json.loads(made.body)["id"]
    address = url.replace("http", "ws", 1) + "/channels"
    socket = await websocket_connect(HTTPRequest(address, headers=headers, connect_timeout=60))
    try:
        kernel = Kernel(socket)
        loaded = await kernel.run("%load_ext agor_jupyter")
        assert loaded.status == "ok", loaded.error
        yield kernel
    finally:
        await hang_up(socket)
        await http.fetch(url, method="DELETE", headers=headers, request_timeout=60)


async def token_in(kernel: Kernel) -> str:
    return (await kernel.run("import os; print(os.environ['AGOR_JUPYTER_TOKEN'])")).text.strip()


def check_scoped(server: Server, token: str, *, ended: bool) -> None:
    """The kernel's token opens Agor's routes while the kernel lives, and nothing else ever."""
    assert re.fullmatch(r"agor_\S+", token)
    api = Api(Http(parse_url(server.url)[0], token))
    if ended:
        with pytest.raises(ClientError) as refused:
            api.me()
        assert refused.value.status == 403
    else:
        assert api.me()["person"]


def everything(server: Server) -> list[Any]:
    sessions: list[Record] = server.api.sessions()
    return [sessions, server.api.worktrees(), *(all_events(server, item["id"]) for item in sessions)]


def test_a_members_kernel_prompts_and_streams_to_the_end(make_server: Make) -> None:
    server = make_server(named_users=True)
    server.worktree("tree")

    async def story() -> str:
        async with kernel_of(server, "mona") as kernel:
            token = await token_in(kernel)
            await asyncio.to_thread(check_scoped, server, token, ended=False)
            contents = HTTPRequest(f"{server.url}api/contents", headers={"Authorization": f"token {token}"})
            assert (await AsyncHTTPClient().fetch(contents, raise_error=False)).code == 403
            status = await kernel.run("%agor status")
            assert (status.status, status.error) == ("ok", [])
            assert "Mona Member" in status.text
            ran = await kernel.run("%%agor -w tree --agent demo\nstream 60 tokens at 30/s")
            assert (ran.status, ran.error) == ("ok", [])
            (shown,) = ran.shown.values()
            assert re.findall(r"tok\d+", shown) == tokens(60)
            assert ran.updates > 2, "it streamed, into one display"
            assert token not in status.text + ran.text + shown
            return token

    token = asyncio.run(story())
    (session,) = server.api.sessions()
    assert (session["owner"], session["agent"], session["last_stop_reason"]) == ("mona", "demo", "end_turn")
    queued = next(e["update"] for e in all_events(server, session["id"]) if e["task_id"])
    assert (queued["type"], queued["by"]) == ("task_queued", "mona")
    check_scoped(server, token, ended=True)


def test_a_viewers_kernel_is_told_no_in_one_line_and_changes_nothing(make_server: Make) -> None:
    server = make_server(named_users=True)
    session = server.session(server.worktree("tree"), '```demo\n[{"run": ["true"]}]\n```\n')
    wait_until(lambda: server.api.session(session["id"])["status"] == "awaiting_permission")
    (request,) = server.api.permissions()
    cells = [
        "%%agor -w tree --agent demo\nhello",
        f"%%agor {session['id']}\nhello",
        f"%%agor {session['id']} --mode full_auto\nhello",
        f"%agor answer {request['id']} allow",
    ]
    before = everything(server)

    async def story() -> None:
        async with kernel_of(server, "vera") as kernel:
            token = await token_in(kernel)
            await asyncio.to_thread(check_scoped, server, token, ended=False)
            status = await kernel.run("%agor status")
            assert (status.status, status.error) == ("ok", [])
            assert "Vera Viewer" in status.text
            assert session["title"] in (await kernel.run("%agor sessions")).text
            for cell in cells:
                ran = await kernel.run(cell)
                assert ran.status == "error", cell
                (line,) = ran.error
                assert line.startswith(RED) and "\n" not in line
                assert token not in line
                assert ran.shown == {}

    asyncio.run(story())
    assert everything(server) == before
