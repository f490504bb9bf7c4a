"""The life of one conversation on the bench: opened, prompted, stopped, surely closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import FORBIDDEN_PREFIXES
from agor_jupyter.agents.workbench import briefing, mcp_servers, slash
from agor_jupyter.agents.workbench.asking import Asking
from agor_jupyter.agents.workbench.bench import Bench
from agor_jupyter.agents.workbench.failing import RESUME, ModelFailed
from agor_jupyter.agents.workbench.handed_tools import HouseTool
from agor_jupyter.agents.workbench.history import STOPPED, Ended, History, Prompted, open_history, repair
from agor_jupyter.agents.workbench.model import Model, Offered
from agor_jupyter.agents.workbench.own_tools import OwnTools
from agor_jupyter.agents.workbench.settings import Settings, Setup, check
from agor_jupyter.agents.workbench.tool import Tool
from agor_jupyter.agents.workbench.turn import Turn
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Unprocessable
from agor_jupyter.domain.events import AgentReady, AgentUpdate, TurnEnded
from agor_jupyter.domain.ids import RequestId, TaskId

MARKERS = ("AGOR_SESSION", "AGOR_RUN")
"""What the house finds a session's processes by: handed on, though the rest of AGOR_ is not."""

OFFERED_SECONDS = 3.0
STOP_SECONDS = 2.0
HELD_LIMIT = 200
"""How many models are listed; a hub has thousands."""

log = logging.getLogger(__name__)


class Connection:
    """One conversation. Opened once, closed once; one turn at a time."""

    def __init__(self, spec: SessionSpec, setup: Setup, model: Model, tools: ToolCaller | None) -> None:
        self._spec = spec
        self._setup = setup
        self._model = model
        self._call_house = tools
        self._settings = check(Settings, spec.options)
        self._mode: Mode = spec.mode
        self._outbox = Outbox()
        self._asking = Asking(self._outbox)
        self._visible = visible_environment(spec, setup)
        self._mcp = mcp_servers.McpServers(
            spec.mcp_servers,
            spec.environment,
            self._visible,
            spec.worktree,
            self._settings.mcp_start_seconds,
            self._asking,
            self._outbox,
        )
        self._history: History | None = None
        self._bench: Bench | None = None
        self._project = briefing.Project()
        self._commands: Mapping[str, slash.Slash] = {}
        self._sizes: dict[str, int] = {}
        self._turn: Turn | None = None
        self._job: asyncio.Task[TurnEnded] | None = None
        self._closing: asyncio.Task[None] | None = None

    # --- start ---------------------------------------------------------------

    async def open(self) -> None:
        """Take up the conversation and say that it is ready. Raises errors of the house."""
        spec = self._spec
        if not await asyncio.to_thread(Path(spec.worktree).is_dir):
            raise AgentUnavailable(f"The folder {spec.worktree} is not there.")
        self._history = await asyncio.to_thread(open_history, spec.state_dir, spec.native_ref, spec.fork)
        if spec.trusted:
            self._project = await asyncio.to_thread(
                briefing.read_project, spec.worktree, self._setup.instructions
            )
        self._commands = slash.all_of(self._setup.instructions[0], self._project.skills)
        offered, _ = await asyncio.gather(self._offered(), self._mcp.open())
        self._sizes = {item.name: item.context_size for item in offered if item.context_size}
        names = self._settings.models or tuple(item.name for item in offered)
        if not self._model.name:
            self._model.name = names[0] if names else ""
        self._bench = self._make_bench(self._history)
        self._outbox.put(
            AgentReady(
                native_ref=self._history.reference,
                version=self._model.version,
                model=self._model.name,
                models=tuple(dict.fromkeys([*filter(None, [self._model.name]), *names]))[:HELD_LIMIT],
                model_labels={item.name: item.label for item in offered[:HELD_LIMIT] if item.label},
                efforts=self._model.efforts,
                commands=slash.listed(self._commands),
                instructions=self._project.read,
            )
        )
        for notice in (*self._project.notices, *self._mcp.notices):
            self._outbox.put(notice)

    async def _offered(self) -> Sequence[Offered]:
        """Ask which models there are. A server that does not say so is no failure."""
        try:
            async with asyncio.timeout(OFFERED_SECONDS):
                return await self._model.offered()
        except (TimeoutError, ModelFailed) as error:
            log.info("the models could not be listed: %s", type(error).__name__)
            return ()

    def _make_bench(self, history: History) -> Bench:
        own = OwnTools(self._spec.worktree, self._visible, most_seconds=self._settings.shell_seconds)
        house: list[Tool] = []
        if self._call_house is not None:
            house = [HouseTool(spec, self._call_house) for spec in self._spec.tools]
        # The bench's own win: nobody's server may put itself in the place of a tool that asks.
        tools = {tool.spec.name: tool for tool in [*self._mcp.tools, *house, *self._model.tools, *own.all()]}
        bench = Bench(
            history=history,
            model=self._model,
            settings=self._settings,
            outbox=self._outbox,
            asking=self._asking,
            tools=tools,
            system=self._system,
            context_size=self._context_size(),
        )
        bench.measure()
        return bench

    def _system(self) -> str:
        spec = self._spec
        return briefing.system_text(spec.worktree, self._mode, self._project.text, spec.system_append)

    def _context_size(self) -> int:
        known = self._settings.context_tokens or self._sizes.get(self._model.name)
        return known or self._setup.context_size

    # --- what the runner asks for --------------------------------------------

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Begin a turn. Raises `Conflict` while another one is under way."""
        bench = self._alive()
        if self._job is not None:
            raise Conflict(
                f"{self._setup.title} is at work on another prompt.", hint="Wait for it, or stop it."
            )
        self._turn = turn = Turn(bench)
        words = slash.said(text, self._commands)
        self._job = asyncio.create_task(self._run(turn, words, attachments), name=f"turn-{task_id}")
        self._job.add_done_callback(self._over)

    def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Put words into the turn under way (see `Turn.steer`). Raises `Conflict` where none hears them."""
        self._alive()
        turn, job = self._turn, self._job
        stopped = job is None or job.done() or job.cancelling() > 0
        if turn is None or stopped or not turn.steer(Prompted(text=text, attachments=attachments)):
            raise Conflict(
                f"{self._setup.title} is not at work on a prompt.", hint="Send it as a prompt of its own."
            )

    async def interrupt(self) -> None:
        """Stop the turn and its processes; wait until that is done. Idempotent."""
        job = self._job
        if job is None:
            return
        if not job.cancelling():
            job.cancel()  # once only: a second one would break into the ending of a process
        await asyncio.wait({job}, timeout=STOP_SECONDS)

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        self._asking.answer(request_id, decision)

    def set_mode(self, mode: Mode) -> None:
        """Switch for what follows. The policy decides; the model is told only of plan mode."""
        self._mode = mode

    def set_model(self, model: str) -> None:
        bench = self._alive()
        if not model:
            raise Unprocessable("The model has no name.")
        self._model.name = model
        bench.context_size = self._context_size()

    def set_effort(self, effort: str) -> None:
        if effort and effort not in self._model.efforts:
            known = ", ".join(self._model.efforts) or "none"
            raise Unprocessable(f"There is no effort {effort!r}.", hint=f"Known: {known}.")
        self._model.effort = effort

    def updates(self) -> AsyncIterator[AgentUpdate]:
        return self._outbox.read()

    async def close(self) -> None:
        """End the turn, the servers and the connection. Idempotent; calls that meet wait for one end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="bench-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self.interrupt()
        await self._mcp.close()
        await self._model.close()
        if self._history is not None:
            self._history.close()
        self._outbox.end()

    def _alive(self) -> Bench:
        if self._bench is None or self._closing is not None:
            raise AgentUnavailable(f"{self._setup.title} has ended.", hint="Resume the session.")
        return self._bench

    # --- a turn --------------------------------------------------------------

    async def _run(self, turn: Turn, text: str, attachments: tuple[Attachment, ...]) -> TurnEnded:
        try:
            reason = await turn.run(text, attachments)
        except ModelFailed as error:
            return TurnEnded(stop_reason="failed", error=error.sentence, hint=error.hint)
        return TurnEnded(stop_reason=reason)

    def _over(self, job: asyncio.Task[TurnEnded]) -> None:
        """A turn is over: by its own end, an interrupt, or a fault of ours. Told exactly once."""
        if job.cancelled():
            ended = TurnEnded(stop_reason="cancelled")
        elif (error := job.exception()) is not None:
            log.error("a turn failed", exc_info=error)
            ended = TurnEnded(
                stop_reason="failed",
                error=f"{self._setup.title} failed: {type(error).__name__}: {error}",
                hint=RESUME,
            )
        else:
            ended = job.result()
        turn, self._turn, self._job = self._turn, None, None
        place = self._write_end(ended, turn.unheard if turn is not None else [])
        usage = turn.usage if turn is not None else ended.usage
        self._outbox.put(ended.model_copy(update={"usage": usage, "last_message_ref": place}))

    def _write_end(self, ended: TurnEnded, unheard: Sequence[Prompted]) -> str | None:
        """Complete the record of a turn; give its place. The turn is over even if the disk is full.

        Words that were put into it, and that it did not get to, are told with the next prompt.
        """
        history = self._history
        if history is None:
            return None
        try:
            missing = repair(history.entries, STOPPED)
            history.append(*missing, *unheard, Ended(stop_reason=ended.stop_reason))
        except OSError as error:
            log.error("the end of a turn could not be written: %s", error.strerror)
            return None
        return history.place


def visible_environment(spec: SessionSpec, setup: Setup) -> dict[str, str]:
    """Give what commands may see: the agent's environment without its keys and its servers' secrets."""
    secret = {*setup.secrets, *mcp_servers.references_of(spec.mcp_servers)}

    def may(name: str) -> bool:
        return name in MARKERS or (name not in secret and not name.upper().startswith(FORBIDDEN_PREFIXES))

    kept: Mapping[str, str] = spec.environment
    return {name: value for name, value in kept.items() if may(name)}
