"""From drafts to events and the records that follow from them: what every kind of log agrees on.

Pure: it decides what an append means; `event_log` and `memory` keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agor_jupyter.domain.errors import Conflict, NotFound
from agor_jupyter.domain.events import (
    Draft,
    InterruptRequested,
    SessionCreated,
    SessionEvent,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
)
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.session import Session, Task
from agor_jupyter.domain.snapshot import apply
from agor_jupyter.domain.tasks import apply_task

_OF_TASKS = frozenset({TaskQueued, TaskUpdated, TaskRemoved, TaskStarted, TaskEnded, InterruptRequested})
_EVENT_FIELDS = set(SessionEvent.model_fields)  # shared by all events: a copy of one copies it
_set = object.__setattr__


@dataclass(slots=True)
class Fold:
    """An append, worked out: `tasks` holds those that changed, in order of their first change."""

    session: Session
    events: tuple[SessionEvent, ...]
    tasks: dict[TaskId, Task]


def starting_point(
    session_id: SessionId, stored: Session | None, create: Session | None, drafts: Sequence[Draft]
) -> Session:
    """Give the record to fold onto, or raise `NotFound` (no such session) or `Conflict` (it exists)."""
    if create is None:
        if stored is None:
            raise NotFound(f"There is no session {session_id}.", hint="List the sessions.", id=session_id)
        return stored
    if create.id != session_id or create.last_seq != 0:
        raise ValueError("`create` must be the new, empty record of the session appended to")
    if not drafts or not isinstance(drafts[0].update, SessionCreated):
        raise ValueError("a new session's first event is `session_created`")
    if stored is not None:
        raise Conflict(f"The session {session_id} exists already.", id=session_id)
    return create


def fold(session: Session, drafts: Sequence[Draft], task_of: Callable[[TaskId], Task | None]) -> Fold:
    """Stamp `drafts` with the next seqs and fold them into the session and its tasks."""
    events: list[SessionEvent] = []
    tasks: dict[TaskId, Task] = {}
    seq = session.last_seq
    for draft in drafts:
        seq += 1
        event = stamped(draft, seq, session.id, not_before(draft, session))
        session = apply(session, event)
        events.append(event)
        # Types are compared, not asked: pydantic's isinstance is slow, and this runs for each chunk.
        if type(draft.update) in _OF_TASKS and (task_id := draft.task_id) is not None:
            task = apply_task(tasks[task_id] if task_id in tasks else task_of(task_id), event)
            if task is not None:
                tasks[task_id] = task
    return Fold(session, tuple(events), tasks)


def not_before(draft: Draft, session: Session) -> int:
    """Give the time of a draft, never before that of the event before it.

    Clocks are set back, and a runner's may be another machine's. Within a session time runs with `seq`,
    so that no duration is negative; a task begins after all that was before: tasks are sorted by it.
    All later times keep to one that lies ahead: who appends gives none that its own clock has not reached.
    """
    earliest = session.updated_ms + 1 if type(draft.update) is TaskStarted else session.updated_ms
    return draft.at_ms if draft.at_ms > earliest or session.last_seq == 0 else earliest


def stamped(draft: Draft, seq: int, session_id: SessionId, at_ms: int | None = None) -> SessionEvent:
    """Make a draft's event, as `SessionEvent(...)` does but without validating it again.

    The draft was validated when it was made. `model_construct` would do, and takes three times as
    long; of the cost of an append that is a tenth.
    """
    event = SessionEvent.__new__(SessionEvent)
    fields = {
        "seq": seq,
        "session_id": session_id,
        "task_id": draft.task_id,
        "at_ms": draft.at_ms if at_ms is None else at_ms,
        "update": draft.update,
    }
    _set(event, "__dict__", fields)
    _set(event, "__pydantic_fields_set__", _EVENT_FIELDS)
    _set(event, "__pydantic_extra__", None)
    _set(event, "__pydantic_private__", None)
    return event


def placed(task: Task, queue: Sequence[TaskId]) -> Task:
    """Give the task its place in its session's queue, None once it has left it."""
    place = queue.index(task.id) if task.status == "queued" and task.id in queue else None
    return task if task.place == place else task.model_copy(update={"place": place})
