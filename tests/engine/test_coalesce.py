"""Chunks of one message are joined, and never to more than one event may hold."""

from __future__ import annotations

from agor_jupyter.domain.events import AgentMessageChunk, Draft, SessionUpdate, ToolCallUpdate
from agor_jupyter.domain.ids import MessageId, ToolCallId
from agor_jupyter.engine.coalesce import JOINED_CHARACTERS, join_chunks


def drafts(*updates: SessionUpdate) -> list[Draft]:
    return [Draft(at_ms=1, update=update) for update in updates]


def said(text: str) -> AgentMessageChunk:
    return AgentMessageChunk(message_id=MessageId("m"), text=text)


def printed(text: str) -> ToolCallUpdate:
    return ToolCallUpdate(tool_call_id=ToolCallId("t"), output_delta=text)


def test_neighbours_are_joined() -> None:
    joined = join_chunks(drafts(said("a"), said("b"), printed("c"), printed("d"), said("e")))
    assert [draft.update for draft in joined] == [said("ab"), printed("cd"), said("e")]


def test_what_would_be_too_long_is_not_joined() -> None:
    piece = "x" * (JOINED_CHARACTERS // 2)
    joined = join_chunks(drafts(*[said(piece)] * 5, *[printed(piece)] * 5))
    texts = [getattr(draft.update, "text", None) or draft.update.output_delta for draft in joined]  # type: ignore[union-attr]  # one of the two kinds
    assert "".join(texts) == piece * 10
    assert max(map(len, texts)) <= JOINED_CHARACTERS
