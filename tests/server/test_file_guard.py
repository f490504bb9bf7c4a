"""jupyter-collaboration's own file rooms, guarded: tried on the wire with a notebook."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Map
from tornado.httpclient import HTTPClientError

from agor_jupyter.board import frames
from agor_jupyter.board.frames import Announcement, Kind
from agor_jupyter.board.lib0 import uint
from agor_jupyter.server import file_guard
from agor_jupyter.testing.live_server import LiveServer, live_server
from agor_jupyter.testing.people import PEOPLE
from agor_jupyter.testing.y_client import SocketWire, YClient

COLLABORATION = {"jupyter_server_ydoc": True, "jupyter_server_fileid": True}


class NotebookRoom:
    """A notebook's room on a server, and the people in it."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.room_id = ""
        self.session = ""
        self.file = server.root / "x.ipynb"

    async def open(self) -> None:
        self.file.write_text(nbformat.writes(nbformat.v4.new_notebook()))
        body = json.dumps({"format": "json", "type": "notebook"})
        answer = await self.server.fetch(
            "api/collaboration/session/x.ipynb", person="oscar", method="PUT", body=body
        )
        said = json.loads(answer.body)
        self.session = said["sessionId"]
        self.room_id = f"json:notebook:{said['fileId']}"

    @asynccontextmanager
    async def join(self, person: str, client: YClient | None = None) -> AsyncIterator[YClient]:
        client = client or YClient(person)
        socket = await self.server.connect(
            f"api/collaboration/room/{self.room_id}", person=person, sessionId=self.session
        )
        async with client.connected(SocketWire(socket)):
            await client.wait_until(client.synced.is_set)
            yield client

    def live_sources(self) -> list[str]:
        ydoc = self.server.app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server.rooms[self.room_id]
        sources = (str(cell["source"]) for cell in ydoc.ydoc.get("cells", type=Array))
        return [source for source in sources if source]

    async def wait_source(self, source: str) -> None:
        async with asyncio.timeout(10):
            while source not in self.live_sources():
                await asyncio.sleep(0.02)

    async def wait_saved(self, source: str) -> None:
        async with asyncio.timeout(10):
            while source not in self.file.read_text():
                await asyncio.sleep(0.05)


@pytest.fixture
async def notebook(tmp_path: Path) -> AsyncIterator[NotebookRoom]:
    assert file_guard.install()
    config = {"YDocExtension": {"document_save_delay": 0.1}}
    async with live_server(tmp_path, extensions=COLLABORATION, config=config) as server:
        made = NotebookRoom(server)
        await made.open()
        yield made


def add_cell(client: YClient, source: str) -> None:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    YNotebook(client.doc).append_cell(cell)


def say(client: YClient, client_id: int, clock: int, state: Any) -> None:
    client.send_raw(frames.awareness_frame([Announcement(client_id, clock, json.dumps(state))]))


async def test_a_viewer_cannot_write_a_notebook(notebook: NotebookRoom) -> None:
    async with notebook.join("vera") as vera, notebook.join("mona") as mona:
        add_cell(vera, "forged = 1")
        add_cell(mona, "honest = 1")
        await notebook.wait_source("honest = 1")
        await vera.wait_until(lambda: "honest = 1" in str(vera.doc.get("cells", type=Array)))
        await notebook.wait_saved("honest = 1")
        assert notebook.live_sources() == ["honest = 1"]
        assert "forged" not in notebook.file.read_text()
        assert "forged" not in str(mona.doc.get("cells", type=Array))
    # The answer to the server's question at the next connection is an edit too.
    async with notebook.join("vera", vera):
        await asyncio.sleep(0.2)
        assert notebook.live_sources() == ["honest = 1"]


async def test_a_viewer_cannot_ask_to_save(notebook: NotebookRoom) -> None:
    async with notebook.join("mona") as mona, notebook.join("vera") as vera:
        before = notebook.file.stat().st_mtime_ns
        vera.send_raw(b"\x02\x04save\x01")
        vera.send_raw(b"\x82\x00\x04save\x01")  # the same to a decoder that is less strict
        await asyncio.sleep(0.3)
        assert notebook.file.stat().st_mtime_ns == before
        assert not mona.closed.is_set()


async def test_a_demoted_member_stops_writing(
    notebook: NotebookRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_guard, "RECHECK_SECONDS", 0.1)
    async with notebook.join("mona") as mona:
        add_cell(mona, "a = 1")
        await notebook.wait_source("a = 1")
        notebook.server.app.authorizer.set_tier("mona", "viewer")
        await asyncio.sleep(0.15)
        add_cell(mona, "b = 2")
        async with notebook.join("oscar") as oscar:
            add_cell(oscar, "c = 3")
            await notebook.wait_source("c = 3")
        assert "b = 2" not in notebook.live_sources()
        assert not mona.closed.is_set()
        notebook.server.app.authorizer.set_tier("mona", None)
        await mona.wait_until(mona.closed.is_set)


async def test_presence_under_another_name_is_refused(notebook: NotebookRoom) -> None:
    async with notebook.join("vera") as vera, notebook.join("mona") as mona:
        mona.announce()
        await vera.wait_until(lambda: mona.client_id in vera.states)
        say(vera, vera.client_id, 1, {"user": {"username": "oscar"}})
        say(vera, mona.client_id, 50, {"user": {"username": "vera"}})
        say(vera, mona.client_id, 51, None)
        say(vera, 4711, 1, {})  # y-protocols begins with an empty state: it claims nothing
        say(vera, vera.client_id, 2, {"user": {"username": "vera"}})
        await mona.wait_until(lambda: vera.client_id in mona.states)
        assert mona.states[vera.client_id]["user"]["username"] == "vera"
        assert mona.states.get(mona.client_id) is None
        assert mona.clocks.get(mona.client_id) == 1
        say(vera, vera.client_id, 3, None)
        await mona.wait_until(lambda: vera.client_id not in mona.states)


async def test_what_others_read_of_somebody_is_the_servers(notebook: NotebookRoom) -> None:
    """A viewer who calls herself an admin, and a colour that a style sheet would fetch."""
    async with notebook.join("vera") as vera, notebook.join("mona") as mona:
        user = {"username": "vera", "name": "Ada", "display_name": "Ada Admin", "color": "url(http://evil/x)"}
        say(vera, vera.client_id, 1, {"user": user, "cursor": 1})
        await mona.wait_until(lambda: vera.client_id in mona.states)
        seen = mona.states[vera.client_id]
        assert seen["user"]["display_name"] == PEOPLE["vera"].display_name
        assert seen["user"]["name"] == PEOPLE["vera"].name
        assert "color" not in seen["user"]
        assert seen["cursor"] == 1
        say(vera, vera.client_id, 2, {"user": {"username": "vera", "color": "#1a2b3c"}})
        await mona.wait_until(lambda: mona.states[vera.client_id]["user"].get("color") == "#1a2b3c")
        forged = '{"\\u0075ser": {"username": "ada"}}'
        vera.send_raw(frames.awareness_frame([Announcement(4712, 1, forged)]))
        say(vera, vera.client_id, 3, {"user": {"username": "vera"}, "last": True})
        await mona.wait_until(lambda: "last" in mona.states[vera.client_id])
        assert 4712 not in mona.states


async def test_a_large_question_is_not_read(notebook: NotebookRoom) -> None:
    """Reading a state vector of many megabytes would hold the loop for everybody."""
    pairs = 40_000
    huge = frames.step1(uint(pairs) + b"".join(uint(1 + n) + uint(1) for n in range(pairs)))
    async with notebook.join("vera") as vera, notebook.join("mona") as mona:
        for _ in range(file_guard.MAX_OFFENCES + 1):
            vera.send_raw(huge)
        await vera.wait_until(vera.closed.is_set)
        add_cell(mona, "b = 1")
        await notebook.wait_source("b = 1")


async def test_malformed_frames_hurt_nobody(notebook: NotebookRoom) -> None:
    bad: list[Any] = [
        b"",
        "text",
        b"\x00",
        b"\x00\x02\x05\x01",
        b"\xff\xff",
        b"\x01\x03\x01\x01\x01",
        b"\x00\x02\x03\x01\x02\x03",
    ]
    async with notebook.join("mona") as mona, notebook.join("oscar") as oscar:
        before = oscar.received[Kind.AWARENESS]
        for frame in bad:
            mona.send_raw(frame)
        add_cell(mona, "still = 'here'")
        await notebook.wait_source("still = 'here'")
        assert oscar.received[Kind.AWARENESS] == before
        for frame in bad * 3:
            mona.send_raw(frame)
        await mona.wait_until(mona.closed.is_set)
        add_cell(oscar, "z = 1")
        await notebook.wait_source("z = 1")


async def test_foreign_pages_are_refused(notebook: NotebookRoom) -> None:
    page = await notebook.server.fetch("api/me", person="mona")
    cookie = page.headers["Set-Cookie"].split(";")[0]
    with pytest.raises(HTTPClientError) as refused:
        await notebook.server.connect(
            f"api/collaboration/room/{notebook.room_id}",
            person=None,
            headers={"Cookie": cookie, "Origin": "http://evil.example"},
            sessionId=notebook.session,
        )
    assert refused.value.code == 403


async def test_nobody_learns_of_rooms_before_they_are_let_in(notebook: NotebookRoom) -> None:
    table = notebook.server.app.web_app.settings["jupyter_server_ydoc"].ywebsocket_server
    before = set(table.rooms)
    for room in (notebook.room_id, "json:notebook:no-such-file", "agor-board-no-such-board", "whatever"):
        with pytest.raises(HTTPClientError) as refused:
            await notebook.server.connect(f"api/collaboration/room/{room}", person=None)
        assert refused.value.code == 403
    with pytest.raises(HTTPClientError) as unknown:
        await notebook.server.connect("api/collaboration/room/json:notebook:no-such-file", person="mona")
    assert unknown.value.code == 404
    assert set(table.rooms) == before


async def test_a_viewer_makes_no_rooms(notebook: NotebookRoom) -> None:
    """P6: any reader could fill the table with rooms that stay for ever."""
    with pytest.raises(HTTPClientError) as refused:
        await notebook.server.connect("api/collaboration/room/whatever", person="vera")
    assert refused.value.code == 403
    socket = await notebook.server.connect("api/collaboration/room/whatever", person="mona")
    socket.close()
    socket = await notebook.server.connect("api/collaboration/room/JupyterLab:globalAwareness", person="vera")
    socket.close()


async def test_global_presence_is_believed_only_about_oneself(notebook: NotebookRoom) -> None:
    address = "api/collaboration/room/JupyterLab:globalAwareness"
    vera, mona = YClient("vera"), YClient("mona")
    socket_v = await notebook.server.connect(address, person="vera")
    socket_m = await notebook.server.connect(address, person="mona")
    async with vera.connected(SocketWire(socket_v)), mona.connected(SocketWire(socket_m)):
        say(vera, 1, 1, {"user": {"username": "ada", "name": "Ada"}})
        say(vera, vera.client_id, 1, {"user": {"username": "vera", "name": "Vera"}})
        await mona.wait_until(lambda: vera.client_id in mona.states)
        assert 1 not in mona.states


def test_a_changed_jupyter_collaboration_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from jupyter_server_ydoc import handlers

    class Changed:
        def prepare(self) -> None: ...

    monkeypatch.setattr(handlers, "YDocWebSocketHandler", Changed)
    with caplog.at_level(logging.ERROR):
        assert not file_guard.install()
    assert "NOT guarded" in caplog.text and "on_message" in caplog.text


def test_installing_twice_wraps_once() -> None:
    from jupyter_server_ydoc.handlers import YDocWebSocketHandler

    assert file_guard.install()
    wrapped = YDocWebSocketHandler.on_message
    assert file_guard.install()
    assert YDocWebSocketHandler.on_message is wrapped


def test_documents_of_files_may_hold_what_boards_may_not() -> None:
    doc: Doc[Any] = Doc()
    doc.get("state", type=Map)["nested"] = Map({"a": Array([1, 2])})
    file_guard._check_update(doc.get_update())
