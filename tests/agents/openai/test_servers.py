"""A person's own MCP servers, as the OpenAI agent uses them: started, asked about, survived."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision, McpServer
from agor_jupyter.domain.events import Notice, PermissionRequest
from agor_jupyter.testing.chat_server import ChatServer
from agor_jupyter.testing.conformance import PROBE
from agor_jupyter.testing.model_script import say, script, use
from agor_jupyter.testing.scripted_http import Request, Response, ScriptedHttp, json_response
from tests.agents.workbench.talk import Bench


async def test_a_server_that_does_not_start_is_a_notice(bench: Bench) -> None:
    servers = (
        McpServer(name="missing", command=("no-such-program-at-all",)),
        McpServer(name="ends", command=(sys.executable, "-c", "raise SystemExit(3)")),
        McpServer(name="secret", command=(sys.executable,), environment={"A": "${NOT_THERE}"}),
    )
    talk = await bench.open(mcp_servers=servers)
    assert (await talk.prompt("hello")).stop_reason == "end_turn"
    texts = [notice.text for notice in talk.of(Notice)]
    assert len(texts) == 3
    assert any("NOT_THERE" in text for text in texts)


DYING = """
import json, os, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "tools/call":
        os._exit(9)
    if "id" in message:
        if message["method"] == "initialize":
            server = {"name": "dying", "version": "1"}
            version = "2025-06-18"
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        elif message["method"] == "tools/list":
            result = {"tools": [{"name": "die", "inputSchema": {"type": "object"}}]}
        else:
            error = {"code": -32601, "message": "no such method"}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}), flush=True)
            continue
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


async def test_a_server_that_dies_fails_its_calls_alone(bench: Bench, server: ChatServer) -> None:
    server.book["die"] = script(use("mcp__dying__die"), use("mcp__dying__die"), say("On we go."))
    talk = await bench.open(mcp_servers=(McpServer(name="dying", command=(sys.executable, "-c", DYING)),))
    assert (await talk.prompt("SCRIPT:die")).stop_reason == "end_turn"
    assert talk.of(Notice) == []
    assert [item.status for item in talk.results] == ["failed", "failed"]
    assert "dying failed" in str(talk.results[0].content)
    assert "On we go." in talk.text


async def test_without_the_mcp_package_the_session_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.open()  # the SDK itself is loaded by now
    monkeypatch.setitem(sys.modules, "mcp", None)
    talk = await bench.open(mcp_servers=(McpServer(name="any", command=("any",)),))
    assert (await talk.prompt("hello")).stop_reason == "end_turn"
    assert "not installed" in talk.of(Notice)[0].text


async def test_a_server_over_http_gets_its_headers(bench: Bench, server: ChatServer) -> None:
    seen: list[str] = []

    async def handle(request: Request) -> Response:
        seen.append(request.headers.get("authorization", ""))
        message = request.json()
        if "id" not in message:
            return Response(status=202)
        answers: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "web", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]},
            "tools/call": {"content": [{"type": "text", "text": "from the web"}]},
        }
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if message["method"] in answers:
            return json_response({**body, "result": answers[message["method"]]})
        return json_response({**body, "error": {"code": -32601, "message": "no such method"}})

    web = ScriptedHttp(handle)
    await web.start()
    server.book["web"] = script(use("mcp__web__echo"))
    try:
        talk = await bench.open(
            environment={"WEB_TOKEN": "canary"},
            mcp_servers=(
                McpServer(
                    name="web",
                    transport="http",
                    url=f"http://127.0.0.1:{web.port}/mcp",
                    headers={"Authorization": "Bearer ${WEB_TOKEN}"},
                ),
            ),
        )
        await talk.prompt("SCRIPT:web")
        assert talk.of(Notice) == []
        (request,) = talk.of(PermissionRequest)
        assert request.title == "web echo"
        assert "from the web" in str(talk.results[-1].content)
        assert "Bearer canary" in seen
        await talk.close()
    finally:
        await web.close()


async def test_a_rejected_server_call_is_not_made(bench: Bench, server: ChatServer) -> None:
    server.book["shout"] = script(use("mcp__probe__shout", text="heron"))
    talk = await bench.open(mcp_servers=(PROBE,), environment={"AGOR_PROBE_SECRET": "x"})
    talk.answerer = lambda _: Decision(outcome="selected", option_id="reject_once", message="Not now.")
    await talk.prompt("SCRIPT:shout")
    assert talk.results[-1].status == "failed"
    assert "Not now." in str(talk.results[-1].content)
    assert "HERON" not in str(talk.updates)
