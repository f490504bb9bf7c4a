"""The scripted Gemini server speaks the Gemini API: streams, calls, faults, counts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.model_script import (
    Echo,
    Fault,
    Text,
    Thinking,
    Turn,
    dump_book,
    script,
    use,
)

BOOK = {
    "work": script(
        Turn(blocks=(Thinking(text="Hm. So."), Text(text="I write the file.", chunk=5))),
        use("write_file", file_path="a.txt", content="a"),
        Turn(blocks=(Echo(of="results"),)),
    ),
    "look": script(Turn(blocks=(Echo(of="images"),))),
    "busy": script(Turn(fault=Fault(status=429, message="busy", retry_after_seconds=3), fault_times=1)),
    "cut": script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1)),
    "slow": script(Turn(blocks=(Text(text="x" * 1000, chunk=1, delay_seconds=0.05),))),
}
STREAM = "/v1beta/models/m:streamGenerateContent?alt=sse"
WHOLE = "/v1beta/models/m:generateContent"


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def model(*parts: Any) -> dict[str, Any]:
    return {**user(*parts), "role": "model"}


def body(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": list(contents), "tools": [{"functionDeclarations": [{"name": "write_file"}]}], **more}


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer(dict(BOOK)) as running:
        yield running


@pytest.fixture
async def client(server: GeminiServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as opened:
        yield opened


def parts_of(text: str) -> list[dict[str, Any]]:
    chunks = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line]
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


async def test_it_streams_thoughts_and_words(client: httpx.AsyncClient, server: GeminiServer) -> None:
    answer = await client.post(STREAM, json=body(user("SCRIPT:work")))
    assert answer.headers["content-type"] == "text/event-stream"
    parts = parts_of(answer.text)
    assert "".join(part["text"] for part in parts if part.get("thought")) == "Hm. So."
    words = [part["text"] for part in parts if not part.get("thought")]
    assert "".join(words) == "I write the file."
    assert max(map(len, words)) == 5
    last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["candidatesTokenCount"] == 20
    assert last["usageMetadata"]["thoughtsTokenCount"] == 2
    assert server.asked[0].tools == ["write_file"]


async def test_a_call_comes_whole_and_its_result_is_known(
    client: httpx.AsyncClient, server: GeminiServer
) -> None:
    history = [user("SCRIPT:work"), model("I write the file.")]
    answer = (await client.post(WHOLE, json=body(*history, user(" ")))).json()
    call = answer["candidates"][0]["content"]["parts"][0]
    assert call["functionCall"]["name"] == "write_file"
    assert call["functionCall"]["args"] == {"file_path": "a.txt", "content": "a"}
    given = {"functionResponse": {"name": "write_file", "response": {"output": "It is written."}}}
    answer = (await client.post(WHOLE, json=body(*history, model(call), user(given)))).json()
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "It is written."}]
    server.wants_signatures = True
    del call["thoughtSignature"]
    refused = await client.post(WHOLE, json=body(*history, model(call), user(given)))
    assert refused.status_code == 400
    assert "write_file" in refused.json()["error"]["message"]


async def test_images_are_counted(client: httpx.AsyncClient) -> None:
    pixel = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    answer = (await client.post(WHOLE, json=body(user("SCRIPT:look", pixel, pixel)))).json()
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "images: 2"}]


async def test_faults_strike_as_often_as_they_say(client: httpx.AsyncClient) -> None:
    first = await client.post(STREAM, json=body(user("SCRIPT:busy")))
    assert (first.status_code, first.headers["retry-after"]) == (429, "3")
    error = first.json()["error"]
    assert (error["status"], error["message"]) == ("RESOURCE_EXHAUSTED", "busy")
    assert error["details"][0]["retryDelay"] == "3s"
    assert (await client.post(STREAM, json=body(user("SCRIPT:busy")))).status_code == 200


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient, server: GeminiServer) -> None:
    server.unknown_models.add("m")
    answer = await client.post(STREAM, json=body(user("Hello")))
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


async def test_a_cut_connection_is_cut(client: httpx.AsyncClient, server: GeminiServer) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(STREAM, json=body(user("SCRIPT:cut")))
    assert server.cut_streams == 1


async def test_a_client_that_leaves_stops_the_stream(server: GeminiServer) -> None:
    async with (
        httpx.AsyncClient(base_url=server.url) as client,
        client.stream("POST", STREAM, json=body(user("SCRIPT:slow"))) as answer,
    ):
        await anext(answer.aiter_lines())
    async with asyncio.timeout(10):
        while server.cut_streams == 0:
            await asyncio.sleep(0.01)


async def test_what_a_program_asks_for_itself_is_answered_harmlessly(
    client: httpx.AsyncClient, server: GeminiServer
) -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"why": {"type": "STRING"}, "next": {"type": "STRING", "enum": ["user", "model"]}},
    }
    wanted = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    answer = (await client.post(WHOLE, json=body(user("SCRIPT:work"), generationConfig=wanted))).json()
    said = json.loads(answer["candidates"][0]["content"]["parts"][0]["text"])
    assert said == {"why": "Scripted", "next": "user"}
    await client.post(WHOLE, json={"contents": [user("Name this session.")]})
    assert (len(server.background), server.asked) == (2, [])
    counted = await client.post("/v1beta/models/m:countTokens", json=body(user("Hello")))
    assert counted.json()["totalTokens"] > 0
    listed = (await client.get("/v1beta/models")).json()["models"]
    assert listed[0]["name"].startswith("models/gemini")
    assert (await client.get("/v1beta/models/gemini-x")).json()["name"] == "models/gemini-x"
    assert server.probes == ["GET /v1beta/models", "GET /v1beta/models/gemini-x"]


async def test_it_serves_as_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    path.write_text(dump_book(BOOK))
    command = [sys.executable, "-m", "agor_jupyter.testing.gemini_server", "--script", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        async with httpx.AsyncClient(base_url=json.loads(line)["url"]) as client:
            answer = await client.post(WHOLE, json=body(user("SCRIPT:work")))
        assert answer.json()["candidates"][0]["content"]["parts"][1]["text"] == "I write the file."
    finally:
        process.terminate()
        await process.wait()
