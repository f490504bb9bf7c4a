"""What a kind of agent is: an adapter to talk to it, and data about what it can do.

An adapter lives in a runner process, one for one session. It yields the members of
`domain.events.AgentUpdate`; it never stores, publishes or decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.events import AgentUpdate
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.repo import ProjectFile
from agor_jupyter.domain.session import ForkPoint


class Capabilities(Value):
    """What an agent can do. What is False is refused with a 409 that names the field.

    A fork is the exception, unless that is asked for: it begins with a transcript, and says so.
    """

    streaming: bool = True
    thinking: bool = False
    permissions: bool = True
    allow_always: bool = True
    questions: bool = False
    plan: bool = False
    interrupt: bool = True
    steer: bool = False
    resume: bool = True
    fork: bool = False
    fork_at_message: bool = False
    set_model: bool = False
    any_model: bool = False
    """It takes models that it does not list."""
    set_effort: bool = False
    modes: tuple[Mode, ...] = ("ask", "accept_edits", "plan", "full_auto")
    images: bool = False
    files: bool = False
    commands: bool = False
    context_usage: bool = False
    compaction: bool = False
    cost: bool = False
    mcp: bool = False
    elicitation: bool = False
    house_tools: bool = False
    instructions: bool = False
    subagents: bool = False
    runs_unasked_in_sandbox: bool = False
    reads_untrusted: bool = False
    """It decides for itself what it reads of a repository: it starts only where that is trusted."""
    project_files: tuple[ProjectFile, ...] = ()
    """What the agent reads of a repository once it is trusted, and what else of its own may lie there."""
    notes: Mapping[str, str] = {}
    """Why a field is False, or what it means here: `{field: one sentence}`."""


class Probe(Value):
    """Whether an agent can be used on this machine now, and if not, what to do next."""

    installed: bool
    version: str = ""
    authenticated: bool | None = None  # None: cannot be known without a call
    hint: str = ""
    models: tuple[str, ...] = ()
    default_model: str = ""
    efforts: tuple[str, ...] = ()
    """What `effort` may be, as far as it is known before a session has started."""


class McpServer(Value):
    """A tool server that a person brings: started by `command` (stdio), or reached at `url` (HTTP).

    Values of `environment` and `headers` may name variables of the agent's environment as `${NAME}`:
    a secret is passed by such a reference, never by value, so it reaches no argv and no file.
    """

    name: str
    transport: Literal["stdio", "http"] = "stdio"
    command: tuple[str, ...] = ()
    url: str = ""
    environment: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class ToolSpec(Value):
    """One of the house's own tools, as a model sees it. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]  # a JSON schema: any shape is legal


class ToolAnswer(Value):
    """What a house's tool gave: text (JSON where it is data), or why it could not."""

    text: str
    failed: bool = False


ToolCaller = Callable[[str, Mapping[str, Any]], Awaitable[ToolAnswer]]
"""Calls a house's tool by name with its arguments. Never raises: a failure is an answer."""


class SessionSpec(Value):
    """All that an adapter needs to start or resume one conversation.

    `environment` is the whole environment of the agent (an allow-list was applied before); `credentials`
    names what of it the session's owner has set for themselves: it counts before any login of the machine.
    `state_dir` is a private 0700 folder of this person and agent kind that outlives the runner.
    `fork` counts only where `native_ref` is empty. `trusted`: a person trusts this repository, so its
    instructions and the agent's own settings in it may be read; nothing of it is interpreted otherwise.
    `tools` are the house's own; an agent that takes tools only by MCP starts `bridge` (an argv; stdio).
    """

    session_id: SessionId
    worktree: str
    mode: Mode = "ask"
    model: str = ""
    effort: str = ""
    native_ref: str = ""  # set: resume this conversation
    fork: ForkPoint | None = None
    trusted: bool = False
    mcp_servers: tuple[McpServer, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    bridge: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    credentials: tuple[str, ...] = ()
    state_dir: str
    system_append: str = ""
    options: dict[str, Any] = {}  # the kind's own settings, checked by the adapter


class Decision(Value):
    """A person's, or the policy's, answer to a permission request."""

    outcome: str  # "selected" | "cancelled"
    option_id: str | None = None
    message: str = ""
    answers: dict[str, str] = {}


class AgentAdapter(Protocol):
    """One conversation with one agent. Methods raise `domain.errors`; `events` is endless.

    What a capability denies is never called.
    """

    def use_tools(self, call: ToolCaller) -> None:
        """Take the way to the house's tools (`SessionSpec.tools`); called before `start`, if at all."""
        ...

    async def start(self, spec: SessionSpec) -> None:
        """Start the agent, or resume `spec.native_ref`. `agent_ready` follows in `events`."""
        ...

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Send a prompt; returns when it was handed over. One `turn_ended` follows in `events`."""
        ...

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Put words into the running turn; no turn of their own ends for them.

        Raises `Conflict` when no turn is under way (any more): the words were not taken.
        """
        ...

    async def interrupt(self) -> None:
        """Stop the turn and all its processes; idempotent. `turn_ended` (cancelled) follows."""
        ...

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        """Hand over a decision. An unknown or withdrawn request is ignored."""
        ...

    async def set_mode(self, mode: Mode) -> None: ...

    async def set_model(self, model: str) -> None: ...

    async def set_effort(self, effort: str) -> None: ...

    def events(self) -> AsyncIterator[AgentUpdate]:
        """Yield all updates in order, for ever; ends when the agent's process is gone."""
        ...

    async def close(self) -> None:
        """End the agent and every process it started. Idempotent."""
        ...


class AgentKind(Protocol):
    """What an entry point of the group `agor_jupyter.agents` names (a module-level object)."""

    @property
    def kind(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def variables(self) -> tuple[str, ...]:
        """Name what the agent may see of the server's environment beyond the common allow-list."""
        ...

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        """Look, quickly (≤ 2 s) and off the event loop; never raises for a missing agent."""
        ...

    def make(self) -> AgentAdapter:
        """Make an adapter. Heavy imports happen in its `start`, in a thread."""
        ...


@runtime_checkable
class TakesCredentials(Protocol):
    """A kind that says which of its `variables` are secrets that a person may set for themselves."""

    @property
    def credentials(self) -> tuple[str, ...]: ...


def credentials_of(kind: AgentKind) -> tuple[str, ...]:
    """Name the credentials that a kind takes; none where it does not say."""
    return kind.credentials if isinstance(kind, TakesCredentials) else ()


@runtime_checkable
class Configurable(Protocol):
    """A kind whose title and probe depend on the server's options for it (`AgorApp.agent_options`)."""

    def with_options(self, options: Mapping[str, Any]) -> AgentKind: ...
