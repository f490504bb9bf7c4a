"""The tools from outside, by the SDK's own client over HTTP; and who is kept out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.utils import url_path_join
from mcp.client.session import ClientSession
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from agor_jupyter.mcp.endpoint import CALLER, McpEndpoint
from agor_jupyter.mcp.tools import Caller
from agor_jupyter.server.asgi import McpHandler, McpMount
from agor_jupyter.testing.live_server import live_server
from tests.server.conftest import Stand, stand_on


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with live_server(tmp_path) as server:
        async for it in stand_on(server, tmp_path):
            endpoint = McpEndpoint(it.made.house)
            application = server.app.web_app
            application.settings["agor_mcp"] = McpMount(endpoint, lambda actor: {CALLER: Caller(actor)})
            pattern = url_path_join(server.app.base_url, "agor/mcp")
            application.add_handlers(".*$", [(pattern, McpHandler)])
            yield it
            await endpoint.close()


async def token_of(stand: Stand, person: str) -> str:
    return str((await stand.send("POST", "/me/tokens", {}, status=201, person=person))["token"])


async def ask(stand: Stand, token: str, name: str, arguments: dict[str, Any] | None = None) -> Any:
    """Call a tool as any MCP client does."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers=headers) as http,
        streamable_http_client(stand.server.url("agor/mcp"), http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        listed = [tool.name for tool in (await session.list_tools()).tools]
        result = await session.call_tool(name, arguments or {})
        return listed, result


async def test_a_client_lists_and_calls(stand: Stand) -> None:
    token = await token_of(stand, "mona")
    await stand.session()
    listed, result = await ask(stand, token, "agor_list_sessions")
    assert "agor_whoami" in listed and "agor_set_status" not in listed
    assert not result.is_error
    assert len(json.loads(result.content[0].text)["sessions"]) == 1


async def test_a_viewers_client_reads_as_a_viewer(stand: Stand) -> None:
    token = await token_of(stand, "vera")
    _, result = await ask(stand, token, "agor_whoami")
    assert json.loads(result.content[0].text)["user"] == "vera"


async def test_a_token_that_was_ended_opens_nothing(stand: Stand) -> None:
    token = await token_of(stand, "mona")
    headers = {"Authorization": f"Bearer {token}"}
    assert await post(stand, headers) == 200
    assert (await stand.ask("DELETE", "/me/tokens", person="mona")).code == 204
    assert await post(stand, headers) == 403


async def test_only_a_token_of_ours_opens_it(stand: Stand) -> None:
    """No cookie and no token of Jupyter's: no other site, and nothing that was not made for this."""
    assert await post(stand, {}) == 401
    assert await post(stand, {"Authorization": "token mona-token"}) == 401
    assert await post(stand, {"Authorization": "Bearer agor_forged_0123456789"}) == 403
    page = await stand.server.fetch("api/me", person="mona")
    assert await post(stand, {"Cookie": page.headers["Set-Cookie"].split(";")[0]}) == 401


async def test_a_token_cannot_make_tokens(stand: Stand) -> None:
    token = await token_of(stand, "mona")
    headers = {"Authorization": f"Bearer {token}"}
    answer = await stand.ask("POST", "/me/tokens", {}, person=None, headers=headers)
    assert answer.code == 403


async def test_a_minted_token_is_kept_nowhere(stand: Stand) -> None:
    """Not even as the answer to a repeated request."""
    made = [
        await stand.ask("POST", "/me/tokens", {}, person="mona", headers={"Idempotency-Key": "same"})
        for _ in range(2)
    ]
    assert [answer.code for answer in made] == [201, 201]
    assert made[0].body != made[1].body


async def post(stand: Stand, headers: dict[str, str]) -> int:
    client = {"name": "t", "version": "1"}
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    said = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    answer = await stand.server.fetch(
        "agor/mcp", person=None, method="POST", body=json.dumps(hello), headers=said
    )
    return int(answer.code)
