"""The scripted OpenAI-compatible server speaks both APIs well enough for the real client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.testing.chat_server import SUMMARY, ChatServer
from agor_jupyter.testing.model_script import (
    Echo,
    Fault,
    Text,
    Thinking,
    ToolUse,
    Turn,
    dump_book,
    say,
    script,
)

openai = pytest.importorskip("openai")

TOOLS: list[Any] = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
FLAT_TOOLS: list[Any] = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
BOOK = {
    "work": script(
        Turn(
            blocks=(Thinking(text="Hm."), Text(text="I look.", chunk=3), ToolUse(name="look", input={"a": 1}))
        ),
        Turn(blocks=(Echo(of="results"),), cached_read_tokens=50),
    ),
    "cut": script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1)),
    "busy": script(Turn(fault=Fault(status=429, message="slow", retry_after_seconds=3))),
    "brief": script(say("Too", stop_reason="max_tokens")),
}


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer(dict(BOOK)) as running:
        yield running


@pytest.fixture
async def client(server: ChatServer) -> AsyncIterator[Any]:
    async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


async def chat(client: Any, *messages: dict[str, Any], **more: Any) -> list[Any]:
    options = {"model": "m", "stream": True, "tools": TOOLS, "stream_options": {"include_usage": True}}
    stream = await client.chat.completions.create(messages=list(messages), **{**options, **more})
    return [chunk async for chunk in stream]


async def test_chat_completions_play_a_script(client: Any, server: ChatServer) -> None:
    user = {"role": "user", "content": "SCRIPT:work"}
    chunks = await chat(client, user)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "I look."
    assert "".join(getattr(delta, "reasoning_content", "") or "" for delta in deltas) == "Hm."
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert calls[0].function.name == "look"
    assert json.loads("".join(call.function.arguments for call in calls)) == {"a": 1}
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].usage.completion_tokens == 20
    called = {
        "role": "assistant",
        "tool_calls": [
            {"id": calls[0].id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    }
    given = {"role": "tool", "tool_call_id": calls[0].id, "content": "seen"}
    chunks = await chat(client, user, called, given)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "seen"
    assert chunks[-1].usage.prompt_tokens == 150
    assert [asked.choice.step for asked in server.asked] == [0, 1]
    assert server.asked[0].tools == ["look"]


async def test_responses_play_a_script(client: Any, server: ChatServer) -> None:
    user = {"role": "user", "content": "SCRIPT:work"}
    stream = await client.responses.create(model="m", input=[user], tools=FLAT_TOOLS, stream=True)
    events = [event async for event in stream]
    words = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert words == "I look."
    done = events[-1].response
    assert [item.type for item in done.output] == ["reasoning", "message", "function_call"]
    output = [item.model_dump(mode="json", exclude_none=True) for item in done.output]
    given = {"type": "function_call_output", "call_id": done.output[2].call_id, "output": "seen"}
    stream = await client.responses.create(
        model="m", input=[user, *output, given], tools=FLAT_TOOLS, stream=True
    )
    events = [event async for event in stream]
    assert events[-1].response.output_text == "seen"
    assert events[-1].response.usage.input_tokens_details.cached_tokens == 50
    assert server.asked[1].tools == ["look"]
    stream = await client.responses.create(model="m", input="SCRIPT:brief", tools=FLAT_TOOLS, stream=True)
    assert [event async for event in stream][-1].type == "response.incomplete"


async def test_faults_cuts_and_models(client: Any, server: ChatServer) -> None:
    assert [item.id for item in (await client.models.list()).data] == ["scripted-small", "scripted-large"]
    with pytest.raises(openai.RateLimitError) as limited:
        await chat(client, {"role": "user", "content": "SCRIPT:busy"})
    assert limited.value.response.headers["retry-after"] == "3"
    with pytest.raises(openai.APIError):
        await chat(client, {"role": "user", "content": "SCRIPT:cut"})
    assert server.cut_streams == 1
    server.unknown_models = {"m"}
    with pytest.raises(openai.NotFoundError):
        await chat(client, {"role": "user", "content": "hello"})


async def test_what_has_no_tools_is_the_agents_own(client: Any, server: ChatServer) -> None:
    chunks = await chat(client, {"role": "user", "content": "Sum it up."}, tools=[{}][1:])
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == SUMMARY
    assert server.asked == []
    assert len(server.background) == 1


async def test_it_serves_as_a_process(tmp_path: Path) -> None:
    book = tmp_path / "book.json"
    book.write_text(dump_book({"hi": script(say("Hello."))}))
    argv = [sys.executable, "-m", "agor_jupyter.testing.chat_server", "--script", str(book)]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["url"]
        async with openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0) as client:
            chunks = await chat(client, {"role": "user", "content": "SCRIPT:hi"})
        assert any(chunk.choices and chunk.choices[0].delta.content == "Hello." for chunk in chunks)
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)
