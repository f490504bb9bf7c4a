"""What the Gemini API agent does besides the conformance suite, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.agents.gemini_api import failures
from agor_jupyter.agents.gemini_api.probe import DEFAULT_MODEL
from agor_jupyter.domain.content import TerminalContent
from agor_jupyter.domain.errors import AgentUnavailable
from agor_jupyter.domain.events import AgentMessageChunk, Compaction, Notice, UsageUpdate
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.model_script import Fault, Text, Thinking, ToolUse, Turn, say, script, use
from tests.agents.workbench.talk import Bench


async def test_what_is_ready_is_listed(bench: Bench, server: GeminiServer) -> None:
    talk = await bench.open()
    assert talk.ready.model == DEFAULT_MODEL
    assert "gemini-2.5-pro" in talk.ready.models
    assert talk.ready.efforts == ("minimal", "low", "medium", "high")
    await talk.adapter.set_model("gemini-2.5-pro")
    await talk.prompt("hello")
    assert server.asked[-1].model == "gemini-2.5-pro"
    assert talk.of(UsageUpdate)[-1].context_size == 1048576


async def test_effort_is_a_level_or_a_budget(bench: Bench, server: GeminiServer) -> None:
    talk = await bench.open(model="gemini-3-pro-preview", effort="low")
    await talk.prompt("hello")
    await talk.adapter.set_model("gemini-2.5-pro")
    await talk.adapter.set_effort("high")
    await talk.prompt("hello")
    first, second = (json.dumps(asked.body["generationConfig"]).lower() for asked in server.asked)
    assert '"low"' in first
    assert "24576" in second


async def test_signatures_survive_the_disk_and_a_fork(bench: Bench, server: GeminiServer) -> None:
    """The server refuses a call of the present turn that comes back unsigned."""
    calls = Turn(
        blocks=(
            Thinking(text="I look twice."),
            ToolUse(name="list_files", input={}),
            ToolUse(name="list_files", input={"path": "."}),
        )
    )
    server.book["twice"] = script(calls, use("list_files"), say("Seen."))
    talk = await bench.open()
    assert (await talk.prompt("SCRIPT:twice")).stop_reason == "end_turn"
    sent = server.asked[1].body["contents"]
    assert [content["role"] for content in sent] == ["user", "model", "user"]
    assert len(sent[2]["parts"]) == 2, "both results are one content"
    assert "I look twice." not in json.dumps(sent)
    reference = talk.ready.native_ref
    await talk.close()
    again = await bench.open(native_ref=reference)
    server.book["fine"] = script(say("Fine."))
    assert (await again.prompt("SCRIPT:fine")).stop_reason == "end_turn"
    assert json.dumps(server.asked[-1].body).count("c2NyaXB0ZWQ=") == 3


async def test_nothing_calls_by_itself(bench: Bench, server: GeminiServer) -> None:
    server.book["write"] = script(use("write_file", path="a.txt", content="a"))
    talk = await bench.open()
    talk.answerer = lambda _: None
    await talk.send("SCRIPT:write")
    await talk.wait(lambda: [item for item in talk.updates if item.type == "permission_request"])
    assert len(server.asked) == 1
    assert not (bench.worktree / "a.txt").exists()
    await talk.adapter.interrupt()


async def test_instructions_prefer_geminis_own(bench: Bench, server: GeminiServer) -> None:
    (bench.worktree / "AGENTS.md").write_text("for-all")
    talk = await bench.open(trusted=True)
    await talk.prompt("hello")
    assert "for-all" in server.asked[-1].system
    (bench.worktree / "GEMINI.md").write_text("for-gemini")
    talk = await bench.open(trusted=True)
    await talk.prompt("hello")
    assert "for-gemini" in server.asked[-1].system
    assert "for-all" not in server.asked[-1].system
    talk = await bench.open()
    await talk.prompt("hello")
    assert "for-gemini" not in server.asked[-1].system


async def test_commands_do_not_see_the_key(bench: Bench, server: GeminiServer) -> None:
    server.book["env"] = script(use("run_shell", command="env"))
    talk = await bench.open(environment={"GOOGLE_API_KEY": "another-key"})
    await talk.prompt("SCRIPT:env")
    assert server.asked[0].headers["x-goog-api-key"] == "scripted-key"
    shown = next(item for item in talk.results[-1].content or () if isinstance(item, TerminalContent))
    assert "PATH=" in shown.text
    assert "-key" not in shown.text


async def test_a_long_conversation_is_summed_up(bench: Bench, server: GeminiServer) -> None:
    server.book["big"] = script(say("Noted.", input_tokens=3500))
    server.book["fine"] = script(say("Fine."))
    talk = await bench.open(options={"context_tokens": 4000})
    await talk.prompt("the-word-is-heron " + "many words " * 900 + "SCRIPT:big")
    await talk.prompt("What now? SCRIPT:fine")
    assert talk.of(Compaction)
    # The summary is asked for with a prompt that names a script, so the server plays that.
    assert "many words" not in json.dumps(server.asked[-1].body)


async def test_an_interrupt_closes_the_stream(bench: Bench, server: GeminiServer) -> None:
    server.book["long"] = script(Turn(blocks=(Text(text="so far " * 900, delay_seconds=0.02),)))
    talk = await bench.open()
    await talk.send("SCRIPT:long")
    await talk.wait_for(AgentMessageChunk)
    await talk.adapter.interrupt()
    assert (await talk.ended()).stop_reason == "cancelled"
    async with asyncio.timeout(10):
        while not server.cut_streams:
            await asyncio.sleep(0.01)


# --- failures ----------------------------------------------------------------------


async def test_errors_of_the_api_fail_the_turn_and_say_what_to_do(bench: Bench, server: GeminiServer) -> None:
    expected = {
        401: "GEMINI_API_KEY",
        403: "another key",
        404: "another model",
        429: "rate limit",
        500: "Resume",
        503: "Resume",
        400: "settings",
    }
    talk = await bench.open(options={"max_retries": 1})
    for status, hint in expected.items():
        server.book[f"fault{status}"] = script(Turn(fault=Fault(status=status, message=f"scripted {status}")))
        talk.updates.clear()
        talk._tasks = 0
        ended = await talk.prompt(f"SCRIPT:fault{status}")
        assert ended.stop_reason == "failed", status
        assert f"{status}: scripted {status}." in ended.error
        assert hint in ended.hint
        assert len(talk.of(Notice)) == (1 if status in (429, 500, 503) else 0), status
    server.book["fine"] = script(say("Fine."))
    assert (await talk.prompt("SCRIPT:fine")).stop_reason == "end_turn"


async def test_a_retry_that_helps_is_told(bench: Bench, server: GeminiServer) -> None:
    fault = Fault(status=503, message="overloaded", retry_after_seconds=0)
    server.book["busy"] = script(Turn(fault=fault, fault_times=2, blocks=(Text(text="Here I am."),)))
    talk = await bench.open()
    assert (await talk.prompt("SCRIPT:busy")).stop_reason == "end_turn"
    assert "tried again (2 of 4)" in talk.of(Notice)[-1].text
    assert talk.text == "Here I am."


async def test_a_stream_that_is_cut(bench: Bench, server: GeminiServer) -> None:
    server.book["cut"] = script(Turn(blocks=(Text(text="half"), Text(text="never")), cut_after=1))
    talk = await bench.open(options={"max_retries": 1})
    ended = await talk.prompt("SCRIPT:cut")
    assert ended.stop_reason == "failed"
    assert "cut off" in ended.error
    assert len(talk.of(Notice)) == 1


async def test_a_server_that_is_not_there(bench: Bench, server: GeminiServer) -> None:
    talk = await bench.open(options={"max_retries": 0})
    await server.__aexit__(None, None, None)
    ended = await talk.prompt("hello")
    assert ended.stop_reason == "failed"
    assert "could not be reached" in ended.error


async def test_without_a_key_or_the_package(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AgentUnavailable, match="no key") as caught:
        await bench.open(environment={"GEMINI_API_KEY": ""})
    assert "GEMINI_API_KEY" in caught.value.hint
    monkeypatch.delitem(sys.modules, "agor_jupyter.agents.gemini_api.model", raising=False)
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(AgentUnavailable, match="not installed") as caught:
        await bench.open()
    assert "pip install 'agor-jupyter[gemini]'" in caught.value.hint


async def test_the_probe_looks_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = registry.get("gemini_api")
    found = await kind.probe({})
    assert found.installed
    assert found.authenticated is False
    assert "GEMINI_API_KEY" in found.hint
    assert (await kind.probe({"GOOGLE_API_KEY": "k"})).authenticated is True
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not (await kind.probe({})).installed


def test_a_wrong_key_is_named_though_the_api_says_400() -> None:
    found = failures.of_status(400, "API key not valid. Please pass a valid API key.", {})
    assert "GEMINI_API_KEY" in found.hint
    waits = {"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34.5s"}]}}
    assert failures.of_status(429, "Slow", waits).wait_seconds == 34.5
    assert failures.of_status(400, "The input token count (9) exceeds the maximum", {}).too_long
