"""The scripted model in OpenAI's dress: that it reads a history, and speaks the Responses API."""

from __future__ import annotations

import asyncio
import json
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agor_jupyter.testing.model_script import (
    Echo,
    Fault,
    Said,
    Text,
    Thinking,
    Turn,
    dump_book,
    say,
    script,
    use,
)
from agor_jupyter.testing.responses_server import ResponsesServer
from agor_jupyter.testing.responses_wire import Call, calls_of, said

BOOK = {
    "work": script(
        Turn(blocks=(Thinking(text="Hm."), Text(text="I write the file.", chunk=5))),
        use("apply_patch", input="*** Begin"),
        use("mcp__probe__shout", text="a"),
        use("mcp__hidden__tool", text="a"),
        afterwards="All done.",
    ),
    "busy": script(Turn(fault=Fault(status=429, message="busy", retry_after_seconds=3), fault_times=1)),
    "cut": script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1)),
    "slow": script(Turn(blocks=(Text(text="x" * 1000, chunk=1, delay_seconds=0.05),))),
    "images": script(Turn(blocks=(Echo(of="images"),))),
    "short": script(say("As much", stop_reason="max_tokens", cached_read_tokens=7)),
}
TOOLS = [
    {"type": "custom", "name": "apply_patch"},
    {"type": "function", "name": "exec_command"},
    {"type": "namespace", "name": "mcp__probe", "tools": [{"type": "function", "name": "shout"}]},
]
ASSISTANT = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Words."}],
}
CALL = {"type": "function_call", "name": "exec_command", "call_id": "c", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "It ran."}


def user(*parts: str | dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "input_text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "message", "role": "user", "content": content}


def body(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "tools": TOOLS, "input": list(items), "stream": True, **more}


@pytest.fixture
async def server() -> AsyncIterator[ResponsesServer]:
    async with ResponsesServer(dict(BOOK)) as running:
        yield running


@pytest.fixture
async def client(server: ResponsesServer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {server.key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as opened:
        yield opened


async def events(client: httpx.AsyncClient, *items: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/v1/responses", json=body(*items))
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def done(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event["item"] for event in found if event["type"] == "response.output_item.done"]


def test_a_run_of_the_assistants_items_is_one_turn() -> None:
    developer = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Obey."}]}
    own = user("<environment_context>\n<cwd>/w</cwd>\n</environment_context>")
    image = {"type": "input_image", "image_url": "data:…"}
    history = said(body(developer, own, user("hello", image), ASSISTANT, CALL, RESULT, ASSISTANT))
    assert history == [
        Said(role="user", text="hello", images=1),
        Said(role="assistant", text="Words."),
        Said(role="user", results="It ran."),
        Said(role="assistant", text="Words."),
    ]
    assert said({"input": "plain"}) == [Said(role="user", text="plain")]


def test_tools_are_known_by_their_names() -> None:
    found = calls_of(body(user("x")))
    assert found["apply_patch"] == Call("apply_patch", custom=True)
    assert found["mcp__probe__shout"] == Call("shout", namespace="mcp__probe")
    hidden = {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}
    assert calls_of(body(hidden))["exec"].custom


async def test_it_streams_thoughts_and_words(client: httpx.AsyncClient, server: ResponsesServer) -> None:
    found = await events(client, user("SCRIPT:work"))
    words = [event["delta"] for event in found if event["type"] == "response.output_text.delta"]
    assert words == ["I wri", "te th", "e fil", "e."]
    assert [item["type"] for item in done(found)] == ["reasoning", "message"]
    assert found[0]["type"] == "response.created"
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["usage"]["total_tokens"] == 120
    assert server.asked[0].choice.step == 0
    assert server.asked[0].history == [Said(role="user", text="SCRIPT:work")]


async def test_each_kind_of_tool_is_called_in_its_own_way(client: httpx.AsyncClient) -> None:
    history = [user("SCRIPT:work"), ASSISTANT, RESULT]
    custom = done(await events(client, *history))[0]
    assert (custom["type"], custom["input"]) == ("custom_tool_call", "*** Begin")
    history += [CALL, RESULT]
    listed = done(await events(client, *history))[0]
    assert (listed["type"], listed["namespace"], listed["name"]) == ("function_call", "mcp__probe", "shout")
    assert json.loads(listed["arguments"]) == {"text": "a"}
    history += [CALL, RESULT]
    deferred = done(await events(client, *history))[0]
    assert (deferred["namespace"], deferred["name"]) == ("mcp__hidden", "tool")


async def test_faults_strike_as_often_as_they_say(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/responses", json=body(user("SCRIPT:busy")))
    assert (first.status_code, first.headers["retry-after"]) == (429, "3")
    assert first.json()["error"]["code"] == "rate_limit_exceeded"
    second = await client.post("/v1/responses", json=body(user("SCRIPT:busy")))
    assert second.status_code == 200


async def test_wrong_keys_and_unknown_models_are_refused(
    client: httpx.AsyncClient, server: ResponsesServer
) -> None:
    server.unknown_models.add("m")
    assert (await client.post("/v1/responses", json=body(user("x")))).status_code == 404
    wrong = {"authorization": "Bearer other"}
    assert (await client.post("/v1/responses", json=body(user("x")), headers=wrong)).status_code == 401
    assert server.asked == []


async def test_a_cut_connection_is_cut(client: httpx.AsyncClient, server: ResponsesServer) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/v1/responses", json=body(user("SCRIPT:cut")))
    assert server.cut_streams == 1


async def test_a_client_that_leaves_stops_the_stream(
    client: httpx.AsyncClient, server: ResponsesServer
) -> None:
    async with client.stream("POST", "/v1/responses", json=body(user("SCRIPT:slow"))) as answer:
        await anext(answer.aiter_lines())
    async with asyncio.timeout(20):
        while server.cut_streams == 0:
            await asyncio.sleep(0.01)


async def test_images_are_counted_and_short_answers_say_so(client: httpx.AsyncClient) -> None:
    image = {"type": "input_image", "image_url": "data:…"}
    found = await events(client, user("SCRIPT:images", image))
    assert done(found)[0]["content"][0]["text"] == "images: 1"
    found = await events(client, user("SCRIPT:short"))
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["usage"]["input_tokens_details"] == {"cached_tokens": 7}


async def test_its_settings_lead_here(server: ResponsesServer) -> None:
    config = tomllib.loads(server.codex_config("x"))
    provider = config["model_providers"][config["model_provider"]]
    assert provider["base_url"] == f"{server.url}/v1"
    assert server.environment()[provider["env_key"]] == server.key


async def test_it_serves_as_a_process_of_its_own(tmp_path: Path) -> None:
    book = tmp_path / "book.json"
    book.write_text(dump_book({"hi": script(say("Hello."))}))
    argv = [sys.executable, "-m", "agor_jupyter.testing.responses_server", "--script", str(book)]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        headers = {"authorization": "Bearer scripted-key"}
        async with httpx.AsyncClient(base_url=json.loads(line)["url"], headers=headers) as client:
            found = await events(client, user("SCRIPT:hi"))
        assert done(found)[0]["content"][0]["text"] == "Hello."
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
