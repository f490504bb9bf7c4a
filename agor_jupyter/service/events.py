"""Reading what was said: pages of a session's log, and following it as it grows."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agor_jupyter.domain.errors import InvalidRequest
from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.ports import Appended, Behind, Page
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import sessions
from agor_jupyter.service.access import admit
from agor_jupyter.service.house import House

MAX_EVENTS = 500
"""The most events of one page or one frame."""


async def page(
    house: House,
    actor: Actor,
    session_id: str,
    *,
    after_seq: int = 0,
    before_seq: int | None = None,
    limit: int = MAX_EVENTS,
    task_id: str | None = None,
    newest: bool = False,
) -> Page[SessionEvent]:
    """Read a page. `next` is the following page's `after_seq` (with `newest`: its `before_seq`)."""
    admit(actor, "events.page")
    if not 1 <= limit <= MAX_EVENTS:
        raise InvalidRequest(f"limit must be 1 to {MAX_EVENTS}.", limit=limit)
    session = await sessions.get(house, session_id)
    # One more than asked says whether there is a further page.
    events = await house.log.read(
        session.id,
        after_seq=after_seq,
        before_seq=before_seq,
        limit=limit + 1,
        task_id=TaskId(task_id) if task_id is not None else None,
        newest=newest,
    )
    more = len(events) > limit
    kept = (events[-limit:] if newest else events[:limit]) if more else events
    following = str(kept[0].seq if newest else kept[-1].seq) if more else None
    return Page[SessionEvent](items=tuple(kept), next=following)


async def follow(
    house: House, actor: Actor, session_id: str, *, after_seq: int = 0, task_id: str | None = None
) -> AsyncIterator[tuple[SessionEvent, ...]]:
    """Yield every event after `after_seq`, in order, without gap or repetition, for ever.

    The past comes in pages; what is appended meanwhile waits on the bus, and a reader whom the bus
    left behind reads on from the log. Close the iterator to stop.
    """
    admit(actor, "events.follow")
    session = await sessions.get(house, session_id)
    subscription = house.log.subscribe(session.id)
    cursor = after_seq
    try:
        async for events in read_on(house, session.id, cursor):
            cursor = events[-1].seq
            yield only(events, task_id)
        async for item in subscription:
            if isinstance(item, Appended):
                fresh = tuple(event for event in item.events if event.seq > cursor)
                if fresh and fresh[0].seq == cursor + 1:
                    cursor = fresh[-1].seq
                    yield only(fresh, task_id)
                    continue
                if not fresh:
                    continue
            elif not isinstance(item, Behind):
                continue
            async for events in read_on(house, session.id, cursor):
                cursor = events[-1].seq
                yield only(events, task_id)
    finally:
        subscription.close()


async def read_on(house: House, session_id: SessionId, after_seq: int) -> AsyncIterator[list[SessionEvent]]:
    """Yield pages of the log from after `after_seq` to its present end."""
    while events := await house.log.read(session_id, after_seq=after_seq, limit=MAX_EVENTS):
        yield events
        after_seq = events[-1].seq


def only(
    events: list[SessionEvent] | tuple[SessionEvent, ...], task_id: str | None
) -> tuple[SessionEvent, ...]:
    """Keep the events of one task (None: all)."""
    return tuple(event for event in events if task_id is None or event.task_id == task_id)
