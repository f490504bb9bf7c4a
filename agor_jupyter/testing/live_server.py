"""A real Jupyter server inside the running event loop, for tests that speak over the wire.

pytest-jupyter's own fixtures bring an event loop that pytest-asyncio does not know; this harness
needs neither. The server binds 127.0.0.1 on a free port, keeps all its files below one folder and
loads only the extensions that it is told to. Not for production.
"""

from __future__ import annotations

import asyncio
import os
import urllib.parse
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketClientConnection, websocket_connect
from traitlets.config import Config

from agor_jupyter.testing.people import headers_of

HANG_UP_SECONDS = 0.05

STRANGERS_HEADERS: Mapping[str, str] = {}
"""The headers of nobody."""


class _Door(HTTPServer):
    """Remembers whom it let in: websockets are no connections of an `HTTPServer` any more."""

    streams: WeakSet[IOStream]

    def initialize(self, *arguments: Any, **options: Any) -> None:
        super().initialize(*arguments, **options)
        self.streams = WeakSet()

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        self.streams.add(stream)
        super().handle_stream(stream, address)

    async def hang_up(self) -> None:
        """Close what is open still; clients of this loop notice it before the loop is gone."""
        for stream in list(self.streams):
            stream.close()
        await asyncio.sleep(HANG_UP_SECONDS)


@dataclass(frozen=True)
class LiveServer:
    """A server that answers. `root` is its `root_dir`."""

    app: ServerApp
    port: int
    base_url: str
    root: Path

    def url(self, path: str, *, scheme: str = "http", **query: str) -> str:
        """Make an address of this server; `path` is relative to its base URL."""
        question = f"?{urllib.parse.urlencode(query)}" if query else ""
        return f"{scheme}://127.0.0.1:{self.port}{self.base_url}{path.lstrip('/')}{question}"

    async def fetch(
        self,
        path: str,
        *,
        person: str | None = "ada",
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 20,
        **query: str,
    ) -> HTTPResponse:
        """Request `path` as `person` (None: a stranger). Never raises for a status."""
        request = HTTPRequest(
            self.url(path, **query),
            method=method,
            body=body,
            headers={**_headers(person), **(headers or {})},
            request_timeout=timeout_seconds,
            allow_nonstandard_methods=True,
        )
        return await AsyncHTTPClient().fetch(request, raise_error=False)

    async def connect(
        self,
        path: str,
        *,
        person: str | None = "ada",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 20,
        **query: str,
    ) -> WebSocketClientConnection:
        """Open a websocket as `person`. Raises tornado's `HTTPClientError` when refused."""
        request = HTTPRequest(
            self.url(path, scheme="ws", **query),
            headers={**_headers(person), **(headers or {})},
            connect_timeout=timeout_seconds,
            request_timeout=timeout_seconds,
        )
        return await websocket_connect(request)


@asynccontextmanager
async def live_server(
    folder: Path,
    *,
    extensions: Mapping[str, bool] | None = None,
    config: Mapping[str, Any] | None = None,
    named_users: bool = True,
    base_url: str = "/a%40b/",
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[LiveServer]:
    """Run a server below `folder` until the block ends; its extensions are started and stopped.

    `named_users` puts the four people of `testing.people` to its door. `settings` are put into
    tornado's settings before the extensions load. One at a time in a process: jupyter_server keeps
    its application as a singleton.
    """
    sockets = bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    with _isolated(folder):
        ServerApp.clear_instance()
        app = ServerApp.instance(
            config=_configuration(folder, extensions or {}, config or {}, named_users),
            port=port,
            port_retries=0,
            ip="127.0.0.1",
            base_url=base_url,
            root_dir=str(root),
            open_browser=False,
            allow_root=True,
            tornado_settings=dict(settings or {}),
        )
        app.init_signal = lambda: None  # type: ignore[method-assign]  # signals stay the test runner's
        app.initialize(argv=[], new_httpserver=False)
        http_server = _Door(app.web_app, max_body_size=app.max_body_size)
        http_server.add_sockets(sockets)
        app.start_app()
        try:
            # What `start_ioloop` schedules first: the extensions' own start.
            await app._post_start()  # type: ignore[no-untyped-call]  # jupyter_server leaves it untyped
            yield LiveServer(app=app, port=port, base_url=app.base_url, root=root)
        finally:
            http_server.stop()
            await app._cleanup()
            await http_server.close_all_connections()
            await http_server.hang_up()
            app.kernel_manager.context.destroy()
            ServerApp.clear_instance()


def _headers(person: str | None) -> Mapping[str, str]:
    return STRANGERS_HEADERS if person is None else headers_of(person)


def _configuration(
    folder: Path, extensions: Mapping[str, bool], more: Mapping[str, Any], named_users: bool
) -> Config:
    config = Config(
        {
            "ServerApp": {"jpserver_extensions": dict(extensions), "log_level": 30},
            "NotebookNotary": {"db_file": ":memory:"},
            "SQLiteYStore": {"db_path": str(folder / "rtc.db")},
            "BaseFileIdManager": {
                "root_dir": str(folder / "root"),
                "db_path": str(folder / "fileid.db"),
                "db_journal_mode": "OFF",
            },
        }
    )
    if named_users:
        config.ServerApp.identity_provider_class = "agor_jupyter.testing.people.FourPeople"
        config.ServerApp.authorizer_class = "agor_jupyter.testing.people.TieredAuthorizer"
    config.merge(Config(dict(more)))
    return config


@contextmanager
def _isolated(folder: Path) -> Iterator[None]:
    """Keep the person's own Jupyter configuration and data out of it."""
    changes = {
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
