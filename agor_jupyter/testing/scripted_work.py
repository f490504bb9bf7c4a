"""A `WorkPort` without agents: it writes the log as the engine would, and a test says what happens.

For tests of the service and the server. It keeps the engine's promises that callers rely on
(durable when it returns, one answer a request, a queue in order); it runs nothing.
"""

from __future__ import annotations

from agor_jupyter.domain.content import (
    Attachment,
    Checkpoint,
    Mode,
    PermissionOption,
    Question,
    StopReason,
    ToolKind,
)
from agor_jupyter.domain.errors import AlreadyAnswered, Conflict, NotFound
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    Draft,
    EffortChanged,
    InterruptRequested,
    ModeChanged,
    ModelChanged,
    PermissionRequest,
    PermissionResolved,
    QueuePaused,
    QueueResumed,
    SessionCreated,
    SessionEvent,
    SessionUpdate,
    SessionUpdated,
    Steered,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
)
from agor_jupyter.domain.ids import MessageId, RequestId, SessionId, TaskId, UserId
from agor_jupyter.domain.ports import AgentState, Appended, Clock, EventLog, NewId, Prompt
from agor_jupyter.domain.session import Session, Task

OPTIONS = (
    PermissionOption(option_id="allow_once", name="Allow once", kind="allow_once"),
    PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
)


class ScriptedWork:
    """Prompts wait in the queue until the test calls `start`; see the other methods of that part."""

    def __init__(self, log: EventLog, clock: Clock, new_id: NewId) -> None:
        self._log = log
        self._clock = clock
        self._new_id = new_id
        self.closed: list[SessionId] = []
        self.agents: dict[SessionId, AgentState] = {}  # a test says which are up

    async def _append(
        self, session_id: SessionId, *updates: SessionUpdate, task_id: TaskId | None = None
    ) -> Appended:
        drafts = [Draft(task_id=task_id, at_ms=self._clock(), update=update) for update in updates]
        return await self._log.append(session_id, drafts)

    async def _session(self, session_id: SessionId) -> Session:
        session = await self._log.session(session_id)
        if session is None:
            raise NotFound(f"There is no session {session_id}.")
        return session

    async def _task(self, task_id: TaskId) -> Task:
        task = await self._log.task(task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}.")
        return task

    # --- WorkPort

    async def create_session(self, session: Session) -> Session:
        update = SessionCreated(
            by=session.owner,
            by_name=session.owner_name,
            agent=session.agent,
            title=session.title,
            mode=session.mode,
            model=session.model,
        )
        draft = Draft(at_ms=self._clock(), update=update)
        return (await self._log.append(session.id, [draft], create=session)).session

    async def prompt(self, session_id: SessionId, prompt: Prompt, *, by: UserId, by_name: str = "") -> Task:
        update = TaskQueued(by=by, by_name=by_name, prompt=prompt.text, attachments=prompt.attachments)
        await self._append(session_id, update, task_id=prompt.task_id)
        return await self._task(prompt.task_id)

    async def edit_task(
        self,
        task_id: TaskId,
        *,
        by: UserId,
        by_name: str = "",
        prompt: str | None = None,
        place: int | None = None,
    ) -> Task:
        task = await self._queued(task_id)
        update = TaskUpdated(by=by, by_name=by_name, prompt=prompt, place=place)
        await self._append(task.session_id, update, task_id=task_id)
        return await self._task(task_id)

    async def remove_task(self, task_id: TaskId, *, by: UserId, by_name: str = "") -> Task:
        task = await self._queued(task_id)
        await self._append(task.session_id, TaskRemoved(by=by, by_name=by_name), task_id=task_id)
        return await self._task(task_id)

    async def _queued(self, task_id: TaskId) -> Task:
        task = await self._task(task_id)
        if task.status != "queued":
            raise Conflict("The task has started.", hint="Interrupt it, or send another.")
        return task

    async def interrupt(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        if session.current_task is None:
            return session
        await self._append(
            session_id, InterruptRequested(by=by, by_name=by_name), task_id=session.current_task
        )
        return await self.end(session_id, "cancelled")

    async def resume(self, session_id: SessionId, *, by: UserId, by_name: str = "") -> Session:
        session = await self._session(session_id)
        if not session.queue_paused:
            return session
        return (await self._append(session_id, QueueResumed(by=by, by_name=by_name))).session

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
        asked = await self._log.request(request_id)
        if asked is None:
            raise NotFound(f"There is no permission request {request_id}.")
        await self._refuse_second(request_id)
        update = PermissionResolved(
            request_id=request_id,
            outcome="selected",
            option_id=option_id,
            by=by,
            by_name=by_name,
            message=message,
            answers=answers or {},
        )
        return (await self._append(asked.session_id, update, task_id=asked.task_id)).events[0]

    async def _refuse_second(self, request_id: RequestId) -> None:
        # The memory log answers without giving way: nothing runs between this look and the append.
        before = await self._log.resolution(request_id)
        if before is not None and isinstance(before.update, PermissionResolved):
            raise AlreadyAnswered(
                f"{before.update.by_name or before.update.by} answered first.",
                by=before.update.by,
                option_id=before.update.option_id,
            )

    async def set_mode(self, session_id: SessionId, mode: Mode, *, by: UserId, by_name: str = "") -> Session:
        return (await self._append(session_id, ModeChanged(mode=mode, by=by, by_name=by_name))).session

    async def set_model(self, session_id: SessionId, model: str, *, by: UserId, by_name: str = "") -> Session:
        return (await self._append(session_id, ModelChanged(model=model, by=by, by_name=by_name))).session

    async def set_effort(
        self, session_id: SessionId, effort: str, *, by: UserId, by_name: str = ""
    ) -> Session:
        return (await self._append(session_id, EffortChanged(effort=effort, by=by, by_name=by_name))).session

    async def steer(
        self,
        session_id: SessionId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> Session:
        session = await self._session(session_id)
        if session.current_task is None:
            raise Conflict("No turn is under way.", hint="Send it as a prompt of its own.")
        said = Steered(by=by, by_name=by_name, text=text, attachments=attachments)
        return (await self._append(session_id, said, task_id=session.current_task)).session

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
        update = SessionUpdated(
            by=by, by_name=by_name, title=title, archived=archived, status_line=status_line
        )
        session = (await self._append(session_id, update)).session
        if archived:
            self.closed.append(session_id)
        return session

    def agent_state(self, session_id: SessionId) -> AgentState:
        return self.agents.get(session_id, "none")

    async def close_agent(self, session_id: SessionId) -> None:
        if self.agent_state(session_id) == "working":
            raise Conflict("A task is under way.")
        self.agents.pop(session_id, None)

    # --- what a test makes happen

    async def start(self, session_id: SessionId, checkpoint: Checkpoint | None = None) -> TaskId:
        """Begin the first queued task, with the files as `checkpoint` recorded them."""
        session = await self._session(session_id)
        task_id = session.queue[0]
        base_sha = checkpoint.head_sha if checkpoint is not None else "0" * 40
        started = TaskStarted(base_sha=base_sha, checkpoint=checkpoint)
        await self._append(session_id, started, task_id=task_id)
        return task_id

    async def be_ready(self, session_id: SessionId, native_ref: str, **offered: object) -> Session:
        """Let the agent say that it is up, with the conversation `native_ref`, and what it offers."""
        ready = AgentReady.model_validate({"native_ref": native_ref, **offered})
        return (await self._append(session_id, ready)).session

    async def hear(self, session_id: SessionId, *updates: SessionUpdate) -> Session:
        """Append what the agent of the running task tells."""
        session = await self._session(session_id)
        return (await self._append(session_id, *updates, task_id=session.current_task)).session

    async def say(self, session_id: SessionId, *texts: str) -> Session:
        """Append each text as a chunk of one message of the running task."""
        session = await self._session(session_id)
        chunks = [AgentMessageChunk(message_id=MessageId("m1"), text=text) for text in texts]
        return (await self._append(session_id, *chunks, task_id=session.current_task)).session

    async def ask(
        self,
        session_id: SessionId,
        title: str = "Run the tests",
        *,
        kind: ToolKind = "execute",
        questions: tuple[Question, ...] = (),
    ) -> RequestId:
        """Let the running task wait for an answer."""
        session = await self._session(session_id)
        request_id = RequestId(self._new_id("req"))
        update = PermissionRequest(
            request_id=request_id,
            title=title,
            kind=kind,
            options=() if questions else OPTIONS,
            questions=questions,
            digest=f"digest-of-{request_id}",
        )
        await self._append(session_id, update, task_id=session.current_task)
        return request_id

    async def end(
        self,
        session_id: SessionId,
        stop_reason: StopReason = "end_turn",
        *,
        checkpoint: Checkpoint | None = None,
        last_message_ref: str | None = None,
    ) -> Session:
        session = await self._session(session_id)
        ended = TaskEnded(
            stop_reason=stop_reason,
            head_sha=checkpoint.head_sha if checkpoint is not None else "",
            checkpoint=checkpoint,
            last_message_ref=last_message_ref,
        )
        await self._append(session_id, ended, task_id=session.current_task)
        return await self._session(session_id)

    async def pause(self, session_id: SessionId, reason: str) -> Session:
        return (await self._append(session_id, QueuePaused(reason=reason))).session
