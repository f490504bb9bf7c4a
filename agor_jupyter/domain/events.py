"""Everything that can be said about a session, as facts that are never changed.

A `SessionEvent` is an envelope (`seq`, session, task, time) around one *update*. An update's
`type` is the Agent Client Protocol's name where it has one; the task_* and session_* ones are
ours. Agents yield the members of `AgentUpdate`; the engine alone makes the rest.

Where a person acts, `by` is who answers for it and `by_name` what others called them at that moment:
without named users all are the one person `local`, and only the name tells them apart. It is for show.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from agor_jupyter.domain.content import (
    Attachment,
    Checkpoint,
    Mode,
    PermissionOption,
    PlanEntry,
    Question,
    SlashCommands,
    StopReason,
    ToolContent,
    ToolKind,
    ToolLocation,
    ToolStatus,
    Usage,
)
from agor_jupyter.domain.ids import MessageId, RequestId, SessionId, TaskId, ToolCallId, UserId
from agor_jupyter.domain.model import Value

# --- what an agent says ------------------------------------------------------


class AgentMessageChunk(Value):
    """Text of the agent. Chunks of one `message_id` join in order."""

    type: Literal["agent_message_chunk"] = "agent_message_chunk"
    message_id: MessageId
    text: str
    parent_tool_call_id: ToolCallId | None = None


class AgentThoughtChunk(Value):
    type: Literal["agent_thought_chunk"] = "agent_thought_chunk"
    message_id: MessageId
    text: str
    parent_tool_call_id: ToolCallId | None = None


class ToolCall(Value):
    """A tool call begins. `input` is the tool's own arguments, clipped by the adapter."""

    type: Literal["tool_call"] = "tool_call"
    tool_call_id: ToolCallId
    title: str
    kind: ToolKind = "other"
    status: ToolStatus = "pending"
    input: dict[str, Any] = {}  # vendor JSON: any shape is legal
    locations: tuple[ToolLocation, ...] = ()
    parent_tool_call_id: ToolCallId | None = None


class ToolCallUpdate(Value):
    """A tool call changes: a field that is None stays as it was.

    `content` replaces what was there; `output_delta` is appended to the last terminal content.
    """

    type: Literal["tool_call_update"] = "tool_call_update"
    tool_call_id: ToolCallId
    title: str | None = None
    status: ToolStatus | None = None
    input: dict[str, Any] | None = None  # vendor JSON: any shape is legal
    locations: tuple[ToolLocation, ...] | None = None
    content: tuple[ToolContent, ...] | None = None
    output_delta: str | None = None


class Plan(Value):
    """The whole plan; it replaces the one before."""

    type: Literal["plan"] = "plan"
    entries: tuple[PlanEntry, ...]


class PermissionRequest(Value):
    """The agent waits for an answer. `questions` is set when it asks rather than acts.

    `digest` is the sha-256 of the tool and its input: an answer is to this and nothing else.
    """

    type: Literal["permission_request"] = "permission_request"
    request_id: RequestId
    tool_call_id: ToolCallId | None = None
    title: str
    description: str = ""
    kind: ToolKind = "other"
    input: dict[str, Any] = {}  # vendor JSON: any shape is legal
    locations: tuple[ToolLocation, ...] = ()
    content: tuple[ToolContent, ...] = ()
    options: tuple[PermissionOption, ...] = ()
    questions: tuple[Question, ...] = ()
    digest: str


class PermissionResolved(Value):
    """Exactly one follows each request. `by` is a person's id, `policy`, or `agent` (withdrawn)."""

    type: Literal["permission_resolved"] = "permission_resolved"
    request_id: RequestId
    outcome: Literal["selected", "cancelled"]
    option_id: str | None = None
    by: str
    by_name: str = ""
    message: str = ""
    answers: dict[str, str] = {}


class UsageUpdate(Value):
    """How full the context is, and the running totals of the present task."""

    type: Literal["usage_update"] = "usage_update"
    usage: Usage
    context_used: int | None = None
    context_size: int | None = None


class AgentReady(Value):
    """The agent's process is up. `native_ref` is what resumes the same conversation later.

    An agent tells it again when what it offers has changed. `model_labels` names models for people, where
    the agent does. `trusted` says whether the repository was trusted when it started, `tool_servers` which
    MCP servers of its owner it started with, and why one is missing ("" where it told of no trouble): the
    runner fills both in. `unable` names what its kind can do and the agent at hand says that it cannot:
    `fork`, `images`, `resume`.
    """

    type: Literal["agent_ready"] = "agent_ready"
    native_ref: str
    version: str = ""
    model: str = ""
    models: tuple[str, ...] = ()
    model_labels: dict[str, str] = {}
    efforts: tuple[str, ...] = ()
    commands: SlashCommands = ()
    instructions: tuple[str, ...] = ()  # the project's instruction files that it reads, as paths
    trusted: bool | None = None
    tool_servers: dict[str, str] = {}
    unable: tuple[str, ...] = ()


class ModeChanged(Value):
    type: Literal["current_mode_update"] = "current_mode_update"
    mode: Mode
    by: str = "agent"
    by_name: str = ""


class ModelChanged(Value):
    type: Literal["current_model_update"] = "current_model_update"
    model: str
    by: str = "agent"
    by_name: str = ""


class EffortChanged(Value):
    type: Literal["current_effort_update"] = "current_effort_update"
    effort: str
    by: str = "agent"
    by_name: str = ""


class Steered(Value):
    """A person put words into the running turn. The runner says so once the agent has taken them."""

    type: Literal["steered"] = "steered"
    by: UserId
    by_name: str = ""
    text: str
    attachments: tuple[Attachment, ...] = ()


class Compaction(Value):
    type: Literal["compaction"] = "compaction"
    before_tokens: int | None = None
    after_tokens: int | None = None


class Notice(Value):
    """Something to tell the person that is neither an answer nor a failure of the task.

    `tool_servers` names the MCP servers that it is about: their tools are missing.
    """

    type: Literal["notice"] = "notice"
    level: Literal["info", "warning", "error"] = "info"
    text: str
    hint: str = ""
    tool_servers: tuple[str, ...] = ()


class TurnEnded(Value):
    """The agent's turn is over. The engine makes `task_ended` from it; it is never stored itself."""

    type: Literal["turn_ended"] = "turn_ended"
    stop_reason: StopReason
    usage: Usage = Usage()
    error: str = ""
    hint: str = ""
    last_message_ref: str | None = None  # the vendor's own id of the last message: the fork point


# --- what the house says -----------------------------------------------------


class SessionCreated(Value):
    type: Literal["session_created"] = "session_created"
    by: UserId
    by_name: str = ""
    agent: str
    title: str
    mode: Mode
    model: str = ""


class SessionUpdated(Value):
    """A person renamed the session or changed its archive state, or its agent said what it does now.

    `replayed`: its agent would not branch off what it is a fork of, so it is given a transcript instead.
    """

    type: Literal["session_updated"] = "session_updated"
    by: UserId
    by_name: str = ""
    title: str | None = None
    archived: bool | None = None
    status_line: str | None = None
    replayed: bool = False


class TaskQueued(Value):
    """A prompt was accepted: from this event on it is never lost."""

    type: Literal["task_queued"] = "task_queued"
    by: UserId
    by_name: str = ""
    prompt: str
    attachments: tuple[Attachment, ...] = ()


class TaskUpdated(Value):
    """A queued prompt was edited or moved. `place` counts from 0 within the queue."""

    type: Literal["task_updated"] = "task_updated"
    by: UserId
    by_name: str = ""
    prompt: str | None = None
    place: int | None = None


class TaskRemoved(Value):
    type: Literal["task_removed"] = "task_removed"
    by: UserId
    by_name: str = ""


class TaskStarted(Value):
    type: Literal["task_started"] = "task_started"
    base_sha: str
    checkpoint: Checkpoint | None = None


class TaskEnded(Value):
    type: Literal["task_ended"] = "task_ended"
    stop_reason: StopReason
    usage: Usage = Usage()
    head_sha: str = ""
    checkpoint: Checkpoint | None = None
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    error: str = ""
    hint: str = ""
    last_message_ref: str | None = None


class InterruptRequested(Value):
    type: Literal["interrupt_requested"] = "interrupt_requested"
    by: UserId
    by_name: str = ""


class QueuePaused(Value):
    """What is queued waits for a person. After a task that ended well it is a failure of its own."""

    type: Literal["queue_paused"] = "queue_paused"
    reason: str
    hint: str = ""


class QueueWaiting(Value):
    """What is queued waits for others to end; it starts by itself."""

    type: Literal["queue_waiting"] = "queue_waiting"
    reason: str


class QueueResumed(Value):
    type: Literal["queue_resumed"] = "queue_resumed"
    by: UserId
    by_name: str = ""


AgentUpdate = Annotated[
    AgentMessageChunk
    | AgentThoughtChunk
    | ToolCall
    | ToolCallUpdate
    | Plan
    | PermissionRequest
    | PermissionResolved
    | UsageUpdate
    | AgentReady
    | ModeChanged
    | ModelChanged
    | EffortChanged
    | Steered
    | Compaction
    | Notice
    | TurnEnded,
    Field(discriminator="type"),
]
SessionUpdate = Annotated[
    AgentMessageChunk
    | AgentThoughtChunk
    | ToolCall
    | ToolCallUpdate
    | Plan
    | PermissionRequest
    | PermissionResolved
    | UsageUpdate
    | AgentReady
    | ModeChanged
    | ModelChanged
    | EffortChanged
    | Steered
    | Compaction
    | Notice
    | SessionCreated
    | SessionUpdated
    | TaskQueued
    | TaskUpdated
    | TaskRemoved
    | TaskStarted
    | TaskEnded
    | InterruptRequested
    | QueuePaused
    | QueueWaiting
    | QueueResumed,
    Field(discriminator="type"),
]


class SessionEvent(Value):
    """One line of a session's log. `seq` counts from 1 without gaps; `at_ms` is Unix time."""

    seq: int
    session_id: SessionId
    task_id: TaskId | None = None
    at_ms: int
    update: SessionUpdate


class Draft(Value):
    """An event that is not appended yet: it has no `seq`."""

    task_id: TaskId | None = None
    at_ms: int
    update: SessionUpdate


class WorkspaceEvent(Value):
    """A fact outside any session: worktrees, boards, repos. `seq` is the workspace's own."""

    seq: int
    at_ms: int
    noun: Literal["repo", "worktree", "board", "session"]
    verb: Literal["created", "updated", "deleted"]
    id: str
    by: str
    body: dict[str, Any] = {}  # the thing as its own REST answer shows it


agent_update_adapter: TypeAdapter[AgentUpdate] = TypeAdapter(AgentUpdate)
session_update_adapter: TypeAdapter[SessionUpdate] = TypeAdapter(SessionUpdate)
