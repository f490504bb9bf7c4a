"""Words put into a running turn: heard by the model once, and one end for one task, however it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import ResultMessage

from agor_jupyter.agents.claude.underway import UnderWay
from agor_jupyter.domain.content import Attachment
from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.events import AgentMessageChunk, TurnEnded, UsageUpdate
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Text, Turn, say, script, use
from tests.agents.claude.test_life import wait_until

Start = Callable[..., Any]

BUSY = script(use("Bash", command="sh -c 'touch begun; sleep 1'"), say("Done with it."))
LONG = script(Turn(blocks=(Text(text="word " * 60, delay_seconds=0.03),)))


async def test_words_are_heard_at_the_next_boundary_of_a_tool(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["busy"] = BUSY
    chat = await talk()
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "begun").exists)
    await chat.adapter.steer("the-word-is-heron", ())
    await chat.adapter.steer(
        "and look", (Attachment(name="a.txt", media_type="text/plain", data="the-word-is-stork"),)
    )
    assert (await chat.ended()).stop_reason == "end_turn"
    assert len(server.asked) == 2, "no request of their own"
    heard = str(server.asked[-1].body["messages"])
    assert "the-word-is-heron" in heard
    assert "the-word-is-stork" in heard
    assert (await chat.prompt("On")).stop_reason == "end_turn"
    assert len(chat.of(TurnEnded)) == 2


async def test_words_that_come_after_the_last_tool_are_answered_in_the_same_task(
    talk: Start, server: AnthropicServer
) -> None:
    server.book["long"] = LONG
    chat = await talk()
    await chat.send("SCRIPT:long")
    await chat.wait(lambda: chat.of(AgentMessageChunk))
    await chat.adapter.steer("the-word-is-heron", ())
    ended = await chat.ended()
    assert ended.stop_reason == "end_turn"
    assert "You said: the-word-is-heron" in chat.text, "the second turn belongs to the task"
    assert len(server.asked) == 2
    assert ended.usage.input_tokens == 200, "and so does what it used"
    assert chat.of(UsageUpdate)[-1].usage.input_tokens == 200
    assert (await chat.prompt("On")).usage.input_tokens == 100
    assert len(chat.of(TurnEnded)) == 2


async def test_an_interrupt_stops_the_words_that_were_put_in_too(
    talk: Start, server: AnthropicServer, worktree: Path
) -> None:
    server.book["busy"] = script(use("Bash", command="sh -c 'touch begun; sleep 71'"), say("Never."))
    server.book["more"] = LONG
    chat = await talk()
    await chat.send("SCRIPT:busy")
    await wait_until((worktree / "begun").exists)
    await chat.adapter.steer("SCRIPT:more", ())
    begun = asyncio.get_running_loop().time()
    stopping = asyncio.create_task(chat.adapter.interrupt())
    await asyncio.sleep(0)
    with pytest.raises(Conflict):
        await chat.adapter.steer("while it is being stopped", ())
    await stopping
    assert (await chat.ended()).stop_reason == "cancelled"
    assert asyncio.get_running_loop().time() - begun < 5
    with pytest.raises(Conflict):
        await chat.adapter.steer("too late", ())
    server.book["next"] = script(say("The next one."))
    ended = await chat.prompt("SCRIPT:next")
    assert ended.stop_reason == "end_turn"
    assert "The next one." in chat.text
    assert "Never." not in chat.text
    assert [item.stop_reason for item in chat.of(TurnEnded)] == ["cancelled", "end_turn"]


async def test_without_a_turn_words_are_refused(talk: Start, server: AnthropicServer) -> None:
    chat = await talk()
    with pytest.raises(Conflict, match="not at work"):
        await chat.adapter.steer("too early", ())
    await chat.prompt("Hello")
    with pytest.raises(Conflict, match="not at work"):
        await chat.adapter.steer("too late", ())
    assert len(server.asked) == 1


def result(*named: str) -> ResultMessage:
    return ResultMessage(
        subtype="success",
        duration_ms=1,
        duration_api_ms=1,
        is_error=False,
        num_turns=1,
        session_id="s",
        user_message_uuids=list(named) or None,
    )


def test_a_task_ends_with_the_last_of_its_words() -> None:
    task = UnderWay(TaskId("task_1"))
    prompt, steered = task.owe(), task.owe()
    assert not task.take(result("somebody's"))
    assert task.take(result(prompt))
    assert task.conclude(TurnEnded(stop_reason="failed", error="Busy.")) is None
    task.begins(["somebody's"])
    task.moved.clear()
    task.begins([steered])
    assert task.moved.is_set()
    assert task.take(result(steered))
    ended = TurnEnded(stop_reason="end_turn")
    assert task.conclude(ended) == ended


def test_a_task_that_was_stopped_stays_stopped() -> None:
    task = UnderWay(TaskId("task_1"))
    prompt, steered = task.owe(), task.owe()
    task.take(result(prompt))
    assert task.conclude(TurnEnded(stop_reason="cancelled")) is None
    task.take(result(steered))
    assert task.conclude(TurnEnded(stop_reason="end_turn")) == TurnEnded(stop_reason="cancelled")


def test_a_result_that_names_nobody_ends_the_task() -> None:
    task = UnderWay(TaskId("task_1"))
    task.owe()
    task.owe()
    assert task.take(result())
    assert task.owed == []
