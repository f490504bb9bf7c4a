"""What every kind of agent must do, as cases that its author can run: the interface.

A *harness* says how to make one kind of agent do a given act (for a real agent: by a scripted
model server). A *case* (in `conformance_cases`) opens conversations on a *bench* and checks what
comes back. Each case runs twice: directly on the adapter, and through a real runner process.
No test framework is needed; `conformance_pytest` is the bridge to pytest.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from agor_jupyter.agents.base import (
    AgentKind,
    Capabilities,
    Decision,
    McpServer,
    SessionSpec,
    ToolSpec,
)
from agor_jupyter.agents.process import allowed_environment, marked
from agor_jupyter.domain.content import Attachment, Mode, PermissionKind
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentUpdate,
    PermissionRequest,
    TurnEnded,
)
from agor_jupyter.domain.ids import ENTROPY_BYTES, SessionId, TaskId, make_id
from agor_jupyter.domain.session import ForkPoint
from agor_jupyter.testing import mcp_probe

WAIT_SECONDS = 30.0
Driver = Literal["direct", "runner"]
UpdateT = TypeVar("UpdateT")


# --- acts: what a case wants the agent to do -----------------------------------


@dataclass(frozen=True)
class Say:
    """Stream exactly `text`, in at least a few pieces, over about `seconds`.

    `after_seconds` pass before the first piece. Benchmarks use it, no case does: a harness may leave it out.
    """

    text: str
    seconds: float = 0.0
    after_seconds: float = 0.0


@dataclass(frozen=True)
class Think:
    """Think aloud exactly `text`."""

    text: str


@dataclass(frozen=True)
class Write:
    """Make the file `path` (relative to the worktree) hold `text`, by the agent's own tool."""

    path: str
    text: str


@dataclass(frozen=True)
class Run:
    """Run a command line of the shell (POSIX sh, one line) by the agent's own tool."""

    command: str


@dataclass(frozen=True)
class Ask:
    """Ask the person `question`, by choices (and what they mean) or in own words; then say the answer."""

    question: str
    choices: tuple[str, ...]
    meanings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MakePlan:
    """Show a plan (a to-do list) of these entries."""

    entries: tuple[str, ...]


@dataclass(frozen=True)
class Recall:
    """Say the text of the *prompts before this one* as the agent (its model) still knows them."""


@dataclass(frozen=True)
class UseTool:
    """Call a tool that was handed in: of the MCP server `server`, or (empty) one of the house's own.

    Then say what it gave; with `silent`, go on without a word of it.
    """

    server: str
    tool: str
    arguments: Mapping[str, Any]
    silent: bool = False


@dataclass(frozen=True)
class CountImages:
    """Say how many images stand in the prompts, as the model sees them: `images: N`."""


Act = Say | Think | Write | Run | Ask | MakePlan | Recall | UseTool | CountImages


class Harness(Protocol):
    """How one kind of agent is made to act. One harness serves one case at a time.

    With a member `trusted` that is true, the case's worktree counts as trusted (`SessionSpec.trusted`).
    A class method `for_case(name)` makes the harness of a case; `BEYOND` names the cases that it cannot
    play, and why; one with a member `worktree` is told where it is. What faults need stands in `faulty`.
    """

    kind: AgentKind

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        """Give the prompt that makes the agent do `acts` in order, then end its turn.

        `note` must stand in the prompt: `Recall` in a later turn must bring it back.
        """
        ...

    def environment(self) -> dict[str, str]:
        """Give what this kind needs beyond the allow-list: addresses of fakes, dummy keys."""
        ...

    def options(self) -> dict[str, object]:
        """Give `SessionSpec.options`."""
        ...

    async def open(self) -> None:
        """Start what the harness needs (a scripted server), before the case."""
        ...

    async def close(self) -> None: ...


PROBE = McpServer(
    name="probe",
    command=(sys.executable, "-I", "-S", str(Path(mcp_probe.__file__))),
    environment={"PROBE_WORD": "${AGOR_PROBE_SECRET}"},
)
"""A person's own MCP server: its tool `shout` gives its text in capitals, `word` its variable."""

PROBE_SECRET = "reference-resolved"  # noqa: S105  (a canary, not a secret)

HOUSE_TOOL = ToolSpec(
    name="agor_whoami",
    description="Say which session this is.",
    parameters={"type": "object", "properties": {"loud": {"type": "boolean"}}},
)


# --- the bench: what a case works with -------------------------------------------


class Skipped(Exception):
    """The case does not apply to this kind; the message says why."""


class Talk(Protocol):
    """One conversation, however it is reached. `updates` holds all that was said, in order."""

    updates: list[AgentUpdate]

    async def send(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...] = ()) -> None: ...

    async def steer(self, text: str) -> None:
        """Put words into the turn of the last task that was sent."""
        ...

    async def interrupt(self) -> None: ...

    async def answer(self, request_id: str, decision: Decision) -> None: ...

    async def set_mode(self, mode: Mode) -> None: ...

    async def set_model(self, model: str) -> None: ...

    async def set_effort(self, effort: str) -> None: ...

    async def grown(self, count: int) -> None:
        """Wait until there are more than `count` updates; raises `AssertionError` when it ended."""
        ...

    async def close(self) -> None: ...

    async def kill(self) -> None:
        """Kill what hosts the agent with SIGKILL, and clean up as the server would."""
        ...


OpenTalk = Callable[[AgentKind, SessionSpec], Awaitable[Talk]]


class Conversation:
    """A talk with the words that cases need."""

    def __init__(self, talk: Talk, harness: Harness) -> None:
        self.talk = talk
        self._harness = harness
        self.mark = 0
        self._answered: set[str] = set()

    @property
    def updates(self) -> list[AgentUpdate]:
        return self.talk.updates

    async def prompt(self, *acts: Act, note: str = "", attachments: tuple[Attachment, ...] = ()) -> TaskId:
        """Send a prompt that makes the agent do `acts`; `updates[mark:]` are its answer."""
        return await self.send(self._harness.prompt(acts, note), attachments)

    async def send(self, text: str, attachments: tuple[Attachment, ...] = ()) -> TaskId:
        self.mark = len(self.updates)
        task_id = TaskId(make_id("task", secrets.token_bytes(ENTROPY_BYTES)))
        await self.talk.send(task_id, text, attachments)
        return task_id

    async def wait_for(
        self, wanted: type[UpdateT], accept: Callable[[UpdateT], bool] = lambda _: True
    ) -> UpdateT:
        """Wait for the first update since the last prompt that is one, with a deadline."""
        place = self.mark
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    while place < len(self.updates):
                        update = self.updates[place]
                        if isinstance(update, wanted) and accept(update):
                            return update
                        place += 1
                    await self.talk.grown(place)
        except TimeoutError:
            seen = [update.type for update in self.updates[self.mark :]]
            raise AssertionError(
                f"no {wanted.__name__} within {WAIT_SECONDS:.0f} s; {len(seen)} seen, at last {seen[-20:]}"
            ) from None

    async def wait_ready(self) -> AgentReady:
        self.mark = 0
        return await self.wait_for(AgentReady)

    async def turn(self) -> list[AgentUpdate]:
        """Wait for the end of the turn and give all its updates."""
        await self.wait_for(TurnEnded)
        return self.updates[self.mark :]

    async def turn_allowing(self, kind: PermissionKind = "allow_once") -> list[AgentUpdate]:
        """Answer each open permission request of the turn by `kind` until it has ended."""
        while (request := await self._next_asked()) is not None:
            await self.choose(request, kind)
        return self.updates[self.mark :]

    async def question(self) -> PermissionRequest:
        """Allow what the turn wants to do until it asks a question, and give that."""
        while (request := await self._next_asked()) is not None:
            if request.questions:
                return request
            await self.choose(request, "allow_once")
        raise AssertionError("the turn ended without a question")

    async def _next_asked(self) -> PermissionRequest | None:
        def accept(item: object) -> bool:
            asks = isinstance(item, PermissionRequest) and item.request_id not in self._answered
            return asks or isinstance(item, TurnEnded)

        found = await self.wait_for(object, accept)
        return found if isinstance(found, PermissionRequest) else None

    async def choose(self, request: PermissionRequest, kind: PermissionKind, message: str = "") -> None:
        option = next((item for item in request.options if item.kind == kind), None)
        assert option is not None, f"the request offers no {kind}: {request.options}"
        await self.decide(request, Decision(outcome="selected", option_id=option.option_id, message=message))

    async def decide(self, request: PermissionRequest, decision: Decision) -> None:
        self._answered.add(request.request_id)
        await self.talk.answer(request.request_id, decision)

    def said(self) -> str:
        """Join what was said since the last prompt."""
        chunks = [item for item in self.updates[self.mark :] if isinstance(item, AgentMessageChunk)]
        return "".join(chunk.text for chunk in chunks)


@dataclass
class Bench:
    """A worktree, a state folder, and a way to open conversations in them."""

    harness: Harness
    folder: Path
    opener: OpenTalk
    driver: Driver
    session_id: SessionId = field(
        default_factory=lambda: SessionId(make_id("ses", secrets.token_bytes(ENTROPY_BYTES)))
    )
    _open: list[Talk] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return self.harness.kind.capabilities

    @property
    def worktree(self) -> Path:
        return self.folder / "worktree"

    @property
    def marker(self) -> str:
        return f"AGOR_SESSION={self.session_id}"

    def needs(self, *names: str) -> None:
        """Skip the case unless the kind has these capabilities."""
        for name in names:
            if not getattr(self.capabilities, name):
                reason = self.capabilities.notes.get(name, "it says so in its capabilities")
                raise Skipped(f"{self.harness.kind.kind} has no {name}: {reason}")

    def spec(self, *, native_ref: str = "", mode: Mode = "ask", fork: ForkPoint | None = None) -> SessionSpec:
        own = self.harness.environment()
        name, _, value = self.marker.partition("=")
        return SessionSpec(
            session_id=self.session_id,
            worktree=str(self.worktree),
            mode=mode,
            native_ref=native_ref,
            environment={
                **allowed_environment(os.environ),
                "AGOR_PROBE_SECRET": PROBE_SECRET,
                **own,
                name: value,
            },
            state_dir=str(self.folder / "state"),
            options=self.harness.options(),
            fork=fork,
            trusted=bool(getattr(self.harness, "trusted", False)),
            mcp_servers=(PROBE,) if self.capabilities.mcp else (),
            tools=(HOUSE_TOOL,) if self.capabilities.house_tools else (),
        )

    async def open(
        self, *, native_ref: str = "", mode: Mode = "ask", fork: ForkPoint | None = None
    ) -> Conversation:
        return await self.open_as(self.spec(native_ref=native_ref, mode=mode, fork=fork))

    async def open_as(self, spec: SessionSpec) -> Conversation:
        talk = await self.opener(self.harness.kind, spec)
        self._open.append(talk)
        return Conversation(talk, self.harness)

    async def processes(self) -> set[int]:
        """List the living processes of the session, this one left out."""
        return await asyncio.to_thread(marked, self.marker) - {os.getpid()}

    async def wait_alone(self, seconds: float, *, besides: Collection[int] = ()) -> None:
        """Wait until no process of the session is left but `besides`."""
        left: set[int] = set()
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            left = await self.processes() - set(besides)
            if not left:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"processes are left after {seconds} s: {sorted(left)}")

    async def close(self) -> None:
        for talk in self._open:
            await talk.close()


CaseFunction = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One thing that every kind must do. `run` raises `AssertionError`, or `Skipped`."""

    name: str
    run: CaseFunction
    drivers: tuple[Driver, ...] = ("direct", "runner")
