"""Sessions and tasks as they are listed: small records, without the words that were said."""

from __future__ import annotations

from typing import Literal

from agor_jupyter.domain.content import Mode, SlashCommand, StopReason, Usage
from agor_jupyter.domain.ids import SessionId, TaskId, UserId, WorktreeId
from agor_jupyter.domain.model import Value

SessionStatus = Literal[
    "idle",
    "queued",
    "starting",
    "running",
    "awaiting_permission",
    "interrupted",
    "failed",
    "lost",
    "archived",
]
TaskStatus = Literal["queued", "running", "ended", "removed"]


class ForkPoint(Value):
    """Where a conversation begins that shares history with another one of the same kind.

    `native_ref` names the parent, `worktree` the folder it ran in; `message_ref` is the
    `last_message_ref` of the turn after which it branches ("" for the whole conversation).
    """

    native_ref: str
    worktree: str
    message_ref: str = ""


class ForkOrigin(Value):
    """What a fork shares with its parent (`Session.parent_id`), for people and for who draws it.

    `task_id` is the last task that both share (None: it began before the parent's first one), `sha` the
    commit that its new worktree began with ("" in the parent's own worktree). `replayed`: the agent does not
    remember it; its first prompt is preceded by a transcript.
    """

    task_id: TaskId | None = None
    sha: str = ""
    replayed: bool = False


class Waits(Value):
    """Why a queued prompt has not started although nothing holds its queue, and since when."""

    reason: str
    since_ms: int


class Session(Value):
    """One conversation with one agent in one worktree, as of event `last_seq`.

    Written only together with the events it follows from (`EventLog.append`).
    `status_line` is what the agent wants people to read; `last_words` is one line of at most 200
    characters. `queue_paused` says why, or is empty. `waits`: the queue goes on by itself, but not yet.
    `models`, `model_labels`, `efforts` and `commands` are what the running agent offers; empty before its
    first start. `trusted` and `instructions` are what it started with: whether the repository was trusted,
    and which of its files instruct the agent. `tool_servers` are the MCP servers that it started with, and
    why one is missing ("": no trouble is known). `unable` names what the kind can do and the agent at hand
    cannot, as it said when it started.
    """

    id: SessionId
    worktree_id: WorktreeId
    agent: str
    title: str
    owner: UserId
    owner_name: str = ""
    created_ms: int
    updated_ms: int
    status: SessionStatus = "idle"
    mode: Mode = "ask"
    model: str = ""
    effort: str = ""
    efforts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    model_labels: dict[str, str] = {}
    commands: tuple[SlashCommand, ...] = ()
    trusted: bool | None = None  # None: not started yet
    instructions: tuple[str, ...] = ()
    tool_servers: dict[str, str] = {}
    unable: tuple[str, ...] = ()
    parent_id: SessionId | None = None
    genealogy: Literal["root", "fork", "spawn"] = "root"
    fork: ForkPoint | None = None
    origin: ForkOrigin | None = None
    native_ref: str = ""
    last_seq: int = 0
    last_words: str = ""
    status_line: str = ""
    last_stop_reason: StopReason | None = None
    error: str = ""
    hint: str = ""
    queue_paused: str = ""
    waits: Waits | None = None
    current_task: TaskId | None = None
    queue: tuple[TaskId, ...] = ()
    task_count: int = 0
    pending: tuple[str, ...] = ()
    usage: Usage = Usage()
    context_used: int | None = None
    context_size: int | None = None
    archived: bool = False

    def outline(self) -> Session:
        """Give it as lists do: without the models and commands, which may be many times the rest."""
        if not self.models and not self.commands:
            return self
        return self.changed({"models": (), "model_labels": {}, "commands": ()})


class Task(Value):
    """One prompt and what became of it. `place` counts from 0 in the queue, None once started.

    `attached` names the files that came with it, `stopped_by` who asked last that it be stopped, as others
    call them.
    """

    id: TaskId
    session_id: SessionId
    by: UserId
    by_name: str = ""
    attached: tuple[str, ...] = ()
    stopped_by: str = ""
    prompt: str
    status: TaskStatus
    place: int | None = None
    queued_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    stop_reason: StopReason | None = None
    usage: Usage = Usage()
    base_sha: str = ""
    head_sha: str = ""
    checkpoint_ref: str = ""
    checkpoint_sha: str = ""
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    error: str = ""
    hint: str = ""
