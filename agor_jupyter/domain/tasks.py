"""The reducer of the task list: a task and an event of it give the next task."""

from __future__ import annotations

from agor_jupyter.domain.events import (
    InterruptRequested,
    SessionEvent,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
)
from agor_jupyter.domain.session import Task


def apply_task(task: Task | None, event: SessionEvent) -> Task | None:
    """Fold one event into the task it belongs to. Only task_* events and a wish to stop change one.

    `place` is not kept here: it is the task's index in `Session.queue`.
    """
    update = event.update
    if isinstance(update, TaskQueued) and event.task_id is not None:
        return Task(
            id=event.task_id,
            session_id=event.session_id,
            by=update.by,
            by_name=update.by_name,
            attached=tuple(item.name for item in update.attachments),
            prompt=update.prompt,
            status="queued",
            queued_ms=event.at_ms,
        )
    if task is None:
        return None
    match update:
        case TaskUpdated(prompt=prompt) if prompt is not None:
            return task.model_copy(update={"prompt": prompt})
        case TaskRemoved():
            return task.model_copy(update={"status": "removed", "ended_ms": event.at_ms})
        case TaskStarted(base_sha=base_sha):
            changes = {"status": "running", "started_ms": event.at_ms, "base_sha": base_sha}
            return task.model_copy(update=changes)
        case InterruptRequested(by=by, by_name=name):
            return task.model_copy(update={"stopped_by": name or by})
        case TaskEnded():
            return _ended(task, update, event.at_ms)
        case _:
            return task


def _ended(task: Task, update: TaskEnded, at_ms: int) -> Task:
    names = (
        "stop_reason",
        "usage",
        "head_sha",
        "files_changed",
        "lines_added",
        "lines_removed",
        "error",
        "hint",
    )
    changes: dict[str, object] = {name: getattr(update, name) for name in names}
    if update.checkpoint is not None:
        changes |= {"checkpoint_ref": update.checkpoint.ref, "checkpoint_sha": update.checkpoint.sha}
    return task.model_copy(update={**changes, "status": "ended", "ended_ms": at_ms})
