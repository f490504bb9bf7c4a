"""An ASGI application behind our door: for the MCP endpoint, which speaks ASGI.

The scoped token of the header is the only way in: no cookie, so no other site can call it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web
from tornado.iostream import StreamClosedError

from agor_jupyter.domain.user import Actor
from agor_jupyter.server import roles
from agor_jupyter.server.base import Entrance

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
SETTING = "agor_mcp"
MAX_BODY = 4 * 1024 * 1024


class McpMount:
    """What the extension hands over: the application, and how it is told who calls."""

    def __init__(self, application: Application, scope_of: Callable[[Actor], Message]) -> None:
        self.application = application
        self.scope_of = scope_of


class McpHandler(Entrance):
    """Bridges one request of tornado's to the application."""

    async def prepare(self) -> None:  # type: ignore[override]  # as JupyterHandler's own
        if roles.scoped_token(self) is None:
            self.set_header("WWW-Authenticate", 'Bearer realm="agor"')
            raise web.HTTPError(401, reason="A token of Agor is needed")
        await self.enter_by_token()

    def check_xsrf_cookie(self) -> None:
        """Ask for none: the token in the header cannot be sent by another site."""

    @allow_unauthenticated  # `prepare` has let the token in, or nobody
    async def get(self) -> None:
        await self._bridge()

    @allow_unauthenticated  # as above
    async def post(self) -> None:
        await self._bridge()

    @allow_unauthenticated  # as above
    async def delete(self) -> None:
        await self._bridge()

    async def _bridge(self) -> None:
        mount: McpMount | None = self.settings.get(SETTING)
        if mount is None:
            raise web.HTTPError(503, reason="Starting")
        if len(self.request.body) > MAX_BODY:
            raise web.HTTPError(413)
        self._gone = asyncio.Event()
        scope = {**_scope_of(self.request), **mount.scope_of(await self.find_actor())}
        body: list[Message] = [{"type": "http.request", "body": self.request.body, "more_body": False}]

        async def receive() -> Message:
            if body:
                return body.pop()
            await self._gone.wait()
            return {"type": "http.disconnect"}

        try:
            await mount.application(scope, receive, self._send)
        except StreamClosedError:
            return  # the client left

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.set_status(message["status"])
            for name, value in message["headers"]:
                self.set_header(name.decode("latin-1"), value.decode("latin-1"))
        elif message["type"] == "http.response.body":
            if message.get("body"):
                self.write(message["body"])
            if message.get("more_body"):
                await self.flush()
            else:
                self.finish()
                self._gone.set()

    def on_connection_close(self) -> None:
        gone = getattr(self, "_gone", None)
        if gone is not None:
            gone.set()


def _scope_of(request: Any) -> Message:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.get_all()
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.protocol,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (request.remote_ip, 0),
        "server": (request.host, None),
    }
