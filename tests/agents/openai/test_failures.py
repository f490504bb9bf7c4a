"""What goes wrong between the agent and its model's server, and how it is told."""

from __future__ import annotations

import asyncio
import sys

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.openai import failures, probe
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable
from agor_jupyter.domain.events import AgentMessageChunk, Notice
from agor_jupyter.testing.chat_server import ChatServer
from agor_jupyter.testing.model_script import Fault, Text, Turn, say, script, use
from tests.agents.workbench.talk import Bench

pytestmark = pytest.mark.parametrize("api", ["chat_completions", "responses"])


async def test_errors_of_the_server_fail_the_turn_and_say_what_to_do(
    bench: Bench, server: ChatServer, api: str
) -> None:
    expected = {
        401: "OPENAI_API_KEY",
        403: "another key",
        404: "another model",
        429: "rate limit",
        500: "Resume",
        503: "Resume",
        400: "settings",
    }
    talk = await bench.open(options={"api": api, "max_retries": 1})
    for status, hint in expected.items():
        server.book[f"fault{status}"] = script(Turn(fault=Fault(status=status, message=f"scripted {status}")))
        talk.updates.clear()
        talk._tasks = 0
        ended = await talk.prompt(f"SCRIPT:fault{status}")
        assert ended.stop_reason == "failed", status
        assert f"{status}: scripted {status}." in ended.error
        assert ended.error.count(". ") == 0, "one sentence"
        assert hint in ended.hint
        tried = len([asked for asked in server.asked if asked.choice.script == f"fault{status}"])
        assert tried == (2 if status in (429, 500, 503) else 1), status
        assert len(talk.of(Notice)) == tried - 1
        assert talk.of(AgentMessageChunk) == []
    server.book["fine"] = script(say("Fine."))
    assert (await talk.prompt("SCRIPT:fine")).stop_reason == "end_turn"


async def test_a_retry_that_helps_is_told_and_the_turn_ends_well(
    bench: Bench, server: ChatServer, api: str
) -> None:
    fault = Fault(status=429, message="slow down", retry_after_seconds=0)
    server.book["busy"] = script(Turn(fault=fault, fault_times=2, blocks=(Text(text="Here I am."),)))
    talk = await bench.open(options={"api": api})
    assert (await talk.prompt("SCRIPT:busy")).stop_reason == "end_turn"
    assert [notice.level for notice in talk.of(Notice)] == ["warning"] * 2
    assert "tried again (2 of 4)" in talk.of(Notice)[-1].text
    assert talk.text == "Here I am."


async def test_a_long_wait_is_not_waited_for(bench: Bench, server: ChatServer, api: str) -> None:
    fault = Fault(status=429, message="quota", retry_after_seconds=7200)
    server.book["quota"] = script(Turn(fault=fault))
    talk = await bench.open(options={"api": api})
    assert (await talk.prompt("SCRIPT:quota")).stop_reason == "failed"
    assert talk.of(Notice) == []


async def test_a_stream_that_is_cut_is_asked_for_again(bench: Bench, server: ChatServer, api: str) -> None:
    server.book["cut"] = script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1))
    talk = await bench.open(options={"api": api, "max_retries": 1})
    ended = await talk.prompt("SCRIPT:cut")
    assert ended.stop_reason == "failed"
    assert "cut off" in ended.error
    assert "Resume" in ended.hint
    assert len(talk.of(Notice)) == 1


async def test_a_server_that_is_not_there(bench: Bench, server: ChatServer, api: str) -> None:
    talk = await bench.open(model="m", options={"api": api, "max_retries": 1})
    await server.__aexit__(None, None, None)
    ended = await talk.prompt("hello")
    assert ended.stop_reason == "failed"
    assert "could not be reached" in ended.error
    assert "127.0.0.1" in ended.error
    assert "OPENAI_BASE_URL" in ended.hint


async def test_an_interrupt_ends_the_waiting_for_a_retry(bench: Bench, server: ChatServer, api: str) -> None:
    fault = Fault(status=429, message="slow", retry_after_seconds=50)
    server.book["slow"] = script(Turn(fault=fault))
    talk = await bench.open(options={"api": api})
    await talk.send("SCRIPT:slow")
    await talk.wait_for(Notice)
    async with asyncio.timeout(5):
        await talk.adapter.interrupt()
        assert (await talk.ended()).stop_reason == "cancelled"


async def test_without_a_key(bench: Bench, api: str) -> None:
    with pytest.raises(AgentUnavailable, match="no key") as caught:
        await bench.open(environment={"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}, options={"api": api})
    assert "OPENAI_API_KEY" in caught.value.hint


async def test_a_server_of_ones_own_needs_no_key(bench: Bench, api: str) -> None:
    talk = await bench.open(environment={"OPENAI_API_KEY": ""}, options={"api": api})
    assert (await talk.prompt("hello")).stop_reason == "end_turn"


async def test_wrong_settings(bench: Bench, api: str) -> None:
    for options in ({"api": "both"}, {"api": api, "max_steps": 0}):
        with pytest.raises(Unprocessable, match="setting"):
            await bench.open(options=options)


async def test_without_the_package(bench: Bench, api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "agor_jupyter.agents.openai.model", raising=False)
    monkeypatch.setitem(sys.modules, "agents", None)
    with pytest.raises(AgentUnavailable, match="not installed") as caught:
        await bench.open(options={"api": api})
    assert "pip install 'agor-jupyter[openai]'" in caught.value.hint


async def test_the_most_steps_end_a_turn(bench: Bench, server: ChatServer, api: str) -> None:
    server.book["on"] = script(*[use("list_files") for _ in range(9)])
    talk = await bench.open(options={"api": api, "max_steps": 3})
    assert (await talk.prompt("SCRIPT:on")).stop_reason == "max_turn_requests"
    server.book["fine"] = script(say("Fine."))
    assert (await talk.prompt("SCRIPT:fine")).stop_reason == "end_turn"


async def test_the_probe_looks_and_says_what_to_do(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.get("openai")
    found = await kind.probe({})
    assert found.installed
    assert found.authenticated is False
    assert "OPENAI_API_KEY" in found.hint
    assert (await kind.probe({"OPENAI_API_KEY": "k"})).authenticated is True
    assert (await kind.probe({"OPENAI_BASE_URL": "http://localhost:11434/v1"})).authenticated is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    missing = await kind.probe({})
    assert not missing.installed
    assert "pip install" in missing.hint


@pytest.mark.parametrize(
    ("option", "variable", "authenticated"),
    [
        ("http://localhost:11434/v1", "", None),
        ("http://localhost:11434/v1", "https://api.openai.com/v1", None),
        ("https://api.openai.com/v1", "http://localhost:11434/v1", False),
        ("", "http://localhost:11434/v1", None),
    ],
)
async def test_the_probe_knows_the_servers_options(
    api: str, option: str, variable: str, authenticated: bool | None
) -> None:
    options = {"openai": {"api": api, "base_url": option}}
    kind = {each.kind: each for each in registry.list_kinds(options)}["openai"]
    found = await kind.probe({"OPENAI_BASE_URL": variable})
    assert found.authenticated is authenticated
    assert bool(found.hint) is (authenticated is False)


def test_an_address_is_told_without_its_password(api: str) -> None:
    error = failures.unreachable("http://me:secret@host:8000/v1")
    assert error.sentence == "The model's server at host:8000 could not be reached."
    assert failures.of_status(429, "Too much", "insufficient_quota", {}).again is False


def test_which_address_is_openais_own(api: str) -> None:
    assert probe.is_official("")
    assert probe.is_official("https://eu.api.openai.com/v1")
    assert not probe.is_official("https://api.openai.com.example.org/v1")
    assert not probe.is_official("http://localhost:8000/v1")
