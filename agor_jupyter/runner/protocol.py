"""What a runner and a server say to each other: frames in the log, lines on the socket.

The log (`events.jsonl`) holds one `Frame` a line, UTF-8, ended by a newline; a line without its
newline is torn and is cut off when the log is opened again. The *offset* of a frame is the number
of bytes of the log up to and with its newline: attaching at an offset continues right after it.

On the socket each side sends one JSON object a line. Server → runner: `Command`. Runner → server:
`{"offset": n, "frame": Frame}` for what was logged, `{"ack": id, "error": problem | null}` for each
command, `{"call": id, "tool": name, "input": {…}}` for a house's tool that the agent calls, answered by
the command `tool_answer`. A line is at most `LINE_LIMIT` bytes.

On the second socket (`tools_socket_path`) a bridge speaks: `ListTools` and `CallTool` in, nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from agor_jupyter.agents.base import Decision, SessionSpec, ToolAnswer, ToolSpec
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.policy import Policy

LINE_LIMIT = 64 * 2**20


class RunnerSpec(Value):
    """What a runner reads from its standard input, once, when it starts. Never in argv."""

    run_id: str
    agent: str
    session: SessionSpec
    policy: Policy
    log_path: str
    socket_path: str
    orphan_hours: float = 12.0
    idle_seconds: float = 0.0  # > 0: without work for so long, end in order


class RunnerStarted(Value):
    type: Literal["runner_started"] = "runner_started"
    run_id: str
    session_id: SessionId
    pid: int


class TaskAccepted(Value):
    """The runner has the prompt: sending it again (after a crash) does nothing."""

    type: Literal["task_accepted"] = "task_accepted"


class RunnerEnded(Value):
    """The runner's last frame. `reason`: closed, agent_exited, start_failed, orphaned, idle.

    `capability` names what the agent lacks, where a start failed for that.
    """

    type: Literal["runner_ended"] = "runner_ended"
    reason: Literal["closed", "agent_exited", "start_failed", "orphaned", "idle"]
    error: str = ""
    hint: str = ""
    capability: str = ""


class Frame(Value):
    """One line of the log. `task_id` names the task under way when it was written."""

    at_ms: int
    task_id: TaskId | None = None
    update: AgentUpdate | RunnerStarted | TaskAccepted | RunnerEnded


class Attach(Value):
    type: Literal["attach"] = "attach"
    id: int
    offset: int = 0


class SendPrompt(Value):
    type: Literal["prompt"] = "prompt"
    id: int
    task_id: TaskId
    text: str
    attachments: tuple[Attachment, ...] = ()


class SendInterrupt(Value):
    type: Literal["interrupt"] = "interrupt"
    id: int


class SendAnswer(Value):
    type: Literal["answer"] = "answer"
    id: int
    request_id: RequestId
    decision: Decision
    by: str


class SetMode(Value):
    type: Literal["set_mode"] = "set_mode"
    id: int
    mode: Mode
    by: str


class SetModel(Value):
    type: Literal["set_model"] = "set_model"
    id: int
    model: str
    by: str


class SetEffort(Value):
    type: Literal["set_effort"] = "set_effort"
    id: int
    effort: str
    by: str


class SendSteer(Value):
    """Words for the running turn of `task_id`; refused with `Conflict` when it is not under way."""

    type: Literal["steer"] = "steer"
    id: int
    task_id: TaskId
    text: str
    attachments: tuple[Attachment, ...] = ()
    by: UserId
    by_name: str = ""


class SendToolAnswer(Value):
    """The server's answer to a `ToolAsked`. One that nobody waits for is ignored."""

    type: Literal["tool_answer"] = "tool_answer"
    id: int
    call: str
    answer: ToolAnswer


class CloseRunner(Value):
    """End when the present task has ended (`finish_task`), or now."""

    type: Literal["close"] = "close"
    id: int
    finish_task: bool = False


Command = Annotated[
    Attach
    | SendPrompt
    | SendSteer
    | SendInterrupt
    | SendAnswer
    | SendToolAnswer
    | SetMode
    | SetModel
    | SetEffort
    | CloseRunner,
    Field(discriminator="type"),
]


class Logged(Value):
    """One frame on the socket. `offset` is where the frame after it begins."""

    offset: int
    frame: Frame


class ToolAsked(Value):
    """The agent calls one of the house's tools; sent again to who attaches while it waits."""

    call: str
    tool: str
    input: dict[str, Any] = {}  # the tool's own arguments: any shape is legal


class ListTools(Value):
    """A line of the bridge: which tools are there?"""

    type: Literal["list_tools"] = "list_tools"
    id: int


class ToolsListed(Value):
    id: int
    tools: tuple[ToolSpec, ...]


class CallTool(Value):
    """A line of the bridge."""

    type: Literal["call_tool"] = "call_tool"
    id: int
    tool: str
    input: dict[str, Any] = {}  # the tool's own arguments: any shape is legal


class ToolCalled(Value):
    """The answer to a line of the bridge."""

    id: int
    answer: ToolAnswer


class Ack(Value):
    """A command was done, or refused: `error` is the error's RFC 9457 members."""

    ack: int
    error: dict[str, Any] | None = None  # an error's own fields: any shape is legal


def tools_socket_path(socket_path: str) -> str:
    """Give the path of the socket at which a bridge may call tools, and do nothing else."""
    return f"{socket_path}.t"


def bridge_of(socket_path: str) -> tuple[str, ...]:
    """Give the command of a stdio MCP server that offers the tools of the runner at `socket_path`."""
    script = Path(__file__).with_name("bridge.py")
    return (sys.executable, "-I", "-S", str(script), tools_socket_path(socket_path))


command_adapter: TypeAdapter[Command] = TypeAdapter(Command)
bridge_adapter: TypeAdapter[ListTools | CallTool] = TypeAdapter(
    Annotated[ListTools | CallTool, Field(discriminator="type")]
)
