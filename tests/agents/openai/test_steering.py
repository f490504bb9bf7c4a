"""Words put into a turn of the bench: heard with the next request, once, and never lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.events import AgentMessageChunk, Compaction, PermissionRequest, TurnEnded
from agor_jupyter.testing.chat_server import ChatServer
from agor_jupyter.testing.model_script import Script, Text, Turn, say, script, use
from tests.agents.workbench.talk import Bench

LONG = script(Turn(blocks=(Text(text="so far " * 60, delay_seconds=0.02),)))


def busy() -> Script:
    return script(use("run_shell", command="touch begun; sleep 1"), say("Done with it."))


def roles(server: ChatServer) -> list[str]:
    return [str(message["role"]) for message in server.asked[-1].body["messages"]]


async def begun(worktree: Path) -> None:
    async with asyncio.timeout(30):
        while not (worktree / "begun").exists():
            await asyncio.sleep(0.02)


async def test_words_are_heard_when_the_tool_has_ended(bench: Bench, server: ChatServer) -> None:
    server.book["busy"] = busy()
    talk = await bench.open()
    await talk.send("SCRIPT:busy")
    await begun(bench.worktree)
    await talk.adapter.steer("the-word-is-heron", ())
    note = Attachment(name="a.txt", media_type="text/plain", data="the-word-is-stork")
    await talk.adapter.steer("and look", (note,))
    assert (await talk.ended()).stop_reason == "end_turn"
    assert len(server.asked) == 2, "no request of their own"
    assert roles(server)[-3:] == ["tool", "user", "user"]
    heard = str(server.asked[-1].body)
    assert heard.count("the-word-is-heron") == 1
    assert "the-word-is-stork" in heard
    assert len(talk.of(TurnEnded)) == 1


async def test_words_after_the_last_tool_are_answered_in_the_same_task(
    bench: Bench, server: ChatServer
) -> None:
    server.book["long"] = LONG
    talk = await bench.open()
    await talk.send("SCRIPT:long")
    await talk.wait_for(AgentMessageChunk)
    await talk.adapter.steer("the-word-is-heron", ())
    ended = await talk.ended()
    assert ended.stop_reason == "end_turn"
    assert "You said: the-word-is-heron" in talk.text
    assert len(server.asked) == 2
    assert ended.usage.input_tokens > 100, "what they used belongs to the task"
    with pytest.raises(Conflict):
        await talk.adapter.steer("too late", ())


async def test_what_a_stopped_turn_did_not_get_to_is_told_with_the_next_prompt(
    bench: Bench, server: ChatServer
) -> None:
    server.book["write"] = script(use("write_file", path="a.txt", content="a"), say("Never."))
    talk = await bench.open()
    talk.answerer = lambda _: None
    await talk.send("SCRIPT:write")
    await talk.wait_for(PermissionRequest)
    await talk.adapter.steer("the-word-is-heron", ())
    await talk.adapter.interrupt()
    assert (await talk.ended()).stop_reason == "cancelled"
    with pytest.raises(Conflict):
        await talk.adapter.steer("too late", ())
    assert (await talk.prompt("And now?")).stop_reason == "end_turn"
    assert roles(server)[-3:] == ["tool", "user", "user"], "the call got its result first"
    assert "the-word-is-heron" in str(server.asked[-1].body)


async def test_words_during_a_compaction_are_answered(bench: Bench, server: ChatServer) -> None:
    talk = await bench.open()
    await talk.prompt("Hello")
    await talk.send("/compact")
    await talk.adapter.steer("the-word-is-heron", ())
    assert (await talk.ended()).stop_reason == "end_turn"
    assert talk.of(Compaction)
    assert "You said: the-word-is-heron" in talk.text
