"""The one reducer: a session and the event that follows it give the next session.

`apply` keeps the small record (status, queue, who must answer); `apply_block` keeps what was
said in one task, for those who draw it. The front end's `applyEvent.ts` mirrors both, held by the
golden files in `tests/golden/events`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from agor_jupyter.domain import lifecycle
from agor_jupyter.domain.content import (
    PlanEntry,
    TerminalContent,
    ToolContent,
    ToolKind,
    ToolLocation,
    ToolStatus,
    add_usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    Compaction,
    Draft,
    EffortChanged,
    ModeChanged,
    ModelChanged,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    QueuePaused,
    QueueResumed,
    QueueWaiting,
    SessionCreated,
    SessionEvent,
    SessionUpdated,
    Steered,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import RequestId, TaskId, ToolCallId, UserId
from agor_jupyter.domain.last_words import last_line, line_ended
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.queueing import known, moved, waiting
from agor_jupyter.domain.session import Session

_TOLD = ("native_ref", "models", "model_labels", "efforts", "commands", "trusted", "instructions")
_STREAMED = frozenset({AgentMessageChunk, AgentThoughtChunk, ToolCallUpdate, UsageUpdate})


def apply(session: Session, event: SessionEvent) -> Session:
    """Fold one event into the session's record. Events must come in the order of `seq`."""
    changes = _changes(session, event)
    changes["last_seq"], changes["updated_ms"] = event.seq, event.at_ms
    if session.archived and "archived" not in changes:
        changes.pop("status", None)  # what still ends in a session that was put away brings it not back
    return session.changed(changes)


def _changes(session: Session, event: SessionEvent | Draft) -> dict[str, object]:
    update, task_id = event.update, event.task_id
    # These come by the thousand; each class pattern that they would pass below is a slow isinstance.
    if type(update) in _STREAMED:
        return _said(session, update)
    match update:
        case TaskQueued():
            queue = (*session.queue, known(task_id))
            return {"queue": queue, "task_count": session.task_count + 1, **_rest(session, queue=queue)}
        case TaskUpdated(place=place) if place is not None:
            return {"queue": moved(session.queue, known(task_id), place)}
        case TaskRemoved():
            return _removed(session, task_id)
        case TaskStarted():
            queue = tuple(item for item in session.queue if item != task_id)
            return {
                "queue": queue,
                "current_task": task_id,
                "status": "starting",
                "waits": None,
                "error": "",
                "hint": "",
                "last_words": line_ended(session.last_words),
            }
        case TaskEnded():
            return _ended(session, update)
        case QueuePaused(reason=reason, hint=hint):
            return _paused(session, reason, hint)
        case QueueWaiting(reason=reason):
            return {"waits": waiting(session, reason, event.at_ms)}
        case QueueResumed():
            resumed = session.model_copy(update={"last_stop_reason": None})
            return {
                "queue_paused": "",
                "last_stop_reason": None,
                "error": "",
                "hint": "",
                **_rest(resumed, paused=False),
            }
        case PermissionRequest(request_id=request_id):
            return {"pending": (*session.pending, request_id), "status": "awaiting_permission"}
        case PermissionResolved(request_id=request_id):
            pending = tuple(item for item in session.pending if item != request_id)
            status = "awaiting_permission" if pending else "running"
            return {"pending": pending, **({"status": status} if session.current_task else {})}
        case _:
            return _said(session, update)


def _said(session: Session, update: object) -> dict[str, object]:
    match update:
        case AgentMessageChunk(text=text):
            return {"last_words": last_line(session.last_words, text), **_running(session)}
        case ToolCall():
            return {"last_words": line_ended(session.last_words), **_running(session)}
        case AgentThoughtChunk() | ToolCallUpdate() | Plan():
            return _running(session)
        case AgentReady(model=model):
            return {
                **{name: getattr(update, name) for name in _TOLD},
                "model": model or session.model,
                **_running(session),
            }
        case UsageUpdate(context_used=used, context_size=size):
            return {"context_used": used, "context_size": size} if used is not None else {}
        case ModeChanged(mode=mode):
            return {"mode": mode}
        case ModelChanged(model=model):
            return {"model": model}
        case EffortChanged(effort=effort):
            return {"effort": effort}
        case SessionCreated(agent=agent, title=title, mode=mode, model=model):
            return {"agent": agent, "title": title, "mode": mode, "model": model}
        case SessionUpdated(title=title, archived=archived, status_line=line):
            return {
                **({"status_line": line} if line is not None else {}),
                **({"title": title} if title is not None else {}),
                **({"archived": archived, **_archive(session, archived)} if archived is not None else {}),
            }
        case _:
            return {}


def _ended(session: Session, update: TaskEnded) -> dict[str, object]:
    reason = update.stop_reason
    paused = bool(session.queue_paused)
    return {
        "current_task": None,
        "pending": (),
        "last_stop_reason": reason,
        "error": update.error,
        "hint": update.hint,
        "usage": add_usage(session.usage, update.usage),
        "status": lifecycle.resting(reason, len(session.queue), paused or lifecycle.pauses_queue(reason)),
    }


def _paused(session: Session, reason: str, hint: str) -> dict[str, object]:
    rest = {"waits": None, **_rest(session, paused=True)}
    if rest.get("status") == "idle":  # nothing went wrong before: what paused it is the failure
        return {**rest, "queue_paused": reason, "status": "failed", "error": reason, "hint": hint}
    return {"queue_paused": reason, **rest}


def _running(session: Session) -> dict[str, object]:
    return {"status": "running"} if session.status == "starting" else {}


def _removed(session: Session, task_id: TaskId | None) -> dict[str, object]:
    queue = tuple(item for item in session.queue if item != task_id)
    if queue or not session.queue_paused:
        waits = session.waits if queue else None
        return {"queue": queue, "waits": waits, **_rest(session, queue=queue)}
    # Nothing is left to hold: the next prompt is not to wait for a person.
    return {"queue": queue, "queue_paused": "", **_rest(session, queue=queue, paused=False)}


def _rest(
    session: Session, *, queue: tuple[TaskId, ...] | None = None, paused: bool | None = None
) -> dict[str, object]:
    """Name the status anew unless a task is under way."""
    if session.current_task is not None or session.archived:
        return {}
    count = len(session.queue if queue is None else queue)
    held = bool(session.queue_paused) if paused is None else paused
    if held and paused is None:
        return {}  # what paused the queue still says how the session stands
    return {"status": lifecycle.resting(session.last_stop_reason, count, held)}


def _archive(session: Session, archived: bool) -> dict[str, object]:
    if archived:
        return {"status": "archived", "waits": None}
    held = bool(session.queue_paused)
    return {"status": lifecycle.resting(session.last_stop_reason, len(session.queue), held)}


# --- what was said in one task -----------------------------------------------


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
                lambda block: block.model_copy(update={"resolved": update, "last_seq": event.seq}),
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
