"""Asking Jupyter's Authorizer what the person behind a channel may do with boards, right now."""

from __future__ import annotations

import inspect
from typing import Any

from agor_jupyter.domain.user import Action, Grant

BOARD_ACTIONS: tuple[Action, ...] = ("read", "write")


async def ask_authorizer(channel: Any) -> frozenset[Grant]:
    """Ask for reading and writing boards. `channel` is a `JupyterHandler`, ours or another's."""
    granted: set[Grant] = set()
    for action in BOARD_ACTIONS:
        answer = channel.authorizer.is_authorized(channel, channel.current_user, action, "agor:boards")
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            granted.add((action, "agor:boards"))
    return frozenset(granted)
