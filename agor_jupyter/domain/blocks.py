"""What was said in one task, for those who draw it: `apply_block` folds its events.

The front end's `applyBlock.ts` mirrors it, held by the golden files in `tests/golden/events`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from agor_jupyter.domain.content import (
    PlanEntry,
    TerminalContent,
    ToolContent,
    ToolKind,
    ToolLocation,
    ToolStatus,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Compaction,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    SessionEvent,
    Steered,
    ToolCall,
    ToolCallUpdate,
)
from agor_jupyter.domain.ids import RequestId, ToolCallId, UserId
from agor_jupyter.domain.model import Value


class TextBlock(Value):
    """Words of the agent: spoken, or thought aloud. `first_seq` and `last_seq` bound its events."""

    type: Literal["text", "thought"]
    id: str
    text: str
    parent_tool_call_id: ToolCallId | None = None
    first_seq: int
    last_seq: int


class ToolBlock(Value):
    """One tool call from its beginning to its result."""

    type: Literal["tool"] = "tool"
    id: ToolCallId
    title: str
    kind: ToolKind
    status: ToolStatus
    input: dict[str, Any] = {}  # vendor JSON: any shape is legal
    locations: tuple[ToolLocation, ...] = ()
    content: tuple[ToolContent, ...] = ()
    parent_tool_call_id: ToolCallId | None = None
    started_ms: int
    ended_ms: int | None = None
    first_seq: int
    last_seq: int


class PermissionBlock(Value):
    """A request and, once somebody answered, the answer."""

    type: Literal["permission"] = "permission"
    id: RequestId
    request: PermissionRequest
    resolved: PermissionResolved | None = None
    first_seq: int
    last_seq: int


class NoticeBlock(Value):
    type: Literal["notice"] = "notice"
    id: str
    level: Literal["info", "warning", "error"]
    text: str
    hint: str = ""
    first_seq: int
    last_seq: int


class SteeredBlock(Value):
    """A person's words in the running turn. `attached` names the files that came with them."""

    type: Literal["steered"] = "steered"
    id: str
    by: UserId
    by_name: str = ""
    text: str
    attached: tuple[str, ...] = ()
    first_seq: int
    last_seq: int


Block = TextBlock | ToolBlock | PermissionBlock | NoticeBlock | SteeredBlock


class TaskContent(Value):
    """What was said in one task, in order. The plan stands apart: only its last state counts."""

    blocks: tuple[Block, ...] = ()
    plan: tuple[PlanEntry, ...] = ()


def apply_block(content: TaskContent, event: SessionEvent) -> TaskContent:
    """Fold one event of a task into what was said. Events of other kinds change nothing."""
    update = event.update
    match update:
        case AgentMessageChunk() | AgentThoughtChunk():
            return _with_text(content, update, event.seq)
        case ToolCall():
            return _with_tool(content, update, event)
        case ToolCallUpdate(tool_call_id=tool_call_id):
            return _replaced(content, tool_call_id, lambda block: _updated(block, update, event))
        case Plan(entries=entries):
            return content.model_copy(update={"plan": entries})
        case PermissionRequest(request_id=request_id):
            block = PermissionBlock(id=request_id, request=update, first_seq=event.seq, last_seq=event.seq)
            return _appended(content, block)
        case PermissionResolved(request_id=request_id):
            return _replaced(
                content,
                request_id,
                lambda block: (
                    block.model_copy(update={"resolved": update, "last_seq": event.seq})
                    if isinstance(block, PermissionBlock)
                    else block  # a tool call that an agent named like a request
                ),
            )
        case Notice(level=level, text=text, hint=hint):
            return _appended(content, _notice(event.seq, level, text, hint))
        case Steered():
            return _appended(content, _steered(event.seq, update))
        case Compaction():
            return _appended(content, _notice(event.seq, "info", "The context was compacted.", ""))
        case _:
            return content


def _notice(seq: int, level: Literal["info", "warning", "error"], text: str, hint: str) -> NoticeBlock:
    return NoticeBlock(id=f"notice-{seq}", level=level, text=text, hint=hint, first_seq=seq, last_seq=seq)


def _steered(seq: int, said: Steered) -> SteeredBlock:
    return SteeredBlock(
        id=f"steered-{seq}",
        by=said.by,
        by_name=said.by_name,
        text=said.text,
        attached=tuple(item.name for item in said.attachments),
        first_seq=seq,
        last_seq=seq,
    )


def _with_text(content: TaskContent, chunk: AgentMessageChunk | AgentThoughtChunk, seq: int) -> TaskContent:
    kind: Literal["text", "thought"] = "text" if isinstance(chunk, AgentMessageChunk) else "thought"
    last = content.blocks[-1] if content.blocks else None
    # Only the last block grows: words after a tool call begin a new block even within one message.
    if isinstance(last, TextBlock) and last.type == kind and last.id.split("#")[0] == chunk.message_id:
        grown = last.model_copy(update={"text": last.text + chunk.text, "last_seq": seq})
        return content.model_copy(update={"blocks": (*content.blocks[:-1], grown)})
    block = TextBlock(
        type=kind,
        id=f"{chunk.message_id}#{seq}",
        text=chunk.text,
        parent_tool_call_id=chunk.parent_tool_call_id,
        first_seq=seq,
        last_seq=seq,
    )
    return _appended(content, block)


def _with_tool(content: TaskContent, call: ToolCall, event: SessionEvent) -> TaskContent:
    block = ToolBlock(
        id=call.tool_call_id,
        title=call.title,
        kind=call.kind,
        status=call.status,
        input=call.input,
        locations=call.locations,
        parent_tool_call_id=call.parent_tool_call_id,
        started_ms=event.at_ms,
        first_seq=event.seq,
        last_seq=event.seq,
    )
    return _appended(content, block)


def _updated(block: Block, update: ToolCallUpdate, event: SessionEvent) -> Block:
    if not isinstance(block, ToolBlock):
        return block
    given: Mapping[str, object] = {
        name: value
        for name in ("title", "status", "input", "locations", "content")
        if (value := getattr(update, name)) is not None
    }
    changes: dict[str, object] = {**given, "last_seq": event.seq}
    if update.status in ("completed", "failed"):
        changes["ended_ms"] = event.at_ms
    if update.output_delta is not None:
        before = update.content if update.content is not None else block.content
        changes["content"] = _grown(before, update.output_delta)
    return block.model_copy(update=changes)


def _grown(content: tuple[ToolContent, ...], delta: str) -> tuple[ToolContent, ...]:
    if content and isinstance(content[-1], TerminalContent):
        last = content[-1]
        return (*content[:-1], last.model_copy(update={"text": last.text + delta}))
    return (*content, TerminalContent(text=delta))


def _appended(content: TaskContent, block: Block) -> TaskContent:
    return content.model_copy(update={"blocks": (*content.blocks, block)})


def _replaced(content: TaskContent, block_id: str, change: Callable[[Any], Block]) -> TaskContent:
    for index in range(len(content.blocks) - 1, -1, -1):
        if content.blocks[index].id == block_id:
            blocks = (*content.blocks[:index], change(content.blocks[index]), *content.blocks[index + 1 :])
            return content.model_copy(update={"blocks": blocks})
    return content
