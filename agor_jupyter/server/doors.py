"""The two guards in front of every verb of every handler: who is it, and may they.

Both arguments of `authorized` are given here, anew for each method: without them it keeps what its
first caller asked for, for every class that shares the method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from jupyter_server.auth.decorator import authorized, ws_authenticated
from tornado import web

from agor_jupyter.service.access import Rule

F = TypeVar("F", bound=Callable[..., Any])


def guarded(rule: Rule) -> Callable[[F], F]:
    """Guard a verb of a REST handler."""

    def wrap(method: F) -> F:
        return cast(F, web.authenticated(authorized(rule.action, resource=rule.resource)(method)))

    return wrap


def guarded_socket(rule: Rule) -> Callable[[F], F]:
    """Guard the handshake of a websocket; each message is guarded by its handler."""

    def wrap(method: F) -> F:
        return cast(F, ws_authenticated(authorized(rule.action, resource=rule.resource)(method)))

    return wrap
