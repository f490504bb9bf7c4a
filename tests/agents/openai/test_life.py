"""What the OpenAI agent does besides the conformance suite: settings, memory, compaction, secrets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.domain.content import Attachment, TerminalContent
from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    Compaction,
    Notice,
    PermissionRequest,
    ToolCall,
    UsageUpdate,
)
from agor_jupyter.testing.chat_server import SUMMARY, ChatServer
from agor_jupyter.testing.conformance_abilities import PIXEL
from agor_jupyter.testing.model_script import Fault, Text, Turn, say, script, use
from agor_jupyter.testing.scripted_http import Request, Response, ScriptedHttp
from tests.agents.workbench.talk import Bench


async def test_what_is_ready_is_listed(bench: Bench, server: ChatServer) -> None:
    server.models = [{"id": "big", "max_model_len": 5000}, {"id": "small", "max_model_len": 3000}]
    talk = await bench.open()
    assert talk.ready.model == "big"
    assert talk.ready.models == ("big", "small")
    assert "high" in talk.ready.efforts
    told = [(item.name, item.description) for item in talk.ready.commands]
    assert told == [
        ("compact", "Sum up the conversation so far, to make room in the context"),
        ("init", "Write or renew the project's AGENTS.md"),
        ("review", "Review the changes in this worktree"),
    ]
    await talk.prompt("hello")
    assert talk.of(UsageUpdate)[-1].context_size == 5000
    await talk.adapter.set_model("small")
    await talk.prompt("hello")
    assert talk.of(UsageUpdate)[-1].context_size == 3000
    assert [asked.model for asked in server.asked] == ["big", "small"]


async def test_a_server_that_lists_no_models_starts_all_the_same(
    bench: Bench, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.models = []
    talk = await bench.open(model="named")
    assert talk.ready.models == ("named",)
    talk = await bench.open(options={"models": ("one", "two")})
    assert talk.ready.models == ("one", "two")
    assert talk.ready.model == "one"
    ended = await (await bench.open()).prompt("hello")
    assert ended.stop_reason == "failed"
    assert "No model is chosen" in ended.error


async def test_a_list_that_does_not_come_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agor_jupyter.agents.workbench import connection

    monkeypatch.setattr(connection, "OFFERED_SECONDS", 0.2)

    async def never(_: Request) -> Response:
        await asyncio.sleep(60)
        raise AssertionError("never")

    silent = ScriptedHttp(never)
    await silent.start()
    try:
        talk = await bench.open(model="m", options={"base_url": f"http://127.0.0.1:{silent.port}/v1"})
        assert talk.ready.model == "m"
    finally:
        await silent.close()


@pytest.mark.parametrize(
    ("options", "path"),
    [({}, "/v1/chat/completions"), ({"api": "responses"}, "/v1/responses")],
)
async def test_model_and_effort_reach_the_wire(
    bench: Bench, server: ChatServer, options: dict[str, Any], path: str
) -> None:
    talk = await bench.open(model="m", effort="low", options=options)
    await talk.prompt("hello")
    await talk.adapter.set_effort("high")
    await talk.prompt("hello")
    await talk.adapter.set_effort("")
    await talk.prompt("hello")
    bodies = [asked.body for asked in server.asked]
    assert [asked.path for asked in server.asked] == [path] * 3
    if path.endswith("responses"):
        assert [(body.get("reasoning") or {}).get("effort") for body in bodies] == ["low", "high", None]
        assert bodies[0]["store"] is False
        assert bodies[0]["include"] == ["reasoning.encrypted_content"]
        assert bodies[0]["reasoning"]["summary"] == "auto"
    else:
        assert [body.get("reasoning_effort") for body in bodies] == ["low", "high", None]
    with pytest.raises(Unprocessable):
        await talk.adapter.set_effort("enormous")


async def test_instructions_are_read_only_when_trusted(bench: Bench, server: ChatServer) -> None:
    (bench.worktree / "AGENTS.md").write_text("the-rule-is-heron")
    talk = await bench.open(system_append="appended-words")
    await talk.prompt("hello")
    assert talk.ready.instructions == ()
    trusted = await bench.open(trusted=True)
    await trusted.prompt("hello")
    assert trusted.ready.instructions == (str(bench.worktree / "AGENTS.md"),)
    without, having = (json.dumps(asked.body) for asked in server.asked)
    assert "the-rule-is-heron" not in without
    assert "appended-words" in without
    assert "the-rule-is-heron" in having


async def test_commands_do_not_see_the_key(bench: Bench, server: ChatServer) -> None:
    server.book["env"] = script(use("run_shell", command="env; tr '\\0' '\\n' </proc/$PPID/environ"))
    talk = await bench.open()
    await talk.prompt("SCRIPT:env")
    shown = next(item for item in talk.results[-1].content or () if isinstance(item, TerminalContent))
    assert "PATH=" in shown.text
    assert "scripted-key" not in shown.text
    assert "OPENAI" not in shown.text


async def test_an_interrupt_closes_the_stream_and_keeps_what_was_said(
    bench: Bench, server: ChatServer
) -> None:
    server.book["long"] = script(Turn(blocks=(Text(text="so far " * 900, delay_seconds=0.02),)))
    talk = await bench.open()
    await talk.send("SCRIPT:long")
    await talk.wait_for(AgentMessageChunk)
    await talk.adapter.interrupt()
    ended = await talk.ended()
    assert ended.stop_reason == "cancelled"
    async with asyncio.timeout(10):
        while not server.cut_streams:
            await asyncio.sleep(0.01)
    said = talk.text
    await talk.prompt("And now?")
    assert next(item for item in server.asked[-1].history if item.role == "assistant").text == said


async def test_one_prompt_at_a_time(bench: Bench, server: ChatServer) -> None:
    server.book["long"] = script(Turn(blocks=(Text(text="so far " * 900, delay_seconds=0.02),)))
    talk = await bench.open()
    await talk.send("SCRIPT:long")
    with pytest.raises(Conflict):
        await talk.adapter.prompt(talk.spec.session_id, "another", ())  # type: ignore[arg-type]  # any id will do
    await talk.adapter.interrupt()


async def test_a_call_that_waited_for_an_answer_is_mended_on_resume(bench: Bench, server: ChatServer) -> None:
    server.book["write"] = script(use("write_file", path="a.txt", content="a"), say("Never."))
    talk = await bench.open()
    talk.answerer = lambda _: None
    await talk.send("SCRIPT:write")
    await talk.wait_for(PermissionRequest)
    reference = talk.ready.native_ref
    await talk.close()
    again = await bench.open(native_ref=reference)
    ended = await again.prompt("Where are we?")
    assert ended.stop_reason == "end_turn"
    messages = server.asked[-1].body["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "user"]
    assert not (bench.worktree / "a.txt").exists()


async def test_unknown_tools_and_wrong_arguments_are_told_to_the_model(
    bench: Bench, server: ChatServer
) -> None:
    server.book["odd"] = script(
        use("no_such_tool", x=1), use("read_file"), use("read_file", path="nothing.txt"), say("Well.")
    )
    talk = await bench.open()
    assert (await talk.prompt("SCRIPT:odd")).stop_reason == "end_turn"
    assert [item.status for item in talk.results] == ["failed"] * 3
    assert [call.title for call in talk.of(ToolCall)] == ["no_such_tool", "read_file", "Read nothing.txt"]
    assert "Well." in talk.text


async def test_reading_outside_asks_and_inside_does_not(bench: Bench, server: ChatServer) -> None:
    (bench.worktree / "in.txt").write_text("inside")
    outside = bench.worktree.parent / "out.txt"
    outside.write_text("outside")
    (bench.worktree / "link").symlink_to(outside)
    server.book["read"] = script(use("read_file", path="in.txt"), use("read_file", path="link"))
    talk = await bench.open()
    await talk.prompt("SCRIPT:read")
    (request,) = talk.of(PermissionRequest)
    assert request.kind == "read"
    assert [place.path for place in request.locations] == [str(outside)]


# --- compaction ------------------------------------------------------------------


async def test_a_long_conversation_is_summed_up(bench: Bench, server: ChatServer) -> None:
    server.book["big"] = script(say("Noted.", input_tokens=3500))
    server.book["fine"] = script(say("Fine."))
    talk = await bench.open(options={"context_tokens": 4000})
    await talk.prompt("the-word-is-heron SCRIPT:big " + "many words " * 900)
    assert talk.of(Compaction) == []
    ended = await talk.prompt("What now? SCRIPT:fine")
    (told,) = talk.of(Compaction)
    assert told.before_tokens > 3200 > told.after_tokens
    (asked,) = server.background
    assert "the-word-is-heron" in json.dumps(asked)
    assert not asked.get("tools")
    assert ended.usage.output_tokens == 40, "the summary counts"
    sent = json.dumps(server.asked[-1].body)
    assert SUMMARY in sent
    assert "many words" not in sent
    assert "Noted." in sent, "the newest is kept as it is"
    # The record itself, and a fork at an earlier turn, still have all of it.
    assert "many words" in next((bench.state / "conversations").iterdir()).read_text()


async def test_a_summary_in_the_middle_of_a_turn_keeps_its_prompt(bench: Bench, server: ChatServer) -> None:
    (bench.worktree / "long.txt").write_text("a line of words\n" * 900)
    server.book["read"] = script(use("read_file", path="long.txt"), say("Read."))
    talk = await bench.open(options={"context_tokens": 4000, "max_steps": 2})
    await talk.prompt("the-word-is-heron SCRIPT:read")
    sent = json.dumps(server.asked[1].body)
    assert "the-word-is-heron" in sent
    assert "a line of words" not in sent


async def test_a_person_can_ask_for_it(bench: Bench, server: ChatServer) -> None:
    talk = await bench.open()
    assert (await talk.prompt("/compact")).stop_reason == "end_turn"
    assert "nothing to sum up" in talk.of(Notice)[-1].text
    await talk.prompt("the-word-is-heron")
    ended = await talk.prompt("/compact")
    assert ended.usage.output_tokens > 0
    assert talk.of(Compaction)
    await talk.prompt("What now?")
    assert SUMMARY in json.dumps(server.asked[-1].body)
    assert "/compact" not in json.dumps(server.asked[-1].body)


async def test_a_conversation_that_the_server_finds_too_long_is_summed_up(
    bench: Bench, server: ChatServer
) -> None:
    too_long = Fault(status=400, message="This model's maximum context length is 10 tokens.")
    server.book["over"] = script(Turn(fault=too_long, fault_times=1, blocks=(Text(text="It fits."),)))
    talk = await bench.open()
    await talk.prompt("hello " * 40_000)
    assert (await talk.prompt("SCRIPT:over")).stop_reason == "end_turn"
    assert "It fits." in talk.text
    assert talk.of(Compaction)


async def test_an_image_that_is_refused_does_not_spoil_the_conversation(
    bench: Bench, server: ChatServer
) -> None:
    refused = Turn(fault=Fault(status=400, message="This model does not support images."))
    server.book["image"] = script(refused)
    server.book["fine"] = script(say("Fine."))
    talk = await bench.open()
    pixel = Attachment(name="pixel.png", media_type="image/png", data=PIXEL)
    assert (await talk.prompt("SCRIPT:image", [pixel])).stop_reason == "failed"
    assert server.asked[-1].history[-1].images == 1
    assert (await talk.prompt("Without it, then. SCRIPT:fine")).stop_reason == "end_turn"
    assert sum(said.images for said in server.asked[-1].history) == 0
    assert "pixel.png was left out" in json.dumps(server.asked[-1].body)


async def test_nothing_is_traced(bench: Bench) -> None:
    await bench.open()
    import agents

    with agents.trace("anything") as trace:
        assert type(trace).__name__ == "NoOpTrace"


async def test_the_record_is_private(bench: Bench) -> None:
    await bench.open()
    (record,) = (bench.state / "conversations").iterdir()
    assert record.stat().st_mode & 0o777 == 0o600
    assert Path(record).suffix == ".jsonl"
