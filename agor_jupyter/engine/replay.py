"""The beginning of a fork whose agent cannot remember it: read from the parents' logs, told with a prompt.

It is put before what the agent is given and nowhere else: the log keeps a person's own words.
"""

from __future__ import annotations

from agor_jupyter.domain.conversation import LIMIT, newest, replayed
from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.genealogy import shared
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import EventSource
from agor_jupyter.domain.session import Session, Task

PAGE = 500
MOST_EVENTS = 20_000
"""How much of one task is read for a replay: its newest events."""


def is_due(session: Session) -> bool:
    """Say whether the next prompt must bring the replay: the agent has not said a word here yet."""
    return session.origin is not None and session.origin.replayed and not session.last_words.strip()


def is_refusable(session: Session) -> bool:
    """Say whether an agent's refusal to branch can be mended: by a replay, before it has begun."""
    return session.fork is not None and session.origin is not None and not session.native_ref


async def preceded(log: EventSource, session: Session, prompt: str) -> str:
    """Give `prompt` with the transcript of what the fork shares before it, its newest `LIMIT` characters."""
    parts: list[str] = []
    left, whole = LIMIT, True
    child: Session | None = session
    while whole and child is not None and child.origin is not None and child.parent_id is not None:
        for task in reversed(shared(await _tasks(log, child.parent_id), child.origin.task_id)):
            text, whole = await _task_text(log, task, left)
            parts.append(text)
            left -= len(text)
            if not whole:
                break
        child = await log.session(child.parent_id)
    said = "\n\n".join(part for part in reversed(parts) if part)
    return replayed(said, prompt, clipped=not whole) if said else prompt


async def _tasks(log: EventSource, session_id: SessionId) -> list[Task]:
    found: list[Task] = []
    cursor: str | None = None
    while True:
        page = await log.tasks(session_id, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def _task_text(log: EventSource, task: Task, limit: int) -> tuple[str, bool]:
    """Give the newest of what was said in a task, and whether that is all of it."""
    events: list[SessionEvent] = []
    while len(events) < MOST_EVENTS:
        before = events[0].seq if events else None
        page = await log.read(task.session_id, task_id=task.id, before_seq=before, limit=PAGE, newest=True)
        events = [*page, *events]
        text, fits = newest(events, limit)
        if not fits or len(page) < PAGE:
            return text, fits
    return text, False
