"""Joins adjacent chunks of one message, so that the log holds sentences rather than tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agor_jupyter.domain.events import AgentMessageChunk, AgentThoughtChunk, Draft, ToolCallUpdate

JOINED_CHARACTERS = 256 * 1024
"""What is longer is not joined any more: each event is sent, and drawn, as one."""


def join_chunks(drafts: Iterable[Draft]) -> list[Draft]:
    """Join neighbours that continue each other; order and all other drafts stay as they are."""
    joined: list[Draft] = []
    for draft in drafts:
        merged = _merge(joined[-1], draft) if joined else None
        if merged is None:
            joined.append(draft)
        else:
            joined[-1] = merged
    return joined


def _merge(first: Draft, second: Draft) -> Draft | None:
    if first.task_id != second.task_id:
        return None
    a, b = first.update, second.update
    if isinstance(a, AgentMessageChunk | AgentThoughtChunk) and type(a) is type(b):
        same = (a.message_id, a.parent_tool_call_id) == (b.message_id, b.parent_tool_call_id)
        fits = len(a.text) + len(b.text) <= JOINED_CHARACTERS
        return _with(first, a.model_copy(update={"text": a.text + b.text})) if same and fits else None
    if isinstance(a, ToolCallUpdate) and isinstance(b, ToolCallUpdate):
        return _merge_output(first, a, b)
    return None


def _merge_output(first: Draft, a: ToolCallUpdate, b: ToolCallUpdate) -> Draft | None:
    """Join two pieces of output of one call, when neither says anything else."""
    if a.tool_call_id != b.tool_call_id or a.output_delta is None or b.output_delta is None:
        return None
    if any(_says_more(update) for update in (a, b)):
        return None
    if len(a.output_delta) + len(b.output_delta) > JOINED_CHARACTERS:
        return None
    return _with(first, a.model_copy(update={"output_delta": a.output_delta + b.output_delta}))


def _says_more(update: ToolCallUpdate) -> bool:
    named = (update.title, update.status, update.input, update.locations, update.content)
    return any(value is not None for value in named)


def _with(draft: Draft, update: AgentMessageChunk | AgentThoughtChunk | ToolCallUpdate) -> Draft:
    return draft.model_copy(update={"update": update})
