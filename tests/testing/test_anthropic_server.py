"""The scripted model: which words it chooses, and that it speaks the Messages API."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import (
    Echo,
    Fault,
    Said,
    Text,
    Thinking,
    Turn,
    choose,
    dump_book,
    load_book,
    say,
    script,
    use,
)

BOOK = {
    "work": script(
        Turn(blocks=(Thinking(text="Hm."), Text(text="I write the file.", chunk=5))),
        use("Write", file_path="a.txt", content="a"),
        afterwards="All done.",
    ),
    "echo": script(Turn(blocks=(Echo(of="prompts"),)), Turn(blocks=(Echo(of="results"),))),
    "busy": script(Turn(fault=Fault(status=529, message="busy", retry_after_seconds=3), fault_times=1)),
    "cut": script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1)),
    "slow": script(Turn(blocks=(Text(text="x" * 1000, chunk=1, delay_seconds=0.05),))),
}
TOOLS = [{"name": "Write", "input_schema": {"type": "object"}}]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 100, "tools": TOOLS, "messages": list(messages), **more}


@pytest.fixture
async def server() -> AsyncIterator[AnthropicServer]:
    async with AnthropicServer(dict(BOOK)) as running:
        yield running


@pytest.fixture
async def client(server: AnthropicServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as opened:
        yield opened


def events_of(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")
    ]


def test_the_last_prompt_chooses_and_the_answers_since_count() -> None:
    history = [
        Said(role="user", text="SCRIPT:echo"),
        Said(role="assistant", text="…"),
        Said(role="user", text="<system-reminder>SCRIPT:busy</system-reminder>now SCRIPT:work"),
        Said(role="assistant"),
        Said(role="user", results="made"),
        Said(role="user", text="<system-reminder>SCRIPT:busy</system-reminder>"),
    ]
    choice = choose(BOOK, history)
    assert (choice.script, choice.step, choice.turn.uses_tools) == ("work", 1, True)
    last = choose(BOOK, [*history, Said(role="assistant")])
    assert last.turn == say("All done.")
    assert choose(BOOK, [Said(role="user", text="Hello")]).turn == say("You said: Hello")
    assert choose(BOOK, []).turn == say("You said: ")


def test_history_and_results_are_echoed() -> None:
    history = [
        Said(role="user", text="The word is heron"),
        Said(role="assistant", text="Noted"),
        Said(role="user", text="SCRIPT:echo"),
    ]
    assert choose(BOOK, history).turn.blocks == (Text(text="The word is heron"),)
    history += [Said(role="assistant"), Said(role="user", results="it is made")]
    assert choose(BOOK, history).turn.blocks == (Text(text="it is made"),)


def test_a_book_is_data(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text(dump_book(BOOK))
    assert load_book(path) == BOOK


async def test_it_streams_thoughts_and_words(client: httpx.AsyncClient, server: AnthropicServer) -> None:
    answer = await client.post("/v1/messages?beta=true", json=body(user("SCRIPT:work"), stream=True))
    events = events_of(answer.text)
    assert [event["type"] for event in events[:3]] == ["message_start", "ping", "content_block_start"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("thinking", "") for delta in deltas) == "Hm."
    words = [delta["text"] for delta in deltas if "text" in delta]
    assert "".join(words) == "I write the file."
    assert max(map(len, words)) == 5
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    assert events[-1]["type"] == "message_stop"
    assert server.asked[0].choice.script == "work"


async def test_a_tools_input_comes_in_pieces_of_json(client: httpx.AsyncClient) -> None:
    messages = (user("SCRIPT:work"), {"role": "assistant", "content": [{"type": "text", "text": "I …"}]})
    answer = await client.post("/v1/messages", json=body(*messages, user(" "), stream=True))
    events = events_of(answer.text)
    start = next(event["content_block"] for event in events if event["type"] == "content_block_start")
    assert (start["type"], start["name"], start["input"]) == ("tool_use", "Write", {})
    pieces = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert json.loads("".join(piece["partial_json"] for piece in pieces))["file_path"] == "a.txt"
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_it_answers_whole_too(client: httpx.AsyncClient) -> None:
    message = (await client.post("/v1/messages", json=body(user("SCRIPT:work")))).json()
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert message["usage"]["output_tokens"] == 20


async def test_two_conversations_share_no_ids(client: httpx.AsyncClient) -> None:
    one = (await client.post("/v1/messages", json=body(user("SCRIPT:work")))).json()
    two = (await client.post("/v1/messages", json=body(user("SCRIPT:work")))).json()
    assert one["id"] != two["id"]


async def test_faults_strike_as_often_as_they_say(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/messages", json=body(user("SCRIPT:busy")))
    assert (first.status_code, first.headers["retry-after"]) == (529, "3")
    assert first.json()["error"] == {"type": "overloaded_error", "message": "busy"}
    second = await client.post("/v1/messages", json=body(user("SCRIPT:busy")))
    assert second.status_code == 200


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient, server: AnthropicServer) -> None:
    server.unknown_models.add("m")
    answer = await client.post("/v1/messages", json=body(user("Hello")))
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


async def test_a_cut_connection_is_cut(client: httpx.AsyncClient, server: AnthropicServer) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/v1/messages", json=body(user("SCRIPT:cut"), stream=True))
    assert server.cut_streams == 1


async def test_a_client_that_leaves_stops_the_stream(server: AnthropicServer) -> None:
    async with (
        httpx.AsyncClient(base_url=server.url) as client,
        client.stream("POST", "/v1/messages", json=body(user("SCRIPT:slow"), stream=True)) as answer,
    ):
        await anext(answer.aiter_lines())
    async with asyncio.timeout(2):
        while server.cut_streams == 0:
            await asyncio.sleep(0.01)


async def test_what_the_agent_asks_for_itself_is_answered_harmlessly(
    client: httpx.AsyncClient, server: AnthropicServer
) -> None:
    title = {**body(user("Name this: SCRIPT:work")), "tools": [], "output_config": {"format": {}}}
    answer = (await client.post("/v1/messages", json=title)).json()
    assert json.loads(answer["content"][0]["text"])["title"]
    await client.post("/v1/messages", json={**body(user("quota")), "max_tokens": 1})
    assert (len(server.background), server.asked) == (2, [])
    counted = await client.post("/v1/messages/count_tokens", json=body(user("Hello")))
    assert counted.json()["input_tokens"] > 0
    assert (await client.head("/")).status_code == 200
    assert (await client.get("/api/hello")).status_code == 200
    assert server.probes == ["HEAD /", "GET /api/hello"]


async def test_it_serves_as_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text(dump_book(BOOK))
    command = [sys.executable, "-m", "agor_jupyter.testing.anthropic_server", "--script", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        async with httpx.AsyncClient(base_url=json.loads(line)["url"]) as client:
            answer = await client.post("/v1/messages", json=body(user("SCRIPT:work")))
        assert answer.json()["content"][1]["text"] == "I write the file."
    finally:
        process.terminate()
        await process.wait()
