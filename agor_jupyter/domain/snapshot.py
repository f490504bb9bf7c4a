"""The one reducer of the small record: a session and the event that follows it give the next session.

`apply` keeps status, queue and who must answer; what was said in a task is `blocks`. The front end's
`applyEvent.ts` mirrors it, held by the golden files in `tests/golden/events`.
"""

from __future__ import annotations

from agor_jupyter.domain import lifecycle
from agor_jupyter.domain.content import (
    add_usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentReady,
    AgentThoughtChunk,
    Draft,
    EffortChanged,
    ModeChanged,
    ModelChanged,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    QueuePaused,
    QueueResumed,
    QueueWaiting,
    SessionCreated,
    SessionEvent,
    SessionUpdated,
    TaskEnded,
    TaskQueued,
    TaskRemoved,
    TaskStarted,
    TaskUpdated,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.last_words import last_line, line_ended
from agor_jupyter.domain.queueing import known, moved, waiting
from agor_jupyter.domain.session import Session

_TOLD = (
    "native_ref",
    "models",
    "model_labels",
    "efforts",
    "commands",
    "trusted",
    "instructions",
    "tool_servers",
    "unable",
)
_STREAMED = frozenset({AgentMessageChunk, AgentThoughtChunk, ToolCallUpdate, UsageUpdate})


def apply(session: Session, event: SessionEvent) -> Session:
    """Fold one event into the session's record. Events must come in the order of `seq`."""
    changes = _changes(session, event)
    changes["last_seq"], changes["updated_ms"] = event.seq, event.at_ms
    if session.archived and "archived" not in changes:
        changes.pop("status", None)  # what still ends in a session that was put away brings it not back
    return session.changed(changes)


def _changes(session: Session, event: SessionEvent | Draft) -> dict[str, object]:
    update, task_id = event.update, event.task_id
    # These come by the thousand; each class pattern that they would pass below is a slow isinstance.
    if type(update) in _STREAMED:
        return _said(session, update)
    match update:
        case TaskQueued():
            queue = (*session.queue, known(task_id))
            return {"queue": queue, "task_count": session.task_count + 1, **_rest(session, queue=queue)}
        case TaskUpdated(place=place) if place is not None:
            return {"queue": moved(session.queue, known(task_id), place)}
        case TaskRemoved():
            return _removed(session, task_id)
        case TaskStarted():
            queue = tuple(item for item in session.queue if item != task_id)
            return {
                "queue": queue,
                "current_task": task_id,
                "status": "starting",
                "waits": None,
                "error": "",
                "hint": "",
                "last_words": line_ended(session.last_words),
            }
        case TaskEnded():
            return _ended(session, update)
        case QueuePaused(reason=reason, hint=hint):
            return _paused(session, reason, hint)
        case QueueWaiting(reason=reason):
            return {"waits": waiting(session, reason, event.at_ms)}
        case QueueResumed():
            resumed = session.model_copy(update={"last_stop_reason": None})
            return {
                "queue_paused": "",
                "last_stop_reason": None,
                "error": "",
                "hint": "",
                **_rest(resumed, paused=False),
            }
        case PermissionRequest(request_id=request_id):
            return {"pending": (*session.pending, request_id), "status": "awaiting_permission"}
        case PermissionResolved(request_id=request_id):
            pending = tuple(item for item in session.pending if item != request_id)
            if pending or session.current_task:
                return {"pending": pending, "status": "awaiting_permission" if pending else "running"}
            # It was asked apart from any task: the session rests again.
            return {"pending": (), **_rest(session, paused=bool(session.queue_paused))}
        case _:
            return _said(session, update)


def _said(session: Session, update: object) -> dict[str, object]:
    match update:
        case AgentMessageChunk(text=text):
            return {"last_words": last_line(session.last_words, text), **_running(session)}
        case ToolCall():
            return {"last_words": line_ended(session.last_words), **_running(session)}
        case AgentThoughtChunk() | ToolCallUpdate() | Plan():
            return _running(session)
        case AgentReady(model=model):
            return {
                **{name: getattr(update, name) for name in _TOLD},
                "model": model or session.model,
                **_running(session),
            }
        case Notice(tool_servers=missing, text=why) if missing:
            started = session.tool_servers
            return {"tool_servers": {name: why if name in missing else started[name] for name in started}}
        case UsageUpdate(context_used=used, context_size=size):
            return {"context_used": used, "context_size": size} if used is not None else {}
        case ModeChanged(mode=mode):
            return {"mode": mode}
        case ModelChanged(model=model):
            return {"model": model}
        case EffortChanged(effort=effort):
            return {"effort": effort}
        case SessionCreated(agent=agent, title=title, mode=mode, model=model):
            return {"agent": agent, "title": title, "mode": mode, "model": model}
        case SessionUpdated(title=title, archived=archived, status_line=line, replayed=replayed):
            return {
                **(_replayed(session) if replayed else {}),
                **({"status_line": line} if line is not None else {}),
                **({"title": title} if title is not None else {}),
                **({"archived": archived, **_archive(session, archived)} if archived is not None else {}),
            }
        case _:
            return {}


def _replayed(session: Session) -> dict[str, object]:
    origin = session.origin
    return {"fork": None, "origin": origin and origin.model_copy(update={"replayed": True})}


def _ended(session: Session, update: TaskEnded) -> dict[str, object]:
    reason = update.stop_reason
    paused = bool(session.queue_paused)
    return {
        "current_task": None,
        "pending": (),
        "last_stop_reason": reason,
        "error": update.error,
        "hint": update.hint,
        "usage": add_usage(session.usage, update.usage),
        "status": lifecycle.resting(reason, len(session.queue), paused or lifecycle.pauses_queue(reason)),
    }


def _paused(session: Session, reason: str, hint: str) -> dict[str, object]:
    rest = {"waits": None, **_rest(session, paused=True)}
    if rest.get("status") == "idle":  # nothing went wrong before: what paused it is the failure
        return {**rest, "queue_paused": reason, "status": "failed", "error": reason, "hint": hint}
    return {"queue_paused": reason, **rest}


def _running(session: Session) -> dict[str, object]:
    return {"status": "running"} if session.status == "starting" else {}


def _removed(session: Session, task_id: TaskId | None) -> dict[str, object]:
    queue = tuple(item for item in session.queue if item != task_id)
    if queue or not session.queue_paused:
        waits = session.waits if queue else None
        return {"queue": queue, "waits": waits, **_rest(session, queue=queue)}
    # Nothing is left to hold: the next prompt is not to wait for a person.
    return {"queue": queue, "queue_paused": "", **_rest(session, queue=queue, paused=False)}


def _rest(
    session: Session, *, queue: tuple[TaskId, ...] | None = None, paused: bool | None = None
) -> dict[str, object]:
    """Name the status anew unless a task is under way."""
    if session.current_task is not None or session.archived:
        return {}
    count = len(session.queue if queue is None else queue)
    held = bool(session.queue_paused) if paused is None else paused
    if held and paused is None:
        return {}  # what paused the queue still says how the session stands
    return {"status": lifecycle.resting(session.last_stop_reason, count, held)}


def _archive(session: Session, archived: bool) -> dict[str, object]:
    if archived:
        return {"status": "archived", "waits": None}
    held = bool(session.queue_paused)
    return {"status": lifecycle.resting(session.last_stop_reason, len(session.queue), held)}
