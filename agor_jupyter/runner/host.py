"""The runner: one process that hosts one agent and outlives the server that started it.

It owns the agent, writes every update to its log, and serves a private socket. It decides nothing
but what `policy.decide` allows without a person, and knows nothing of sessions beyond its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import AgentAdapter
from agor_jupyter.agents.process import end_tree
from agor_jupyter.domain.errors import AgorError, Conflict, RunnerLost, TimedOut
from agor_jupyter.domain.events import (
    AgentUpdate,
    ModeChanged,
    PermissionRequest,
    PermissionResolved,
    Steered,
    TurnEnded,
)
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.runner.approvals import Approvals, Resolution, shown_whole
from agor_jupyter.runner.door import Door
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.protocol import (
    Attach,
    CloseRunner,
    Command,
    Frame,
    RunnerEnded,
    RunnerSpec,
    RunnerStarted,
    SendAnswer,
    SendInterrupt,
    SendPrompt,
    SendSteer,
    SendToolAnswer,
    SetEffort,
    SetMode,
    SetModel,
    TaskAccepted,
    tools_socket_path,
)
from agor_jupyter.runner.recorder import Recorder, completed
from agor_jupyter.runner.tidy import trim_output
from agor_jupyter.runner.toolbox import Toolbox

OUTPUT_NAME = "runner.log"
"""Beside the event log: what the runner prints, for people who look for a fault."""

RUN_MARKER = "AGOR_RUN"
SESSION_MARKER = "AGOR_SESSION"
START_SECONDS = 120.0
COMMAND_SECONDS = 20.0
INTERRUPT_SECONDS = 3.0
"""An interrupt is acknowledged after this time even when the agent has not stopped yet."""

CLOSE_SECONDS = 10.0
LAST_WORDS_SECONDS = 2.0
TICK_SECONDS = 1.0
ALONE_SECONDS = 30.0
"""How long a runner without work waits for a server before it ends."""

EndReason = Literal["closed", "agent_exited", "start_failed", "orphaned", "idle"]

log = logging.getLogger(__name__)


class Host:
    """One session's runner, from its first frame to its last."""

    def __init__(self, spec: RunnerSpec) -> None:
        self._spec = spec
        self._log = Log(spec.log_path)
        self._recorder = Recorder(self._log)
        self._approvals = Approvals(spec.policy)
        self._accepted = _accepted_before(self._log)
        self._task_id: TaskId | None = None
        self._adapter: AgentAdapter | None = None
        self._started = asyncio.Event()
        self._ending = asyncio.Event()
        self._ended = RunnerEnded(reason="closed")
        self._finish_then_end = False
        self._output = Path(spec.log_path).with_name(OUTPUT_NAME)
        self._toolbox = Toolbox(spec.session.tools, lambda asked: self._door.tell(asked))
        self._door = Door(
            spec.socket_path,
            self._log,
            self._perform,
            lambda: self._toolbox.waiting,
            agent_marker=f"{RUN_MARKER}={spec.run_id}",
        )
        self._jobs: set[asyncio.Task[None]] = set()
        self._pumping: asyncio.Task[None] | None = None
        self._prompting: asyncio.Task[None] | None = None
        self._alone_since: float | None = time.monotonic()
        self._busy_at = time.monotonic()

    async def run(self) -> int:
        """Host the agent until it is told to end, or nothing is left to do. Gives the exit code."""
        self._catch_signals()
        self._recorder.record(
            RunnerStarted(
                run_id=self._spec.run_id, session_id=self._spec.session.session_id, pid=os.getpid()
            ),
            None,
        )
        try:
            self._adapter = registry.get(self._spec.agent).make()
        except AgorError as error:
            self._end("start_failed", error.detail, error.hint)
            await self._shut_down()
            return 3
        await self._door.open()
        if self._spec.session.tools:
            await self._toolbox.open(tools_socket_path(self._spec.socket_path))
            self._adapter.use_tools(self._toolbox.call)
        self._pumping = self._supervise(self._work())
        self._supervise(self._keep_house())
        await self._ending.wait()
        await self._shut_down()
        return 0

    # --- the agent -----------------------------------------------------------

    async def _work(self) -> None:
        """Start the agent and record what it says until it is gone."""
        adapter = self._known_adapter()
        session = self._spec.session
        markers = {SESSION_MARKER: session.session_id, RUN_MARKER: self._spec.run_id}
        session = session.model_copy(update={"environment": {**session.environment, **markers}})
        try:
            async with asyncio.timeout(START_SECONDS):
                await adapter.start(session)
        except AgorError as error:
            self._end("start_failed", error.detail, error.hint, str(error.fields.get("capability", "")))
            return
        except TimeoutError:
            self._end("start_failed", f"The agent did not start within {START_SECONDS:.0f} s.")
            return
        except Exception as error:  # supervises the adapter: a bug of it is told, the log completed
            log.exception("the adapter failed to start")
            self._end("start_failed", f"{type(error).__name__}: {error}")
            return
        self._started.set()
        if self._approvals.policy.mode != session.mode:  # changed while it started
            self._supervise(adapter.set_mode(self._approvals.policy.mode))
        await self._pump(adapter)

    async def _pump(self, adapter: AgentAdapter) -> None:
        error = ""
        try:
            async for update in completed(adapter.events(), self._spec.session):
                self._hear(update)
                await self._recorder.wait_writable()
        except AgorError as problem:
            error = problem.detail
        except Exception as problem:  # supervises the adapter: a bug of it is told, the log completed
            log.exception("the adapter failed")
            error = f"{type(problem).__name__}: {problem}"
        self._end("agent_exited", error or "The agent's process is gone.")

    def _hear(self, update: AgentUpdate) -> None:
        self._busy_at = time.monotonic()
        match update:
            case TurnEnded():
                self._turn_over(update)
            case PermissionRequest():
                self._recorder.record(shown_whole(update), self._task_id)
                if (found := self._approvals.ask(update)) is not None:
                    self._resolve(found)
            case PermissionResolved(request_id=request_id):
                # An adapter says so only to withdraw; what was answered is in the log already.
                if (withdrawn := self._approvals.withdraw(request_id)) is not None:
                    self._recorder.record(withdrawn, self._task_id)
            case ModeChanged(mode=mode):
                if mode != self._approvals.policy.mode:
                    self._approvals.set_mode(mode)
                    self._recorder.record(update, self._task_id)
            case _:
                self._recorder.record(update, self._task_id)

    def _turn_over(self, ended: TurnEnded) -> None:
        if self._task_id is None:
            log.warning("a turn ended that no prompt began; it is not recorded")
            return
        self._withdraw_all()
        self._recorder.record(ended, self._task_id)
        self._task_id = None
        if self._finish_then_end:
            self._end("closed")

    def _withdraw_all(self) -> None:
        for request_id in list(self._approvals.open):
            if (withdrawn := self._approvals.withdraw(request_id)) is not None:
                self._recorder.record(withdrawn, self._task_id)

    def _resolve(self, found: Resolution) -> None:
        """Log the answer, then hand it over: what the agent does next must stand after it."""
        self._recorder.record(found.resolved, self._task_id)
        request_id = found.resolved.request_id
        self._supervise(self._known_adapter().answer(request_id, found.decision))

    # --- commands ------------------------------------------------------------

    async def _perform(self, command: Command) -> None:
        self._busy_at = time.monotonic()
        adapter = self._known_adapter()
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                match command:
                    case SendPrompt():
                        self._accept_prompt(command)
                    case SendInterrupt():
                        await asyncio.wait([self._supervise(self._interrupt())], timeout=INTERRUPT_SECONDS)
                    case SendAnswer(request_id=request_id, decision=decision, by=by):
                        if (found := self._approvals.answer(request_id, decision, by=by)) is not None:
                            self._resolve(found)
                    case SetMode(mode=mode):
                        # Not recorded: the engine has stored what a person changed before it is sent.
                        before = self._approvals.policy.mode
                        self._approvals.set_mode(mode)
                        if mode != before and self._started.is_set():
                            await adapter.set_mode(mode)
                    case SetModel(model=model):
                        await self._started.wait()
                        await adapter.set_model(model)
                    case SetEffort(effort=effort):
                        await self._started.wait()
                        await adapter.set_effort(effort)
                    case SendSteer(task_id=task_id):
                        await self._steer(adapter, command, task_id)
                    case SendToolAnswer(call=call, answer=answer):
                        self._toolbox.answer(call, answer)
                    case CloseRunner(finish_task=finish_task):
                        self._close(finish_task)
                    case Attach():
                        raise AssertionError("the connection attaches by itself")
        except TimeoutError as error:
            raise TimedOut(f"The agent did not take the {command.type} in time.") from error

    def _accept_prompt(self, command: SendPrompt) -> None:
        if command.task_id in self._accepted:
            return
        if self._task_id is not None:
            raise Conflict("The agent is at work on another prompt.", hint="Wait for it, or stop it.")
        if self._ending.is_set() or self._finish_then_end:
            raise RunnerLost("The runner is ending; it has not taken the prompt.", hint="Start another one.")
        self._accepted.add(command.task_id)
        self._task_id = command.task_id
        self._recorder.record(TaskAccepted(), command.task_id)
        self._prompting = self._supervise(self._prompt(command))

    async def _prompt(self, command: SendPrompt) -> None:
        await self._started.wait()
        adapter = self._known_adapter()
        try:
            await adapter.prompt(command.task_id, command.text, command.attachments)
        except AgorError as error:
            self._turn_over(TurnEnded(stop_reason="failed", error=error.detail, hint=error.hint))
        except Exception as error:  # supervises the adapter: each prompt gets its turn_ended
            log.exception("the adapter failed to take a prompt")
            self._turn_over(TurnEnded(stop_reason="failed", error=f"{type(error).__name__}: {error}"))

    async def _steer(self, adapter: AgentAdapter, command: SendSteer, task_id: TaskId) -> None:
        if self._task_id != task_id or not self._started.is_set():
            raise Conflict("That task is not under way.", hint="Send it as a prompt of its own.")
        if self._prompting is not None:  # the words belong behind the prompt
            await asyncio.wait([self._prompting])
        await adapter.steer(command.text, command.attachments)
        words = command.model_dump(include={"by", "by_name", "text", "attachments"})
        self._recorder.record(Steered.model_validate(words), task_id)

    async def _interrupt(self) -> None:
        if not self._started.is_set():
            if self._prompting is not None and self._task_id is not None:
                # The agent is still starting: it never hears of this prompt.
                self._prompting.cancel()
                self._turn_over(TurnEnded(stop_reason="cancelled"))
            return
        if self._prompting is not None and not self._prompting.done():
            # Before the agent has the prompt there is no turn that could be stopped.
            await asyncio.wait([self._prompting])
        await self._known_adapter().interrupt()

    def _close(self, finish_task: bool) -> None:
        if finish_task and self._task_id is not None:
            self._finish_then_end = True
        else:
            self._end("closed")

    # --- life ----------------------------------------------------------------

    async def _keep_house(self) -> None:
        """Once a second: end when nobody needs this runner any more, stay to be found till then."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            if self._door.attached:
                self._alone_since = None
            elif self._alone_since is None:
                self._alone_since = now
            if (reason := self._reason_to_end(now)) is not None:
                self._end(reason)
            await self._door.mend()
            trim_output(self._output)

    def _reason_to_end(self, now: float) -> Literal["orphaned", "idle"] | None:
        spec, working = self._spec, self._task_id is not None
        alone = now - self._alone_since if self._alone_since is not None else 0.0
        if alone >= spec.orphan_hours * 3600 and self._alone_since is not None:
            return "orphaned"
        if not working and alone >= ALONE_SECONDS:
            return "orphaned"
        if not working and spec.idle_seconds > 0 and now - self._busy_at >= spec.idle_seconds:
            return "idle"
        return None

    def _end(self, reason: EndReason, error: str = "", hint: str = "", capability: str = "") -> None:
        if not self._ending.is_set():
            self._ended = RunnerEnded(reason=reason, error=error, hint=hint, capability=capability)
            self._ending.set()

    async def _shut_down(self) -> None:
        """End the agent and all its processes, complete the log, let the clients read it."""
        self._withdraw_all()
        await self._toolbox.close()
        if self._adapter is not None:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._adapter.close()
            except Exception:  # supervises the adapter: the sweep below ends what it left
                log.exception("the adapter did not close")
        await self._complete_log()
        await self._door.close()
        for job in list(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._log.close()

    async def _complete_log(self) -> None:
        """Record the agent's last updates, sweep what it left running, write the last frame."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                # The pump ends with the agent's last update; only then is the log complete.
                if self._pumping is not None and self._started.is_set():
                    await asyncio.wait([self._pumping])
        if self._pumping is not None:
            self._pumping.cancel()
            await asyncio.gather(self._pumping, return_exceptions=True)
        await end_tree(None, f"{RUN_MARKER}={self._spec.run_id}", grace_seconds=1.0)
        self._recorder.record(self._ended, self._task_id)
        self._recorder.close()

    def _supervise(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        job = asyncio.create_task(work, name=getattr(work, "__name__", "job"))
        self._jobs.add(job)
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()) is not None:
            log.error("%s failed:\n%s", job.get_name(), "".join(traceback.format_exception(error)))

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, "closed")
        # Not SIG_IGN: what is ignored stays ignored in every command that the agent runs.
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def _known_adapter(self) -> AgentAdapter:
        if self._adapter is None:
            raise Conflict("The agent is not there.", hint="Resume the session.")
        return self._adapter


def _accepted_before(log_file: Log) -> set[TaskId]:
    """Read the prompts that a log names already: a runner on the same log must not do them again."""
    accepted: set[TaskId] = set()
    offset = 0
    while lines := log_file.read(offset):
        for offset, line in lines:  # noqa: B007  (the last one is where to read on)
            if b'"task_accepted"' in line:
                frame = Frame.model_validate_json(line)
                if isinstance(frame.update, TaskAccepted) and frame.task_id is not None:
                    accepted.add(frame.task_id)
    return accepted
