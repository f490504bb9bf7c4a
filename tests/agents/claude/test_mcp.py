"""A person's own MCP servers, and the house's tools, in the real CLI."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision, McpServer, SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.agents.claude import control, mcp, options
from agor_jupyter.agents.claude.tools import kind_of, title_of
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import Notice, PermissionRequest, ToolCall
from agor_jupyter.testing import mcp_probe
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.conformance import HOUSE_TOOL, PROBE
from agor_jupyter.testing.model_script import Echo, Text, Turn, say, script, use
from agor_jupyter.testing.scripted_http import Request, Response, ScriptedHttp, json_response
from tests.agents.claude.test_life import cli_of, processes, wait_until

Start = Callable[..., Any]
SECRET = "canary-mcp-secret"
RESULTS = Turn(blocks=(Text(text="It gave: "), Echo(of="results")))


async def test_a_servers_tool_is_asked_about_and_no_secret_is_on_a_command_line(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["word"] = script(use("mcp__probe__word"), RESULTS)
    server.book["shout"] = script(use("mcp__plain__word"), RESULTS)
    plain = PROBE.model_copy(update={"name": "plain", "environment": {"PROBE_WORD": SECRET}})
    chat = await talk(mcp_servers=(PROBE, plain), environment={"AGOR_PROBE_SECRET": SECRET + "-referred"})
    await chat.prompt("SCRIPT:word")
    assert SECRET + "-referred" in chat.text
    await chat.prompt("SCRIPT:shout")
    assert f"It gave: {SECRET}\n" in chat.text + "\n", "a value that is no reference works as well"
    line = " ".join(cli_of(chat.spec).cmdline())
    assert SECRET not in line
    assert "${AGOR_PROBE_SECRET}" in line
    assert "--strict-mcp-config" in line
    request = chat.of(PermissionRequest)[0]
    assert (request.title, request.kind) == ("probe · word", "other")
    assert chat.of(ToolCall)[0].title == "probe · word"


async def test_a_server_at_an_address_gets_its_headers(talk: Start, server: AnthropicServer) -> None:
    authorizations: list[str] = []

    async def serve(request: Request) -> Response:
        if request.method != "POST":
            return json_response({}, status=405)
        authorizations.append(request.headers.get("authorization", ""))
        message = request.json()
        found = mcp_probe.result_of(message["method"], message.get("params") or {})
        if "id" not in message:
            return json_response({}, status=202)
        error = {"code": -32601, "message": "no such method"}
        answer = {"result": found} if found is not None else {"error": error}
        return json_response({"jsonrpc": "2.0", "id": message["id"], **answer})

    http = ScriptedHttp(serve)
    await http.start()
    try:
        server.book["shout"] = script(use("mcp__remote__shout", text="heron"), RESULTS)
        remote = McpServer(
            name="remote",
            transport="http",
            url=f"http://127.0.0.1:{http.port}/mcp?key={SECRET}",
            headers={"Authorization": "Bearer ${REMOTE_TOKEN}"},
        )
        chat = await talk(mcp_servers=(remote,), environment={"REMOTE_TOKEN": SECRET})
        await chat.prompt("SCRIPT:shout")
        assert "HERON" in chat.text
        assert set(authorizations) == {f"Bearer {SECRET}"}
        assert SECRET not in " ".join(cli_of(chat.spec).cmdline())
        await chat.close()
    finally:
        await http.close()


async def test_a_server_that_hangs_or_is_not_there_holds_up_nothing(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["hello"] = script(say("Hello."))
    hanging = McpServer(name="hanging", command=(sys.executable, "-c", "import time; time.sleep(99)"))
    missing = McpServer(name="missing", command=("/no/such/program",))
    chat = await talk(mcp_servers=(hanging, missing, PROBE), environment={"MCP_TIMEOUT": "2000"})
    for _ in range(2):
        assert (await chat.prompt("SCRIPT:hello")).stop_reason == "end_turn"
    told = [notice.text for notice in chat.of(Notice)]
    assert sorted(text.split("'")[1] for text in told) == ["hanging", "missing"], "each once"
    assert all("its tools are missing" in text for text in told)


async def test_a_server_that_wants_a_login_is_given_a_token_instead(
    talk: Start, server: AnthropicServer
) -> None:
    seen: list[str] = []

    async def serve(request: Request) -> Response:
        seen.append(f"{request.method} {request.path}")
        base = f"http://127.0.0.1:{http.port}"
        known = f"{base}/.well-known/oauth-protected-resource"
        if request.path == "/mcp":
            challenge = {"WWW-Authenticate": f'Bearer resource_metadata="{known}"'}
            return json_response({}, status=401, headers=challenge)
        if request.path.startswith("/.well-known/oauth-protected-resource"):
            return json_response({"resource": f"{base}/mcp", "authorization_servers": [base]})
        if request.path == "/.well-known/oauth-authorization-server":
            ends = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
            ways = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
            return json_response(
                {"issuer": base, "registration_endpoint": f"{base}/register", **ends, **ways}
            )
        return json_response({}, status=404)

    http = ScriptedHttp(serve)
    await http.start()
    try:
        server.book["hello"] = script(say("Hello."))
        remote = McpServer(name="remote", transport="http", url=f"http://127.0.0.1:{http.port}/mcp")
        chat = await talk(mcp_servers=(remote,))
        assert (await chat.prompt("SCRIPT:hello")).stop_reason == "end_turn"
        (notice,) = chat.of(Notice)
        assert "'remote' wants a login" in notice.text
        assert "Bearer ${NAME}" in notice.hint
        assert "POST /register" not in seen, "nobody is signed up unasked"
        await chat.close()
    finally:
        await http.close()


async def test_the_houses_tools_run_unasked_in_this_process(talk: Start, server: AnthropicServer) -> None:
    asked: list[tuple[str, Mapping[str, Any]]] = []

    async def call(tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        asked.append((tool, arguments))
        await asyncio.sleep(0.2)
        return ToolAnswer(text=f"{tool} was heard", failed=tool == "agor_bare")

    bare = ToolSpec(name="agor_bare", description="Take nothing.", parameters={"type": "object"})
    server.book["who"] = script(use("mcp__agor__agor_whoami", loud=True), RESULTS)
    server.book["bare"] = script(use("mcp__agor__agor_bare"), RESULTS)
    server.book["wrong"] = script(use("mcp__agor__agor_whoami", loud="very"), RESULTS)
    chat = await talk(tools=(HOUSE_TOOL, bare), call=call, mode="plan")
    await chat.prompt("SCRIPT:who")
    await chat.prompt("SCRIPT:bare")
    await chat.prompt("SCRIPT:wrong")
    assert asked == [("agor_whoami", {"loud": True}), ("agor_bare", {})]
    assert "agor_whoami was heard" in chat.text
    assert chat.of(PermissionRequest) == []
    assert [call.title for call in chat.of(ToolCall)] == ["agor · whoami", "agor · bare", "agor · whoami"]
    assert chat.result("agor · bare").status == "failed"
    offered = {tool["name"]: tool for tool in server.asked[0].body["tools"]}
    assert offered["mcp__agor__agor_whoami"]["input_schema"]["properties"] == {"loud": {"type": "boolean"}}
    assert "properties" in offered["mcp__agor__agor_bare"]["input_schema"]


async def test_another_servers_tool_of_the_same_name_is_asked_about(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["word"] = script(use("mcp__agor-2__word"), RESULTS)
    again = PROBE.model_copy(update={"name": "agor-2"})
    chat = await talk(mcp_servers=(again,), tools=(HOUSE_TOOL,), call=None)
    chat.answerer = lambda request: Decision(outcome="selected", option_id="reject_once")
    await chat.prompt("SCRIPT:word")
    assert [request.title for request in chat.of(PermissionRequest)] == ["agor-2 · word"]


@pytest.mark.parametrize(
    "server",
    [
        McpServer(name="agor", command=("x",)),
        McpServer(name="a__b", command=("x",)),
        McpServer(name="", command=("x",)),
        McpServer(name="--help me", command=("x",)),
        McpServer(name="empty"),
        McpServer(name="empty", transport="http"),
    ],
)
def test_a_server_that_could_not_work_or_would_pass_for_another_is_refused(server: McpServer) -> None:
    with pytest.raises(Unprocessable):
        mcp.servers_of((server,), {})


def test_two_servers_of_one_name_are_refused() -> None:
    with pytest.raises(Unprocessable, match="Two MCP servers"):
        mcp.servers_of((PROBE, PROBE), {})


@pytest.mark.parametrize(
    ("given", "shown", "variable"),
    [
        ("${A}", "${A}", None),
        ("Bearer ${A}", "Bearer ${A}", None),
        ("", "", None),
        ("words", "${AGOR_MCP_0}", "words"),
        ("words-${A}", "${AGOR_MCP_0}", "words-1"),
        ("${B:-words}", "${AGOR_MCP_0}", "words"),
        ("$A", "${AGOR_MCP_0}", "$A"),
    ],
)
def test_only_references_are_shown(given: str, shown: str, variable: str | None) -> None:
    stdio = McpServer(name="x", command=("x", "y"), environment={"V": given})
    http = McpServer(name="x", transport="http", url="https://x/mcp", headers={"V": given})
    for server, place in ((stdio, "env"), (http, "headers")):
        made = mcp.servers_of((server,), {"A": "1"})
        assert json.loads(json.dumps(made.config["x"]))[place]["V"] == shown
        assert list(made.variables.values()) == ([variable] if variable is not None else [])


def test_the_first_prompt_waits_ten_seconds_at_most_unless_a_person_says_more(
    make_spec: Callable[..., SessionSpec],
) -> None:
    for given, waits in (({}, "10000"), ({"MCP_TIMEOUT": "60000"}, "60000")):
        spec = make_spec(environment=given)
        made = options.environment_of(spec, options.settings_of(spec), cli="/cli", marker="AGOR_SPAWN=a")
        assert made["MCP_TIMEOUT"] == waits


def test_an_address_with_a_secret_in_it_is_not_shown() -> None:
    for url in ("https://x/mcp?key=1", "https://me:word@x/mcp"):
        made = mcp.servers_of((McpServer(name="x", transport="http", url=url),), {})
        assert made.variables == {"AGOR_MCP_0": url}
        assert url not in json.dumps(made.config)


def test_a_tool_of_a_server_has_a_readable_name_and_no_kind_that_it_chose_itself() -> None:
    assert title_of("mcp__my_files__read_all", {"path": "/w/x"}, "/w") == "my_files · read_all"
    assert title_of("mcp__agor__agor_spawn", {}, "/w") == "agor · spawn"
    assert kind_of("mcp__my_files__Read") == "other"


async def test_an_interrupt_leaves_the_servers_alone_and_the_end_does_not(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["shout"] = script(use("mcp__probe__shout", text="heron"), RESULTS)
    server.book["busy"] = script(use("Bash", command="sh -c 'touch begun; sleep 71'"))
    server.book["again"] = script(use("mcp__probe__shout", text="stork"), RESULTS)
    chat = await talk(mcp_servers=(PROBE,))
    await chat.prompt("SCRIPT:shout")
    (probe,) = [one for one in processes(chat.spec) if mcp_probe.__file__ in one.cmdline()]
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "begun").exists)
    await chat.adapter.interrupt()
    assert (await chat.ended()).stop_reason == "cancelled"
    await wait_until(lambda: len(processes(chat.spec)) == 2, 5)
    assert probe.is_running()
    await chat.prompt("SCRIPT:again")
    assert "STORK" in chat.text
    await chat.close()
    await wait_until(lambda: not probe.is_running(), 5)


async def test_only_servers_that_have_not_answered_are_switched_off() -> None:
    class Client:
        def __init__(self) -> None:
            self.switched: list[tuple[str, bool]] = []

        async def get_mcp_status(self) -> dict[str, Any]:
            states = ("pending", "connected", "failed", "disabled", "needs-auth", "pending")
            return {"mcpServers": [{"name": f"s{at}", "status": state} for at, state in enumerate(states)]}

        async def toggle_mcp_server(self, name: str, enabled: bool) -> None:
            self.switched.append((name, enabled))

    client = Client()
    await control.drop_pending(client)  # type: ignore[arg-type]  # of the SDK's client it asks no more
    assert client.switched == [("s0", False), ("s5", False)]
