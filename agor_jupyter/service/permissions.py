"""Permission requests: what agents wait for, and the one answer that each gets."""

from __future__ import annotations

from agor_jupyter.domain.asking import check_whole
from agor_jupyter.domain.errors import AlreadyAnswered, Conflict, Unprocessable
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, SessionEvent
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import admit
from agor_jupyter.service.answers import PermissionRecord
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import check_limit, found
from agor_jupyter.service.requests import AnswerPermission


async def browse(
    house: House, actor: Actor, *, limit: int = 100, cursor: str | None = None
) -> Page[PermissionRecord]:
    """List what nobody has answered, oldest first. The cursor is the id of the last one seen."""
    admit(actor, "permissions.browse")
    check_limit(limit, cursor)
    waiting = await house.log.pending()
    ids = [_request(event).request_id for event in waiting]
    start = ids.index(RequestId(cursor)) + 1 if cursor in ids else 0
    page = waiting[start : start + limit]
    records = tuple([await _record(house, event) for event in page])
    more = start + limit < len(waiting) and bool(records)
    return Page[PermissionRecord](items=records, next=records[-1].id if more else None)


async def show(house: House, actor: Actor, request_id: str) -> PermissionRecord:
    admit(actor, "permissions.show")
    return await _record(house, await _asked(house, request_id))


async def answer(house: House, actor: Actor, request_id: str, given: AnswerPermission) -> PermissionRecord:
    """Answer once, in this person's own name. A second answer raises `AlreadyAnswered`.

    A `digest` other than the request's raises `Conflict`: what was seen is not what would be done.
    """
    admit(actor, "permissions.answer")
    house.check_writable()
    event = await _asked(house, request_id)
    request = _request(event)
    await _check_open(house, request)
    _check_answer(request, given)
    await house.work.answer(
        request.request_id,
        by=actor.id,
        by_name=actor.by_name,
        option_id=given.option_id,
        message=given.message,
        answers=given.answers,
        digest=given.digest,
    )
    return await _record(house, event)


async def _check_open(house: House, request: PermissionRequest) -> None:
    """Spare the engine what is answered already; the engine alone decides a race."""
    event = await house.log.resolution(request.request_id)
    if event is not None:
        resolved = _resolved(event)
        raise AlreadyAnswered(
            f"{resolved.by_name or resolved.by} answered first.", by=resolved.by, option_id=resolved.option_id
        )


def _check_answer(request: PermissionRequest, given: AnswerPermission) -> None:
    if given.digest is not None and given.digest != request.digest:
        raise Conflict(
            "The request is not the one that was shown.", hint="Look at it again.", digest=request.digest
        )
    options = {option.option_id for option in request.options}
    if given.option_id is not None and given.option_id not in options:
        raise Unprocessable(
            f"There is no option {given.option_id[:80]!r}.", hint=f"Options: {', '.join(sorted(options))}."
        )
    if given.option_id is None and not request.questions:
        raise Unprocessable("Nothing was answered.", hint="Give option_id, or answers to the questions.")
    check_whole(request, given.option_id, given.answers or {})


async def _asked(house: House, request_id: str) -> SessionEvent:
    return found(await house.log.request(RequestId(request_id)), "permission request", request_id)


async def _record(house: House, event: SessionEvent) -> PermissionRecord:
    request = _request(event)
    answer = await house.log.resolution(request.request_id)
    session: Session = found(await house.log.session(event.session_id), "session", event.session_id)
    return PermissionRecord(
        id=request.request_id,
        session_id=event.session_id,
        task_id=event.task_id,
        worktree_id=session.worktree_id,
        at_ms=event.at_ms,
        request=request,
        resolved=_resolved(answer) if answer is not None else None,
    )


def _request(event: SessionEvent) -> PermissionRequest:
    if not isinstance(event.update, PermissionRequest):
        raise TypeError(f"the log gave {event.update.type} for a permission request")
    return event.update


def _resolved(event: SessionEvent) -> PermissionResolved:
    if not isinstance(event.update, PermissionResolved):
        raise TypeError(f"the log gave {event.update.type} for an answer")
    return event.update
