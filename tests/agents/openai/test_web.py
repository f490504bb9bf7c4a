"""The Responses API's own web search: off by default, drawn as calls, and sent back as the API takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agor_jupyter.agents.openai import searches, translate
from agor_jupyter.agents.workbench.history import Answered
from agor_jupyter.domain.content import TextContent
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest, ToolCall, ToolCallUpdate
from agor_jupyter.testing.chat_server import ChatServer
from agor_jupyter.testing.model_script import Looked, Source, Text, ToolUse, Turn, say, script
from tests.agents.workbench.talk import Bench

LIVE = {"api": "responses", "web_search": "live"}
HERON = Source(title="Heron", url="https://birds.example/heron")
LAKE = Source(title="Lake", url="https://lakes.example/")
LOOKED = (Looked(query="herons", sources=(HERON, LAKE)), Looked(url="https://birds.example/heron"))


def web_tools(body: Any) -> list[dict[str, Any]]:
    return [tool for tool in body.get("tools") or () if tool["type"] == "web_search"]


def shown(update: ToolCallUpdate) -> str:
    return "".join(item.text for item in update.content or () if isinstance(item, TextContent))


async def test_by_default_nothing_is_searched(bench: Bench, server: ChatServer) -> None:
    talk = await bench.open(model="gpt-5.5", options={"api": "responses"})
    await talk.prompt("hello")
    assert web_tools(server.asked[-1].body) == []
    assert "sources" not in json.dumps(server.asked[-1].body.get("include") or ())


@pytest.mark.parametrize(("value", "live"), [("cached", False), ("live", True)])
async def test_the_option_is_the_providers_own(
    bench: Bench, server: ChatServer, value: str, live: bool
) -> None:
    talk = await bench.open(options={**LIVE, "web_search": value}, effort="low")
    await talk.prompt("hello")
    body = server.asked[-1].body
    (tool,) = web_tools(body)
    assert tool["external_web_access"] is live
    assert sorted(body["include"]) == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    await talk.prompt("/compact")
    assert not server.background[-1].get("tools"), "a summary does not search"


async def test_chat_completions_are_refused_with_what_to_do(bench: Bench) -> None:
    for api in ("auto", "chat_completions"):
        with pytest.raises(Unprocessable, match="Responses API") as caught:
            await bench.open(options={"api": api, "web_search": "live"})
        assert "`responses`" in caught.value.hint
    await bench.open(options={"web_search": "disabled"})
    with pytest.raises(Unprocessable, match="web_search"):
        await bench.open(options={**LIVE, "web_search": "sometimes"})


async def test_searches_are_calls_with_what_they_found_and_what_is_cited(
    bench: Bench, server: ChatServer
) -> None:
    server.book["look"] = script(Turn(blocks=(Text(text="They stand."),), looked=LOOKED))
    talk = await bench.open(options=LIVE)
    assert (await talk.prompt("SCRIPT:look")).stop_reason == "end_turn"
    assert talk.of(PermissionRequest) == [], "the provider searches unasked"
    search, page = talk.of(ToolCall)
    assert (search.kind, search.status, page.kind) == ("fetch", "in_progress", "fetch")
    found, opened, cited = talk.results
    assert (found.tool_call_id, found.title) == (search.tool_call_id, "Search the web: herons")
    assert found.input == {"query": "herons", "queries": ["herons"]}
    assert shown(found) == "Found:\nhttps://birds.example/heron\nhttps://lakes.example/"
    assert (opened.title, opened.input) == (
        "Read https://birds.example/heron",
        {"url": "https://birds.example/heron"},
    )
    assert cited.tool_call_id == page.tool_call_id
    assert "The answer cites:\nHeron: https://birds.example/heron?utm_source=openai" in shown(cited)
    assert talk.text == "They stand."


async def test_a_search_goes_back_without_what_the_server_does_not_know(
    bench: Bench, server: ChatServer
) -> None:
    calls = Turn(blocks=(ToolUse(name="list_files", input={}),), looked=LOOKED)
    server.book["look"] = script(calls, say("Done."))
    talk = await bench.open(options=LIVE)
    assert (await talk.prompt("SCRIPT:look")).stop_reason == "end_turn"
    sent = [item for item in server.asked[-1].body["input"] if item.get("type") == "web_search_call"]
    assert sent == [
        {
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "herons", "queries": ["herons"]},
        },
        {
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "open_page", "url": "https://birds.example/heron"},
        },
    ]
    # The conversation may go on with the other API, which has no word for it.
    reference = talk.ready.native_ref
    await talk.close()
    again = await bench.open(native_ref=reference, options={"api": "chat_completions"})
    assert (await again.prompt("And now?")).stop_reason == "end_turn"
    assert "web_search_call" not in json.dumps(server.asked[-1].body)


async def test_a_search_that_is_cut_off_has_ended_too(bench: Bench, server: ChatServer) -> None:
    server.book["cut"] = script(Turn(blocks=(Text(text="never"),), looked=LOOKED[:1], cut_after=0))
    talk = await bench.open(options={**LIVE, "max_retries": 0})
    assert (await talk.prompt("SCRIPT:cut")).stop_reason == "failed"
    (call,) = talk.of(ToolCall)
    (ended,) = talk.results
    assert (ended.tool_call_id, ended.status) == (call.tool_call_id, "failed")
    assert "ended before" in shown(ended)


def item(action: dict[str, Any] | None, status: str = "completed") -> dict[str, Any]:
    given = {} if action is None else {"action": action}
    return {"type": "web_search_call", "id": "ws_1", "status": status, **given}


@pytest.mark.parametrize(
    ("given", "title", "result"),
    [
        (item({"type": "search", "queries": ["a", "b"]}), "Search the web: a, b", "Done;"),
        (item({"type": "search", "query": "a", "queries": ["a"]}), "Search the web: a", "Done;"),
        (item({"type": "find_in_page", "url": "u", "pattern": "p"}), "Find p in u", "Done;"),
        (item({"type": "open_page", "url": None}), "Search the web", "Done;"),
        (item({"type": "search", "query": "a"}, "failed"), "Search the web: a", "It failed;"),
        (item(None), "Search the web", "Done;"),
    ],
)
def test_titles_and_results(given: dict[str, Any], title: str, result: str) -> None:
    call = searches.call_of({"type": "response.output_item.done", "item": given})
    assert call is not None
    assert call.title == title
    assert (call.result or "").startswith(result)
    assert call.failed is (given["status"] == "failed")


def test_what_is_no_search() -> None:
    assert searches.call_of({"type": "response.output_item.done", "item": {"type": "message"}}) is None
    assert searches.call_of({"type": "response.created"}) is None
    assert searches.cited({"output": [item(None)]}) is None
    assert searches.cited({"output": []}) is None


def test_a_search_alone_is_still_an_answer() -> None:
    answer = translate.answer_of({"output": [item({"type": "search", "query": "a"})]})
    assert answer.entry.calls == ()
    (sent,) = translate.items_of([Answered(items=answer.entry.items)], responses=True)
    assert "id" not in sent
    assert translate.items_of([Answered(items=answer.entry.items)], responses=False) == []
