"""Answers to what agents ask: checked against the request, given once."""

from __future__ import annotations

from agor_jupyter.domain.asking import check_whole
from agor_jupyter.domain.errors import Conflict, NotFound, Unprocessable
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, SessionEvent
from agor_jupyter.domain.ids import RequestId, UserId
from agor_jupyter.domain.ports import EventSource


async def find(log: EventSource, request_id: RequestId) -> tuple[SessionEvent, PermissionRequest]:
    """Find a request and the event that carries it, or raise `NotFound`."""
    event = await log.request(request_id)
    if event is None or not isinstance(event.update, PermissionRequest):
        raise NotFound(f"There is no request {request_id}.", hint="It may belong to another server.")
    return event, event.update


def check(
    request: PermissionRequest,
    *,
    by: UserId,
    by_name: str = "",
    option_id: str | None,
    message: str,
    answers: dict[str, str],
    digest: str | None,
) -> PermissionResolved:
    """Make the answer, or say why it does not fit what was asked."""
    if digest is not None and digest != request.digest:
        raise Conflict(
            "What is asked for has changed since you looked.",
            hint="Look again, then answer.",
            digest=request.digest,
        )
    known = [option.option_id for option in request.options]
    if option_id is not None and option_id not in known:
        raise Unprocessable(
            f"{option_id!r} is not one of the options.", hint=f"Choose one of: {', '.join(known)}."
        )
    if option_id is None and not request.questions:
        raise Unprocessable("An answer names an option.", hint=f"Choose one of: {', '.join(known)}.")
    check_whole(request, option_id, answers)
    return PermissionResolved(
        request_id=request.request_id,
        outcome="selected",
        option_id=option_id,
        by=by,
        by_name=by_name,
        message=message,
        answers=answers,
    )
