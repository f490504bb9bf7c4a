"""Forks of real conversations: into another folder, while the parent works, before any prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.claude.adapter import ClaudeAdapter
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.events import AgentMessageChunk, AgentReady
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Echo, Text, Turn, say, script, use

Start = Callable[..., Any]
MakeSpec = Callable[..., SessionSpec]
RECALL = script(Turn(blocks=(Text(text="I recall: "), Echo(of="prompts"))))
NEVER = "00000000-0000-4000-8000-000000000000"


def place(chat: Any, message_ref: str | None = "") -> ForkPoint:
    return ForkPoint(native_ref=chat.native_ref, worktree=chat.spec.worktree, message_ref=message_ref or "")


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    folder = (tmp_path / "elsewhere").resolve()
    folder.mkdir()
    return str(folder)


async def test_a_fork_in_another_folder_leaves_a_parent_that_works_alone(
    talk: Start, server: AnthropicServer, elsewhere: str
) -> None:
    server.book["slow"] = script(Turn(blocks=(Text(text="word " * 60, delay_seconds=0.05),)))
    server.book["recall"] = RECALL
    server.book["hello"] = script(say("Hello."))
    parent = await talk()
    await parent.prompt("the-word-is-heron SCRIPT:hello")
    await parent.send("the-word-is-stork SCRIPT:slow")
    await parent.wait(lambda: [c for c in parent.of(AgentMessageChunk) if "word" in c.text])

    child = await talk(session_id=SessionId("ses_0000000000000002"), worktree=elsewhere, fork=place(parent))
    ended = await child.prompt("SCRIPT:recall")

    assert ended.stop_reason == "end_turn"
    assert "the-word-is-heron" in child.text
    assert "the-word-is-stork" in child.text, "what the parent is being asked is known too"
    assert child.native_ref != parent.native_ref
    # The count goes on from a total that nobody knows while the parent lives; then it is known.
    assert ended.usage.cost_usd is None
    assert (await child.prompt("SCRIPT:hello")).usage.cost_usd
    assert (await parent.ended()).stop_reason == "end_turn"
    assert parent.text.count("word") == 60


async def test_a_fork_at_each_turn_and_of_a_fork(
    talk: Start, server: AnthropicServer, elsewhere: str
) -> None:
    server.book["work"] = script(use("Bash", command="ls"), say("Looked."))
    server.book["recall"] = RECALL
    parent = await talk()
    first = await parent.prompt("the-word-is-heron SCRIPT:work")
    second = await parent.prompt("the-word-is-stork SCRIPT:work")
    # A command of the program's own is no message that a conversation could be forked at.
    third = await parent.prompt("/context")
    assert third.last_message_ref == second.last_message_ref
    await parent.close()

    fork = await talk(worktree=elsewhere, fork=place(parent, first.last_message_ref))
    ended = await fork.prompt("the-word-is-crane SCRIPT:recall")
    assert "the-word-is-heron" in fork.text
    assert "the-word-is-stork" not in fork.text
    assert ended.usage.cost_usd == pytest.approx((first.usage.cost_usd or 0) / 2, rel=0.01)

    again = await talk(fork=place(fork))
    await again.prompt("SCRIPT:recall")
    assert [word in again.text for word in ("heron", "stork", "crane")] == [True, False, True]


async def test_a_fork_that_was_never_prompted_is_still_one_after_a_resume(
    talk: Start, server: AnthropicServer, elsewhere: str
) -> None:
    server.book["hello"] = script(say("Hello."))
    server.book["recall"] = RECALL
    parent = await talk()
    first = await parent.prompt("the-word-is-heron SCRIPT:hello")
    await parent.prompt("the-word-is-stork SCRIPT:hello")
    child = await talk(worktree=elsewhere, fork=place(parent, first.last_message_ref))
    await child.wait(lambda: child.of(AgentReady))
    await child.close()

    again = await talk(worktree=elsewhere, native_ref=child.native_ref)
    await again.prompt("SCRIPT:recall")

    assert again.native_ref == child.native_ref
    assert "the-word-is-heron" in again.text
    assert "the-word-is-stork" not in again.text


async def test_what_cannot_be_forked_is_said_on_start(talk: Start, make_spec: MakeSpec) -> None:
    parent = await talk()
    await parent.prompt("Hello")
    refused = {
        "no record of this conversation": ForkPoint(native_ref=NEVER, worktree=parent.spec.worktree),
        "message to fork at": place(parent, NEVER),
        "no reference": ForkPoint(native_ref="../x", worktree=parent.spec.worktree),
    }
    for said, point in refused.items():
        adapter = ClaudeAdapter()
        with pytest.raises(AgentUnavailable, match=said):
            await adapter.start(make_spec(fork=point))
        await adapter.close()


async def test_a_cleared_conversation_goes_on_under_its_new_name(
    talk: Start, make_spec: MakeSpec, server: AnthropicServer
) -> None:
    server.book["hello"] = script(say("Hello."))
    chat = await talk()
    assert (await chat.prompt("SCRIPT:hello")).last_message_ref
    first = chat.native_ref
    cleared = await chat.prompt("/clear")
    assert cleared.last_message_ref is None, "there is nothing in it to fork at"
    await chat.wait(lambda: len(chat.of(AgentReady)) == 2)
    assert chat.native_ref != first
    second = ClaudeAdapter()
    with pytest.raises(Conflict, match="live on this"):
        await second.start(make_spec(native_ref=chat.native_ref))
    await second.close()
    assert (await chat.prompt("SCRIPT:hello")).stop_reason == "end_turn"


async def test_a_compacted_conversation_is_forked_at_its_summary_or_later(
    talk: Start, server: AnthropicServer, make_spec: MakeSpec, elsewhere: str
) -> None:
    server.book["hello"] = script(say("Hello."))
    server.book["recall"] = RECALL
    parent = await talk()
    before = await parent.prompt("the-word-is-heron SCRIPT:hello")
    summary = await parent.prompt("/compact")
    after = await parent.prompt("the-word-is-stork SCRIPT:hello")
    for ended, knows in ((summary, False), (after, True)):
        child = await talk(worktree=elsewhere, fork=place(parent, ended.last_message_ref))
        await child.prompt("Hello")
        heard = str(server.asked[-1].body["messages"])
        assert "This session is being continued" in heard
        assert ("the-word-is-stork" in heard) == knows
    adapter = ClaudeAdapter()
    with pytest.raises(AgentUnavailable, match="message to fork at") as caught:
        await adapter.start(make_spec(fork=place(parent, before.last_message_ref)))
    assert "compaction" in caught.value.hint
    await adapter.close()
