"""The engine: `WorkPort` over one `SessionRunner` a session, and what happens at start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.errors import AgorError, Conflict, NotFound, RunnerLost, TimedOut, UnsupportedByAgent
from agor_jupyter.domain.events import (
    EffortChanged,
    InterruptRequested,
    ModeChanged,
    ModelChanged,
    QueueResumed,
    SessionCreated,
    SessionEvent,
    SessionUpdate,
    SessionUpdated,
    TaskQueued,
    TaskRemoved,
    TaskUpdated,
)
from agor_jupyter.domain.ids import RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.ports import AgentState, Prompt
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.engine import permission_broker
from agor_jupyter.engine.admission import Admission
from agor_jupyter.engine.parts import EngineParts
from agor_jupyter.engine.session_runner import SessionRunner, has_next
from agor_jupyter.executors.base import Handle, RunnerLink

logger = logging.getLogger("agor_jupyter.engine")

Tell = Callable[[RunnerLink], Awaitable[None]]

OnStop = Literal["keep", "finish_task", "stop"]
STOP_SECONDS = 10.0
CLOSE_SECONDS = 30.0
"""An agent takes its tool servers along, and has time for each: more than a stop of the server gives it."""

ADOPT_SECONDS = 5.0
"""How long a start waits for the runners it found; one that hangs is dealt with while the server serves."""


class Engine:
    """Writes all work. One for a data folder; `recover` before the first verb, `close` at the end."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        self._runners: dict[SessionId, SessionRunner] = {}
        self.admission = Admission(parts.limits, parts.clock, wake=self._admitted, make_room=self._make_room)

    # --- start and stop ----------------------------------------------------

    async def recover(self) -> None:
        """Adopt the runners of a server that is gone, end what was lost, go on with the queues."""
        log = self.parts.log
        # As the server before left them: what this one starts while it adopts is none of these.
        unfinished = [session async for session in self._unfinished()]
        for session in unfinished:
            self.admission.recall(session)
        adopted: dict[SessionId, asyncio.Task[None]] = {}
        # The newest of a session, should a crash have left an older one on the record.
        newest = {session_id: run_id for run_id, session_id, _, _ in await log.runners()}
        for run_id, session_id, stored, offset in await log.runners():
            handle = Handle.model_validate_json(stored)
            if newest[session_id] != run_id:
                await self.parts.executor.reap(handle)
                await log.forget_runner(run_id)
                continue
            adopted[session_id] = self._runner(session_id).adopt(handle, offset)
        if adopted:
            await asyncio.wait(adopted.values(), timeout=ADOPT_SECONDS)
        for session in unfinished:
            if session.id not in adopted:
                await self._pick_up(session)

    async def _unfinished(self) -> AsyncIterator[Session]:
        """Give the sessions that have a task under way or queued."""
        for status in ("starting", "running", "awaiting_permission", "queued"):
            cursor: str | None = None
            while True:
                page = await self.parts.log.sessions(status=status, cursor=cursor, archived=None)
                for session in page.items:
                    yield session
                cursor = page.next
                if cursor is None:
                    break

    async def _pick_up(self, session: Session) -> None:
        """Go on with a session that no runner is known of."""
        runner = self._runner(session.id)
        if session.current_task is not None or session.pending:
            await runner.end_without_runner()
        runner.wake()

    async def close(self, on_stop: OnStop = "keep") -> list[SessionId]:
        """Stop following, as `on_stop` says; give the sessions whose agents work on."""
        working: list[SessionId] = []
        for session_id in self._runners:
            session = await self.parts.log.session(session_id)
            if session is not None and session.current_task is not None and on_stop != "stop":
                working.append(session_id)
        runners = list(self._runners.values())
        if on_stop != "keep":
            await asyncio.gather(*(self._end(runner, on_stop) for runner in runners))
        await asyncio.gather(*(runner.close() for runner in runners))
        self._runners.clear()
        return working

    async def _end(self, runner: SessionRunner, on_stop: OnStop) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await runner.close_runner(finish_task=on_stop == "finish_task")
                if on_stop == "stop":
                    await runner.wait_ended()
        except (AgorError, TimeoutError) as error:
            logger.warning("the runner of %s did not end in order: %s", runner.session_id, error)
            if on_stop == "stop" and runner.handle is not None:
                await self.parts.executor.reap(runner.handle)

    def is_working(self) -> bool:
        """Say whether an agent has a task under way."""
        return any(runner.working for runner in self._runners.values())

    def _runner(self, session_id: SessionId) -> SessionRunner:
        runner = self._runners.get(session_id)
        if runner is None:
            runner = self._runners[session_id] = SessionRunner(session_id, self.parts, self.admission)
            runner.start()
        return runner

    def _admitted(self, session_id: SessionId) -> None:
        """A place is free for a session that waits."""
        self._runner(session_id).wake()

    def _make_room(self, session_id: SessionId) -> None:
        """Close the agent that has rested longest, where as many are up as may work."""
        others = [each for each in self._runners.values() if each.handle and each.session_id != session_id]
        if not self.parts.limits.sessions or len(others) < self.parts.limits.sessions:
            return
        idle = [each for each in others if self.admission.is_idle(each.session_id)]
        if idle:
            min(idle, key=lambda each: each.rests_since).make_room()

    async def _session(self, session_id: SessionId) -> Session:
        session = await self.parts.log.session(session_id)
        if session is None:
            raise NotFound(f"There is no session {session_id}.")
        return session

    async def _say(
        self, session_id: SessionId, update: SessionUpdate, task_id: TaskId | None = None
    ) -> Session:
        runner = self._runner(session_id)
        return (await runner.append([runner.draft(update, task_id)])).session

    # --- the verbs ---------------------------------------------------------

    async def create_session(self, session: Session) -> Session:
        created = SessionCreated(
            by=session.owner,
            by_name=session.owner_name,
            agent=session.agent,
            title=session.title,
            mode=session.mode,
            model=session.model,
        )
        runner = self._runner(session.id)
        async with runner.lock:
            appended = await self.parts.log.append(session.id, [runner.draft(created)], create=session)
        return appended.session

    async def prompt(self, session_id: SessionId, prompt: Prompt, *, by: UserId, by_name: str = "") -> Task:
        session = await self._session(session_id)
        if session.archived:
            raise Conflict("The session is archived.", hint="Restore it, then prompt again.")
        update = TaskQueued(by=by, by_name=by_name, prompt=prompt.text, attachments=prompt.attachments)
        await self._say(session_id, update, prompt.task_id)
        self._runner(session_id).wake()
        return await self._task(prompt.task_id)

    async def _task(self, task_id: TaskId) -> Task:
        task = await self.parts.log.task(task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}.")
        return task

    async def edit_task(
        self,
        task_id: TaskId,
        *,
        by: UserId,
        by_name: str = "",
        prompt: str | None = None,
        place: int | None = None,
    ) -> Task:
        return await self._change_queued(
            task_id, TaskUpdated(by=by, by_name=by_name, prompt=prompt, place=place)
        )

    async def remove_task(self, task_id: TaskId, *, by: UserId, by_name: str = "") -> Task:
        return await self._change_queued(task_id, TaskRemoved(by=by, by_name=by_name))

    async def _change_queued(self, task_id: TaskId, update: TaskUpdated | TaskRemoved) -> Task:
        task = await self._task(task_id)
        runner = self._runner(task.session_id)
        async with runner.lock:  # the task may start in this moment
            session = await self._session(task.session_id)
            if task_id not in session.queue:
                raise Conflict("The task is not queued any more.", hint="Interrupt it, or send a new prompt.")
            await runner.append_locked([runner.draft(update, task_id)])
        return await self._task(task_id)

    async def interrupt(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        runner = self._runner(session_id)
        if session.current_task is not None:
            session = await self._say(
                session_id, InterruptRequested(by=by, by_name=by_name), session.current_task
            )
            await runner.interrupt(by)
        elif session.status == "queued":
            runner.stop_next(session.queue[0], InterruptRequested(by=by, by_name=by_name))
            runner.wake()  # it may wait for a place: then it is stopped without an agent
        return session

    async def resume(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        if session.archived:
            raise Conflict("The session is archived.", hint="Restore it, then resume.")
        if session.current_task is not None:
            return session
        session = await self._say(session_id, QueueResumed(by=by, by_name=by_name))
        self._runner(session_id).wake()
        return session

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
        event, request = await permission_broker.find(self.parts.log, request_id)
        resolved = permission_broker.check(
            request,
            by=by,
            by_name=by_name,
            option_id=option_id,
            message=message,
            answers=answers or {},
            digest=digest,
        )
        appended = await self._runner(event.session_id).answer(resolved, event.task_id)
        return appended.events[-1]

    async def set_mode(self, session_id: SessionId, mode: Mode, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        if mode not in self.parts.capabilities(session.agent).modes:
            raise UnsupportedByAgent(session.agent, f"{mode}_mode", hint="Choose another mode.")
        session = await self._say(session_id, ModeChanged(mode=mode, by=by, by_name=by_name))
        if not await self._tell(session_id, lambda link: link.set_mode(mode, by=by)):
            # Attached to again, a runner is told its session's mode before anything else.
            await self._runner(session_id).hang_up()
        return session

    async def set_model(self, session_id: SessionId, model: str, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        capable = self.parts.capabilities(session.agent).set_model
        if not capable and session.native_ref:
            raise UnsupportedByAgent(session.agent, "set_model", hint="Start a new session with that model.")
        session = await self._say(session_id, ModelChanged(model=model, by=by, by_name=by_name))
        if capable:
            await self._tell(session_id, lambda link: link.set_model(model, by=by))
        return session

    async def set_effort(
        self, session_id: SessionId, effort: str, *, by: UserId, by_name: str = ""
    ) -> Session:
        session = await self._session(session_id)
        if not self.parts.capabilities(session.agent).set_effort:
            raise UnsupportedByAgent(session.agent, "set_effort", hint="Choose a model that thinks more.")
        session = await self._say(session_id, EffortChanged(effort=effort, by=by, by_name=by_name))
        await self._tell(session_id, lambda link: link.set_effort(effort, by=by))
        return session

    async def steer(
        self,
        session_id: SessionId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> Session:
        """The runner logs the words once the agent has them; from its frames they come into the log."""
        session = await self._session(session_id)
        if not self.parts.capabilities(session.agent).steer:
            raise UnsupportedByAgent(session.agent, "steer", hint="Send it as a prompt: it is queued.")
        link, task_id = self._runner(session_id).link, session.current_task
        if link is None or task_id is None:
            raise Conflict("No turn is under way.", hint="Send it as a prompt of its own.")
        await link.steer(task_id, text, attachments, by=by, by_name=by_name)
        return session

    async def _tell(self, session_id: SessionId, say: Tell) -> bool:
        """Tell a live runner at once; one that starts later reads the session's record.

        False when a live one was not told.
        """
        link = self._runner(session_id).link
        if link is None:
            return True
        try:
            await say(link)
        except (RunnerLost, TimedOut) as error:
            logger.info("the runner of %s was not told: %s", session_id, error)
            return False
        return True

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
        await self._session(session_id)
        update = SessionUpdated(
            by=by, by_name=by_name, title=title, archived=archived, status_line=status_line
        )
        session = await self._say(session_id, update)
        if archived:  # only now: the agent's right to call must not last as long as it takes to stop
            await self._close_session(session_id, by=by, by_name=by_name)
        elif archived is not None:
            self._runner(session_id).wake()  # it may have been put away with a queue that nothing paused
        return session

    def agent_state(self, session_id: SessionId) -> AgentState:
        runner = self._runners.get(session_id)
        if runner is None or runner.handle is None:
            return "none"
        return "working" if runner.working else "idle"

    async def close_agent(self, session_id: SessionId) -> None:
        session = await self._session(session_id)
        runner = self._runner(session_id)
        if session.current_task is not None or has_next(session):
            raise Conflict(
                "A task is under way.", hint="Wait for its end, or stop it; then restart the agent."
            )
        runner.make_room()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await runner.wait_ended()
        except TimeoutError:
            hint = "Try it again when it has no task."
            raise Conflict("The agent went on working, or did not end in time.", hint=hint) from None

    async def _close_session(self, session_id: SessionId, *, by: UserId, by_name: str) -> None:
        session = await self._session(session_id)
        runner = self._runner(session_id)
        if session.current_task is not None:
            await self._say(session_id, InterruptRequested(by=by, by_name=by_name), session.current_task)
            await runner.interrupt(by)
        await self._end(runner, "stop")
