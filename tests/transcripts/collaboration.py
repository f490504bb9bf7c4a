"""A real Jupyter server with jupyter-collaboration in this process, and a browser that types."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_ydoc import YNotebook
from pycrdt import Channel, Doc, Provider
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketClientConnection, websocket_connect
from traitlets.config import Config

from agor_jupyter.testing.hanging_up import hang_up


@asynccontextmanager
async def jupyter(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch, *, cleanup_delay: float = 0.3
) -> AsyncIterator[tuple[ServerApp, str]]:
    """Run a server over `root` on a free port; gives it and its URL."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(home / name.lower()))
        (home / name.lower()).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(home)
    config = Config(
        {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_server_ydoc": True, "jupyter_server_fileid": True},
                "token": "",
                "password": "",
                "disable_check_xsrf": True,
                "root_dir": str(root),
                "allow_unauthenticated_access": True,
                "open_browser": False,
                "allow_root": True,
                "log_level": 40,
            },
            "SQLiteYStore": {"db_path": str(home / "ystore.db")},
            "BaseFileIdManager": {"root_dir": str(root), "db_path": str(home / "fid.db")},
            "YDocExtension": {
                "document_cleanup_delay": cleanup_delay,
                "document_save_delay": 0.5,
                "file_poll_interval": 0.2,
                "session_store_path": str(home / "sessions.json"),
            },
        }
    )
    app = ServerApp(config=config)
    app.init_signal = lambda: None  # type: ignore[method-assign]  # signals are pytest's
    app.initialize(argv=[], new_httpserver=False, find_extensions=False)
    server = HTTPServer(app.web_app)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield app, f"http://127.0.0.1:{sockets[0].getsockname()[1]}{app.base_url}"
    finally:
        server.stop()
        await server.close_all_connections()
        await app.cleanup_extensions()
        await app.cleanup_kernels()
        files = app.web_app.settings["file_id_manager"]
        files.con.close()
        app.clear_instance()
        await asyncio.sleep(0.05)
        # pycrdt's rooms leave memory streams unclosed when they end; that is not for the next test.
        gc.collect()


class _Socket(Channel):
    """A websocket of tornado as pycrdt's `Channel`."""

    def __init__(self, socket: WebSocketClientConnection, path: str) -> None:
        self._socket, self._path = socket, path

    @property
    def path(self) -> str:
        return self._path

    async def send(self, message: bytes) -> None:
        await self._socket.write_message(message, binary=True)

    async def recv(self) -> bytes:
        while True:
            message = await self._socket.read_message()
            if message is None:
                raise StopAsyncIteration
            if isinstance(message, bytes) and message[:1] in (b"\x00", b"\x01"):
                return message

    async def __anext__(self) -> bytes:
        return await self.recv()


@asynccontextmanager
async def browser(url: str, path: str) -> AsyncIterator[YNotebook]:
    """Open a notebook as JupyterLab does: a session, then the room's websocket."""
    body = json.dumps({"format": "json", "type": "notebook"})
    request = HTTPRequest(f"{url}api/collaboration/session/{path}", method="PUT", body=body)
    answer: dict[str, Any] = json.loads((await AsyncHTTPClient().fetch(request)).body)
    room = f"json:notebook:{answer['fileId']}"
    address = f"{url}api/collaboration/room/{room}?sessionId={answer['sessionId']}"
    socket = await websocket_connect(address.replace("http", "ws", 1))
    document: Doc[Any] = Doc()
    notebook = YNotebook(document)
    try:
        async with Provider(document, _Socket(socket, room)):
            async with asyncio.timeout(10):
                while not len(notebook.ycells):
                    await asyncio.sleep(0.02)
            yield notebook
    finally:
        await hang_up(socket)
    # The server learns of the closing a moment later; whoever leaves waits for that.
    await asyncio.sleep(0.1)
