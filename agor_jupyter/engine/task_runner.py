"""One task from its place in the queue to its `stop_reason`: what happens, in which order.

Functions on a `SessionRunner`; they keep no state of their own.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import Checkpoint, StopReason
from agor_jupyter.domain.conversation import REPLAY_NOTICE
from agor_jupyter.domain.errors import AgorError, AlreadyAnswered, Conflict, RunnerLost, StorageFull
from agor_jupyter.domain.events import (
    Draft,
    Notice,
    PermissionResolved,
    QueuePaused,
    SessionEvent,
    TaskEnded,
    TaskQueued,
    TaskStarted,
    TaskUpdated,
    TurnEnded,
)
from agor_jupyter.domain.ids import RequestId, TaskId
from agor_jupyter.domain.lifecycle import pauses_queue
from agor_jupyter.domain.policy import AlwaysRule, Policy, subject_of
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.engine import replay, runner_watch
from agor_jupyter.runner.protocol import RunnerSpec, bridge_of

if TYPE_CHECKING:
    from agor_jupyter.engine.session_runner import SessionRunner

PAUSED: dict[StopReason, str] = {
    "cancelled": "The task was stopped.",
    "failed": "The task failed.",
    "lost": "The agent was lost.",
}
PAGE = 500


async def start_next(runner: SessionRunner, session: Session) -> None:
    """Start the first queued task: worktree, checkpoint, runner, `task_started`, prompt.

    Raises an `AgorError` while the prompt is still queued; from `task_started` on it is the task
    that fails.
    """
    worktree = await _ready_worktree(runner, session)
    task_id = session.queue[0]
    checkpoint = await runner.parts.checkpoints.record(worktree.path, session.id, task_id, "start")
    await _ensure_runner(runner, session, worktree)
    async with runner.lock:
        now = await runner.parts.log.session(session.id)
        ready = now is not None and not (now.archived or now.queue_paused) and task_id in now.queue
        stop_asked = runner.stop_asked if runner.stopping == task_id else None
        if ready:  # else it was withdrawn while the runner started
            started = TaskStarted(base_sha=checkpoint.head_sha, checkpoint=checkpoint)
            drafts = [runner.draft(started, task_id)]
            if now is not None and replay.is_due(now):
                drafts.append(runner.draft(Notice(text=REPLAY_NOTICE), task_id))
            if stop_asked is not None:
                drafts.append(runner.draft(stop_asked, task_id))
            await runner.append_locked(drafts)
    if now is None or now.archived:
        await runner.close_runner()  # put away while it started: nobody will prompt it
    elif ready and stop_asked is not None:
        cancelled = TurnEnded(stop_reason="cancelled")
        await end_task(runner, cancelled, task_id, at_ms=runner.parts.clock(), mark=None)
    elif ready:
        await _hand_over(runner, task_id)


async def end_unstarted(runner: SessionRunner) -> None:
    """End the first queued task as stopped: it waited, and its agent never hears of it."""
    async with runner.lock:
        now = await runner.parts.log.session(runner.session_id)
        task_id, asked = runner.stopping, runner.stop_asked
        if now is None or task_id is None or asked is None or task_id not in now.queue:
            return
        started = TaskStarted(base_sha="")
        await runner.append_locked([runner.draft(started, task_id), runner.draft(asked, task_id)])
    cancelled = TurnEnded(stop_reason="cancelled")
    await end_task(runner, cancelled, task_id, at_ms=runner.parts.clock(), mark=None)


async def hand_to_new_runner(runner: SessionRunner) -> None:
    """Start the task under way on a new runner: the one before closed without having taken it."""
    session = await runner.parts.log.session(runner.session_id)
    if session is None or session.current_task is None:
        return
    try:
        await _ensure_runner(runner, session, await _ready_worktree(runner, session))
    except AgorError as error:
        ended = TurnEnded(stop_reason="failed", error=error.detail, hint=error.hint)
        await end_task(runner, ended, session.current_task, at_ms=runner.parts.clock(), mark=None)
        return
    await _hand_over(runner, session.current_task)


async def _hand_over(runner: SessionRunner, task_id: TaskId) -> None:
    """Give the runner the prompt. One that is gone says so in the inbox: the task ends there."""
    prompt, _ = await stored_for(runner, task_id)
    if prompt is None or runner.link is None:
        return
    try:
        await runner.link.prompt(task_id, prompt.prompt, prompt.attachments)
        if runner.stopping == task_id:  # stopped before the runner had the prompt
            await runner.link.interrupt()
    except RunnerLost:
        return
    except AgorError as error:
        ended = TurnEnded(stop_reason="failed", error=error.detail, hint=error.hint)
        await end_task(runner, ended, task_id, at_ms=runner.parts.clock(), mark=None)


async def _ready_worktree(runner: SessionRunner, session: Session) -> Worktree:
    worktree = await runner.parts.worktree(session.worktree_id)
    if worktree is None or worktree.state != "ready":
        state = worktree.state if worktree else "gone"
        raise Conflict(
            f"The worktree is {state}: the agent has no folder of its own to work in.",
            hint="Restore the worktree or make a new one, then resume the queue.",
        )
    return worktree


async def _ensure_runner(runner: SessionRunner, session: Session, worktree: Worktree) -> None:
    """Start a runner where there is none. A fork that its agent refuses is replayed by the next one."""
    if runner.link is not None:
        return
    try:
        await _new_runner(runner, session, worktree)
    except AgorError as error:
        if error.fields.get("capability") != "fork" or not await runner_watch.replay_instead(runner, error):
            raise
        now = await runner.parts.log.session(session.id)
        await _new_runner(runner, now or session, worktree)


async def _new_runner(runner: SessionRunner, session: Session, worktree: Worktree) -> None:
    parts = runner.parts
    run_id = parts.new_id("run")
    socket_path = parts.launch.socket_path(run_id)
    bridge = bridge_of(socket_path)
    wanted = await parts.session_spec(session, worktree)
    spec = RunnerSpec(
        run_id=run_id,
        agent=session.agent,
        session=wanted.model_copy(update={"bridge": bridge}),
        policy=Policy(mode=session.mode, always=await _always(runner), worktree=worktree.path),
        log_path=parts.launch.log_path(session.id, run_id),
        socket_path=socket_path,
        orphan_hours=parts.launch.orphan_hours,
        idle_seconds=parts.launch.idle_seconds,
    )
    handle = await parts.executor.start(spec)
    await parts.log.save_runner(run_id, session.id, handle.model_dump_json())
    runner.begin_runner(handle)
    try:
        await runner_watch.attach(runner, session)
    except AgorError as error:  # it has ended as it began, or hangs
        raise await runner_watch.lost_at_start(runner, error) from error


async def _always(runner: SessionRunner) -> tuple[AlwaysRule, ...]:
    """Collect what people allowed for the rest of this session: a new runner must know it."""
    rules: list[AlwaysRule] = []
    after = 0
    while events := await runner.parts.log.read(runner.session_id, after_seq=after, limit=PAGE):
        after = events[-1].seq
        for event in events:
            if isinstance(event.update, PermissionResolved):
                asked = await runner.parts.log.request(event.update.request_id)
                rules += _rule(asked, event.update)
    return tuple(dict.fromkeys(rules))


def _rule(asked: SessionEvent | None, resolved: PermissionResolved) -> list[AlwaysRule]:
    if asked is None or asked.update.type != "permission_request":
        return []
    request = asked.update
    chosen = [item for item in request.options if item.option_id == resolved.option_id]
    if not chosen or chosen[0].kind != "allow_always" or resolved.by == "policy":
        return []
    return [AlwaysRule(kind=request.kind, subject=subject_of(request))]


async def hold_queue(runner: SessionRunner, error: AgorError) -> None:
    """Keep the prompt queued, say why, and wait for a person."""
    paused = QueuePaused(reason=error.detail, hint=error.hint)
    notice = Notice(level="error", text=error.detail, hint=error.hint)
    runner.stopping = runner.stop_asked = None  # what nobody could stop is not stopped when it is resumed
    await runner.append([runner.draft(notice), runner.draft(paused)])


def refused_by_system(error: OSError) -> AgorError:
    """Say what the machine would not do for a start: no space, no process, no file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk is full.", hint="Free some space, then resume.")
    return Conflict(f"The agent could not be started: {error.strerror}.", hint="Mend it, then resume.")


async def end_task(
    runner: SessionRunner, ended: TurnEnded, task_id: TaskId | None, *, at_ms: int, mark: int | None
) -> None:
    """Close the task under way: withdraw what waits, record the files, append `task_ended`.

    An end that belongs to no task under way (told twice, or of a spontaneous turn) only moves the mark.
    """
    session = await runner.parts.log.session(runner.session_id)
    if session is None or task_id is None or session.current_task != task_id:
        if mark is not None:
            await runner.append([], mark=mark)
        return
    checkpoint, counts = await _checkpoint(runner, session, task_id)
    async with runner.lock:
        now = await runner.parts.log.session(runner.session_id) or session
        drafts = [
            Draft(task_id=task_id, at_ms=at_ms, update=_withdrawn(request_id)) for request_id in now.pending
        ]
        closing = TaskEnded(
            stop_reason=ended.stop_reason,
            usage=ended.usage,
            head_sha=checkpoint.head_sha if checkpoint else "",
            checkpoint=checkpoint,
            files_changed=counts[0],
            lines_added=counts[1],
            lines_removed=counts[2],
            error=ended.error,
            hint=ended.hint,
            last_message_ref=ended.last_message_ref,
        )
        drafts.append(Draft(task_id=task_id, at_ms=at_ms, update=closing))
        if now.queue and pauses_queue(ended.stop_reason):
            reason = PAUSED.get(ended.stop_reason, "")
            drafts.append(Draft(at_ms=at_ms, update=QueuePaused(reason=reason)))
        await runner.append_locked(drafts, mark=mark)


async def _checkpoint(
    runner: SessionRunner, session: Session, task_id: TaskId
) -> tuple[Checkpoint | None, tuple[int, int, int]]:
    """Record the files as the task left them. A worktree that is gone cannot stop a task's end."""
    worktree = await runner.parts.worktree(session.worktree_id)
    if worktree is None:
        return None, (0, 0, 0)
    checkpoints = runner.parts.checkpoints
    try:
        end = await checkpoints.record(worktree.path, session.id, task_id, "end")
        start = await _start_of(runner, task_id)
        counts = await checkpoints.changes(worktree.path, start.sha, end.sha) if start else (0, 0, 0)
    except (AgorError, OSError) as error:
        why = error.detail if isinstance(error, AgorError) else f"{error.strerror}."
        notice = Notice(level="warning", text=f"The files could not be recorded: {why}")
        await runner.append([runner.draft(notice, task_id)])
        return None, (0, 0, 0)
    return end, counts


async def _start_of(runner: SessionRunner, task_id: TaskId) -> Checkpoint | None:
    events = await runner.parts.log.read(runner.session_id, task_id=task_id, limit=PAGE)
    started = [event.update for event in events if isinstance(event.update, TaskStarted)]
    return started[0].checkpoint if started else None


async def end_lost_task(runner: SessionRunner) -> None:
    """End the task whose runner is gone, saying what happened."""
    session = await runner.parts.log.session(runner.session_id)
    if session is None or session.current_task is None:
        if runner.ended is not None and runner.ended.reason == "start_failed" and session is not None:
            await hold_queue(runner, Conflict(runner.ended.error, hint=runner.ended.hint))
        await _withdraw_apart(runner)
        return
    await end_task(
        runner, _how_it_was_lost(runner), session.current_task, at_ms=runner.parts.clock(), mark=None
    )


async def _withdraw_apart(runner: SessionRunner) -> None:
    """Withdraw what was asked apart from any task: who asked is gone."""
    async with runner.lock:
        now = await runner.parts.log.session(runner.session_id)
        if now is not None and now.pending and now.current_task is None:
            drafts = [runner.draft(_withdrawn(request_id)) for request_id in now.pending]
            await runner.append_locked(drafts)


def _how_it_was_lost(runner: SessionRunner) -> TurnEnded:
    if runner.killed_by:
        text = "The agent did not stop when asked and was killed."
        return TurnEnded(stop_reason="cancelled", error=text)
    ended = runner.ended
    if ended is not None and ended.reason in ("start_failed", "agent_exited"):
        return TurnEnded(stop_reason="failed", error=ended.error, hint=ended.hint)
    return TurnEnded(
        stop_reason="lost",
        error="The agent's process is gone: it was killed, or the machine was restarted.",
        hint="Resume to go on with the same conversation; nothing that was queued is lost.",
    )


async def stored_for(
    runner: SessionRunner, task_id: TaskId
) -> tuple[TaskQueued | None, list[PermissionResolved]]:
    """Read a task's prompt, as last edited and as its agent is given it, and people's answers in it."""
    prompt: TaskQueued | None = None
    answers: list[PermissionResolved] = []
    after = 0
    log = runner.parts.log
    while events := await log.read(runner.session_id, after_seq=after, task_id=task_id, limit=PAGE):
        after = events[-1].seq
        for event in events:
            match event.update:
                case TaskQueued() as queued:
                    prompt = queued
                case TaskUpdated(prompt=str(text)) if prompt is not None:
                    prompt = prompt.model_copy(update={"prompt": text})
                case PermissionResolved(by=by) as resolved if by not in ("policy", "agent"):
                    answers.append(resolved)
    session = await log.session(runner.session_id)
    if prompt is not None and session is not None and replay.is_due(session):
        told = await replay.preceded(log, session, prompt.prompt)
        prompt = prompt.model_copy(update={"prompt": told})
    return prompt, answers


async def answers_apart(runner: SessionRunner) -> list[PermissionResolved]:
    """Read people's answers to what was asked apart from any task, as far back as one is of use."""
    events = await runner.parts.log.read(runner.session_id, limit=PAGE, newest=True)
    updates = [event.update for event in events if event.task_id is None]
    return [
        update
        for update in updates
        if isinstance(update, PermissionResolved) and update.by not in ("policy", "agent")
    ]


def _withdrawn(request_id: str) -> PermissionResolved:
    return PermissionResolved(request_id=RequestId(request_id), outcome="cancelled", by="agent")


def decision_of(resolved: PermissionResolved) -> Decision:
    return Decision(
        outcome=resolved.outcome,
        option_id=resolved.option_id,
        message=resolved.message,
        answers=resolved.answers,
    )


def already_answered(first: SessionEvent) -> AlreadyAnswered:
    resolved = first.update if isinstance(first.update, PermissionResolved) else None
    by, option = (resolved.by, resolved.option_id) if resolved is not None else ("", None)
    name = (resolved.by_name if resolved is not None else "") or by
    who = "The agent withdrew it" if by == "agent" else f"{name} answered it"
    return AlreadyAnswered(f"{who} already.", hint="Nothing more to do.", by=by, option_id=option)
