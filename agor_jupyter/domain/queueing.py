"""A session's queue as its events change it. Pure."""

from __future__ import annotations

from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.session import Session, Waits


def moved(queue: tuple[TaskId, ...], task_id: TaskId, place: int) -> tuple[TaskId, ...]:
    """Move a task to `place`, counted from 0; one that is not in the queue moves nothing."""
    if task_id not in queue:
        return queue
    others = [item for item in queue if item != task_id]
    others.insert(max(0, min(place, len(others))), task_id)
    return tuple(others)


def known(task_id: TaskId | None) -> TaskId:
    if task_id is None:
        raise ValueError("this event belongs to a task and must name it")
    return task_id


def waiting(session: Session, reason: str, at_ms: int) -> Waits:
    """Wait for another reason: since when stays as it was, for it decides who is next."""
    return Waits(reason=reason, since_ms=session.waits.since_ms if session.waits is not None else at_ms)
