"""Search and fetch by Google's own tools: off by default, asked about, and each a request of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.gemini_api import web
from agor_jupyter.domain.content import TextContent
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest, ToolCall, ToolCallUpdate
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.model_script import Fault, Looked, Source, Text, Turn, say, script, use
from tests.agents.workbench.talk import Bench, Talk

LIVE = {"web_search": "live"}
SOURCES = (
    Source(title="birds.example", url="https://birds.example/heron"),
    Source(title="lakes.example", url="https://lakes.example/"),
)
FOUND = script(
    Turn(
        blocks=(Text(text="Herons stand still."),),
        looked=(Looked(query="how do herons stand", sources=SOURCES),),
        input_tokens=1000,
        output_tokens=70,
    )
)


def shown(update: ToolCallUpdate) -> str:
    return "".join(item.text for item in update.content or () if isinstance(item, TextContent))


async def searching(bench: Bench, server: GeminiServer, **changes: Any) -> Talk:
    server.book["ask"] = script(use("web_search", query="What do herons do? SCRIPT:found"), say("Good."))
    server.book["found"] = FOUND
    return await bench.open(options=LIVE, **changes)


async def test_by_default_there_is_no_such_tool(bench: Bench, server: GeminiServer) -> None:
    talk = await bench.open()
    await talk.prompt("hello")
    assert not {"web_search", "web_fetch"} & set(server.asked[-1].tools)
    with pytest.raises(Unprocessable, match="web_search") as caught:
        await bench.open(options={"web_search": "cached"})
    assert "'live'" in str(caught.value)


async def test_a_search_is_asked_and_gives_an_answer_with_its_sources(
    bench: Bench, server: GeminiServer
) -> None:
    talk = await searching(bench, server)
    ended = await talk.prompt("SCRIPT:ask")
    assert ended.stop_reason == "end_turn"
    (request,) = talk.of(PermissionRequest)
    assert (request.kind, request.title) == ("fetch", "Search the web: What do herons do? SCRIPT:found")
    (call,) = talk.of(ToolCall)
    assert (call.kind, call.input) == ("fetch", {"query": "What do herons do? SCRIPT:found"})
    (result,) = talk.results
    assert result.status == "completed"
    assert shown(result) == (
        "Herons stand still.\n\nSearched for: how do herons stand\n\nSources:\n"
        "birds.example: https://birds.example/heron\nlakes.example: https://lakes.example/"
    )
    first, second, third = server.asked
    assert first.builtin == third.builtin == set(), "Google's tools never stand beside the functions"
    assert (second.builtin, second.tools) == ({"googleSearch"}, [])
    assert "https://birds.example/heron" in json.dumps(third.body), "the model is told the sources too"
    assert ended.usage.input_tokens == 100 + 1000 + 100
    assert ended.usage.output_tokens == 20 + 70 + 20


async def test_a_search_that_is_rejected_asks_nobody(bench: Bench, server: GeminiServer) -> None:
    talk = await searching(bench, server)
    talk.answerer = lambda _: Decision(outcome="selected", option_id="reject_once")
    assert (await talk.prompt("SCRIPT:ask")).stop_reason == "end_turn"
    assert [asked.builtin for asked in server.asked] == [set(), set()]
    assert talk.results[0].status == "failed"


async def test_a_page_is_fetched_by_google(bench: Bench, server: GeminiServer) -> None:
    server.book["ask"] = script(
        use("web_fetch", url="file:///etc/passwd"),
        use("web_fetch", url="https://birds.example/heron", question="How tall? SCRIPT:page"),
        use("web_fetch", url="https://birds.example/gone", question="SCRIPT:gone"),
    )
    page = Looked(url="https://birds.example/heron")
    gone = Looked(url="https://birds.example/gone", failed=True)
    server.book["page"] = script(Turn(blocks=(Text(text="One metre."),), looked=(page,)))
    server.book["gone"] = script(Turn(blocks=(Text(text="I could not read it."),), looked=(gone,)))
    talk = await bench.open(options=LIVE)
    await talk.prompt("SCRIPT:ask")
    assert [result.status for result in talk.results] == ["failed", "completed", "failed"]
    assert "no address" in shown(talk.results[0])
    assert shown(talk.results[1]) == "One metre.\n\nFetched:\nhttps://birds.example/heron: success"
    assert "https://birds.example/gone: error" in shown(talk.results[2])
    looked = [asked for asked in server.asked if asked.builtin]
    assert [asked.builtin for asked in looked] == [{"urlContext"}] * 2
    assert "https://birds.example/heron" in looked[0].choice.prompt
    assert [request.kind for request in talk.of(PermissionRequest)] == ["fetch"] * 2


async def test_a_search_that_fails_is_a_result_and_not_the_end(bench: Bench, server: GeminiServer) -> None:
    talk = await searching(bench, server)
    fault = Fault(status=400, message="Search Grounding is not supported.")
    server.book["found"] = script(Turn(fault=fault))
    assert (await talk.prompt("SCRIPT:ask")).stop_reason == "end_turn"
    assert talk.results[0].status == "failed"
    assert "Search Grounding is not supported." in shown(talk.results[0])
    assert "Good." in talk.text


async def test_what_was_found_is_kept_and_the_model_can_change(bench: Bench, server: GeminiServer) -> None:
    talk = await searching(bench, server, model="gemini-3-pro-preview")
    await talk.prompt("SCRIPT:ask")
    reference = talk.ready.native_ref
    await talk.close()
    again = await bench.open(native_ref=reference, model="gemini-2.5-flash")
    assert (await again.prompt("And now?")).stop_reason == "end_turn"
    body = json.dumps(server.asked[-1].body)
    assert "https://lakes.example/" in body
    assert "web_search" in body
    assert server.asked[-1].model == "gemini-2.5-flash"


async def test_an_interrupt_ends_a_search(bench: Bench, server: GeminiServer) -> None:
    talk = await searching(bench, server)
    server.book["found"] = script(Turn(blocks=(Text(text="Late."),), hold_seconds=60))
    await talk.send("SCRIPT:ask")
    async with asyncio.timeout(30):
        while len(server.asked) < 2:
            await asyncio.sleep(0.01)
    await talk.adapter.interrupt()
    assert (await talk.ended()).stop_reason == "cancelled"
    assert talk.results[-1].status == "failed"


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({}, "(no answer)\n\nIt names no sources: it may be from memory.", True),
        (
            {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}, {"text": "Yes."}]}}]},
            "Yes.\n\nIt names no sources: it may be from memory.",
            False,
        ),
        (
            {
                "candidates": [
                    {
                        "content": {"parts": [{"text": "Yes."}]},
                        "groundingMetadata": {"groundingChunks": [{"maps": {}}, {"web": {"uri": "u"}}] * 2},
                    }
                ]
            },
            "Yes.\n\nSources:\nUntitled: u",
            False,
        ),
    ],
)
def test_what_a_search_gave(response: dict[str, Any], text: str, failed: bool) -> None:
    result = web.searched(response)
    assert (result.text, result.failed) == (text, failed)


def test_nothing_fetched_is_a_failure() -> None:
    result = web.fetched({"candidates": [{"content": {"parts": [{"text": "From memory."}]}}]})
    assert result.failed
    assert "Nothing was fetched." in result.text
