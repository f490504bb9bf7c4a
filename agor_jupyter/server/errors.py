"""Turns what went wrong into a problem (RFC 9457); the only place that knows a status of an error.

What cannot be named is a bug: it is logged by type and place, never by its message, which may
hold a prompt or a secret.
"""

from __future__ import annotations

import errno
import http
import logging
import traceback

from tornado.web import HTTPError

from agor_jupyter.domain.errors import AgorError, StorageFull

PROBLEM_TYPE = "application/problem+json"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def problem_of(error: BaseException) -> dict[str, object]:
    """Give the members of an error's problem; `status` among them."""
    if isinstance(error, AgorError):
        return error.problem()
    if isinstance(error, HTTPError):
        return _http_problem(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return StorageFull("The disk is full.", hint="Free some space, then try again.").problem()
    return {
        "type": "urn:agor:Bug",
        "title": "Something went wrong",
        "status": 500,
        "detail": "The server met an error of its own. Nothing more was done.",
        "hint": "The server's log says where; please report it.",
    }


def _http_problem(error: HTTPError) -> dict[str, object]:
    try:
        title = error.reason or http.HTTPStatus(error.status_code).phrase
    except ValueError:
        title = "Refused"
    return {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "detail": _HTTP_DETAILS.get(error.status_code, title + "."),
        "hint": "",
    }


# Never the log message of the HTTPError: it may quote what was sent.
_HTTP_DETAILS = {
    400: "The request cannot be read.",
    403: "You are not logged in, or may not do this.",
    404: "There is nothing at this address.",
    405: "This address does not know that method.",
    413: "The request is too large.",
}


def is_bug(error: BaseException) -> bool:
    return problem_of(error)["type"] == "urn:agor:Bug"


def log_bug(log: logging.Logger, error: BaseException, where: str) -> None:
    """Log an error of our own: its type and the places it went through, no values."""
    places = traceback.extract_tb(error.__traceback__)[-12:]
    lines = [f"  {place.filename}:{place.lineno} in {place.name}" for place in places]
    log.error("%s in %s\n%s", type(error).__name__, where, "\n".join(lines))
