"""What a room below `service` may ask of the outside, as Protocols. `extension.py` hands them in.

`store` implements the log, its bus and the records (and, in `store.memory`, the same in memory);
`engine` implements `WorkPort`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.credential import Credential
from agor_jupyter.domain.events import Draft, SessionEvent, WorkspaceEvent
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.mcp_server import OwnServer
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session, Task

T = TypeVar("T")

Clock = Callable[[], int]
"""Milliseconds since the Unix epoch."""

NewId = Callable[[str], str]
"""Makes an id of a prefix (`ids.make_id` with real entropy, or a counter in a test)."""


class Page(Value, Generic[T]):
    """A slice of a list. `next` is the cursor of the following one, or None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True)
class Appended:
    """Events of one session were stored; `session` is the record after the last of them."""

    session: Session
    events: tuple[SessionEvent, ...]


@dataclass(frozen=True)
class WorkspaceAppended:
    events: tuple[WorkspaceEvent, ...]


@dataclass(frozen=True)
class Behind:
    """The reader was too slow and missed items: read again from the log."""


BusItem = Appended | WorkspaceAppended | Behind


class Subscription(Protocol):
    """An endless iterator of what was appended since it was made; bounded. Close it."""

    def __aiter__(self) -> AsyncIterator[BusItem]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class RunnerMark:
    """How far a runner's log was consumed: committed with the events made from it."""

    run_id: str
    offset: int


class EventSource(Protocol):
    """The reading side of the log."""

    async def session(self, session_id: SessionId) -> Session | None: ...

    async def sessions(
        self,
        *,
        worktree_id: str | None = None,
        status: str | None = None,
        archived: bool | None = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Session]:
        """List sessions, last updated first."""
        ...

    async def task(self, task_id: TaskId) -> Task | None: ...

    async def tasks(
        self, session_id: SessionId, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Task]:
        """List a session's tasks in the order they were queued."""
        ...

    async def read(
        self,
        session_id: SessionId,
        *,
        after_seq: int = 0,
        before_seq: int | None = None,
        limit: int = 500,
        task_id: TaskId | None = None,
        newest: bool = False,
    ) -> list[SessionEvent]:
        """Read events in order of seq. `newest` takes the last `limit` of them, still in order."""
        ...

    async def read_workspace(self, *, after_seq: int = 0, limit: int = 500) -> list[WorkspaceEvent]: ...

    async def request(self, request_id: RequestId) -> SessionEvent | None:
        """Find the `permission_request` event of an id."""
        ...

    async def resolution(self, request_id: RequestId) -> SessionEvent | None:
        """Find the `permission_resolved` event of a request, or None while it waits."""
        ...

    async def pending(self) -> list[SessionEvent]:
        """List the `permission_request` events that nobody has answered, oldest first."""
        ...

    def subscribe(self, session_id: SessionId | None = None, *, bound: int = 256) -> Subscription:
        """Follow one session, or (None) all sessions and the workspace."""
        ...


class EventLog(EventSource, Protocol):
    """The writing side: for the engine only."""

    async def append(
        self,
        session_id: SessionId,
        drafts: Sequence[Draft],
        *,
        mark: RunnerMark | None = None,
        create: Session | None = None,
    ) -> Appended:
        """Stamp, store and publish. One transaction: events, session and task records, mark.

        Returns when it is durable. `create` stores a new session (its `session_created` event must
        be the first draft). Nothing is published before it is stored. An empty `drafts` with a
        `mark` only moves the mark.
        """
        ...

    async def save_runner(self, run_id: str, session_id: SessionId, handle: str) -> None:
        """Remember a runner (its handle as JSON) before it is given work."""
        ...

    async def runners(self) -> list[tuple[str, SessionId, str, int]]:
        """List `(run_id, session_id, handle, offset)` of the runners that are not forgotten."""
        ...

    async def forget_runner(self, run_id: str) -> None: ...


class Table(Protocol[T]):
    """One noun's records. `put` and `delete` also write and publish a workspace event."""

    async def get(self, id: str) -> T | None: ...

    async def list(self, *, limit: int = 100, cursor: str | None = None, **where: str | None) -> Page[T]:
        """List in the order of making. `where` compares top-level fields of the record."""
        ...

    async def put(self, thing: T, *, by: UserId) -> T:
        """Insert or replace, by id."""
        ...

    async def delete(self, id: str, *, by: UserId) -> None: ...


@dataclass(frozen=True)
class Answer:
    """The stored answer of an idempotent request."""

    status: int
    body: str


class Vault(Protocol):
    """People's credentials, each under its name. Values are sealed; they leave by `unseal` alone.

    What cannot be sealed or unsealed raises `CredentialsSealed`. Nothing of it is ever an event.
    """

    async def listed(self, user: UserId) -> tuple[Credential, ...]:
        """List what this person has set, by name."""
        ...

    async def seal(self, user: UserId, name: str, value: str) -> None: ...

    async def unseal(self, user: UserId, names: Iterable[str]) -> dict[str, str]:
        """Give the values of those `names` that this person has set. Reads no others."""
        ...

    async def forget(self, user: UserId, name: str) -> None: ...


class OwnServers(Protocol):
    """People's own MCP servers, each its owner's alone: none of it is ever an event."""

    async def get(self, id: str) -> OwnServer | None: ...

    async def of(self, owner: UserId) -> tuple[OwnServer, ...]:
        """List a person's, in the order of making."""
        ...

    async def put(self, server: OwnServer) -> None:
        """Insert or replace, by id."""
        ...

    async def delete(self, id: str) -> None: ...


class Records(Protocol):
    """What `service` writes: nouns, idempotent answers, the boards' snapshots, people."""

    @property
    def vault(self) -> Vault: ...

    @property
    def own_servers(self) -> OwnServers: ...

    @property
    def repos(self) -> Table[Repo]: ...

    @property
    def worktrees(self) -> Table[Worktree]: ...

    @property
    def boards(self) -> Table[Board]: ...

    async def answer_of(self, actor: UserId, key: str) -> Answer | None: ...

    async def keep_answer(self, actor: UserId, key: str, fingerprint: str, answer: Answer) -> None:
        """Keep an answer for 24 h. `fingerprint` is of the request: another one under the key is an error."""
        ...

    async def fingerprint_of(self, actor: UserId, key: str) -> str | None: ...

    async def snapshot(self, room_id: str) -> bytes | None: ...

    async def keep_snapshot(self, room_id: str, update: bytes) -> None: ...

    async def setting(self, user: UserId, name: str) -> str | None: ...

    async def keep_setting(self, user: UserId, name: str, value: str) -> None: ...


@dataclass(frozen=True)
class Prompt:
    """A prompt to be queued."""

    task_id: TaskId
    text: str
    attachments: tuple[Attachment, ...] = field(default=())


AgentState = Literal["none", "idle", "working"]
"""Whether a session's agent is up: with a task, or waiting for one."""


class WorkPort(Protocol):
    """What may be asked of the engine. Each returns when the fact is durable.

    `by_name` is what others call the person at this moment; events keep it, for show.
    """

    async def create_session(self, session: Session) -> Session: ...

    async def prompt(
        self, session_id: SessionId, prompt: Prompt, *, by: UserId, by_name: str = ""
    ) -> Task: ...

    async def edit_task(
        self,
        task_id: TaskId,
        *,
        by: UserId,
        by_name: str = "",
        prompt: str | None = None,
        place: int | None = None,
    ) -> Task: ...

    async def remove_task(self, task_id: TaskId, *, by: UserId, by_name: str = "") -> Task: ...

    async def interrupt(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session: ...

    async def resume(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session:
        """Let a paused queue go on; a lost or failed session is idle again."""
        ...

    async def answer(
        self,
        request_id: RequestId,
        *,
        by: UserId,
        by_name: str = "",
        option_id: str | None = None,
        message: str = "",
        answers: dict[str, str] | None = None,
        digest: str | None = None,
    ) -> SessionEvent:
        """Answer once. A second answer raises `AlreadyAnswered` naming who was first."""
        ...

    async def set_mode(
        self, session_id: SessionId, mode: Mode, *, by: UserId, by_name: str = ""
    ) -> Session: ...

    async def set_model(
        self, session_id: SessionId, model: str, *, by: UserId, by_name: str = ""
    ) -> Session: ...

    async def set_effort(
        self, session_id: SessionId, effort: str, *, by: UserId, by_name: str = ""
    ) -> Session: ...

    async def steer(
        self,
        session_id: SessionId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> Session:
        """Put words into the running turn. Raises `Conflict` when none is under way."""
        ...

    async def update_session(
        self,
        session_id: SessionId,
        *,
        by: UserId,
        by_name: str = "",
        title: str | None = None,
        archived: bool | None = None,
        status_line: str | None = None,
    ) -> Session:
        """Change the record. `archived` is stored first, and with it ends the agent's right to call the
        house's tools; then what runs is interrupted and the runner ended, which may take long."""
        ...

    def agent_state(self, session_id: SessionId) -> AgentState:
        """Say whether the session's agent is up, as far as is known here."""
        ...

    async def close_agent(self, session_id: SessionId) -> None:
        """End an agent that has no task: the next prompt starts it anew and resumes the conversation.

        None is up: nothing is done. Raises `Conflict` while a task is under way, or could not wait.
        """
        ...


class TokenIssuer(Protocol):
    """Mints and checks scoped tokens for kernels and outside clients."""

    async def mint(self, user: UserId, purpose: str) -> str: ...

    async def check(self, token: str) -> UserId | None: ...

    async def revoke(self, token: str) -> None: ...

    async def revoke_all(self, purpose: str) -> None:
        """Revoke every token of a purpose."""
        ...
