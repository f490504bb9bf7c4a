"""The one table of a session's states: which update leads from where to where.

A status is *derived* from the events; nothing sets it by hand.
"""

from __future__ import annotations

from agor_jupyter.domain.content import StopReason
from agor_jupyter.domain.session import SessionStatus

AFTER_TASK: dict[StopReason, SessionStatus] = {
    "end_turn": "idle",
    "max_tokens": "idle",
    "max_turn_requests": "idle",
    "refusal": "idle",
    "cancelled": "interrupted",
    "failed": "failed",
    "lost": "lost",
}
"""What a session is when a task has ended and none is queued."""

WORKING: frozenset[SessionStatus] = frozenset({"starting", "running", "awaiting_permission"})
"""A task is under way: a prompt sent now is queued."""

ATTENTION: tuple[SessionStatus, ...] = ("awaiting_permission", "failed", "lost")
"""What calls for a person, most urgent first."""


def pauses_queue(stop_reason: StopReason) -> bool:
    """Say whether what is queued must wait for a person: yes after a stop, a failure or a loss."""
    return AFTER_TASK[stop_reason] != "idle"


def resting(stop_reason: StopReason | None, queued: int, paused: bool) -> SessionStatus:
    """Name the state of a session in which no task is under way."""
    if queued and not paused:
        return "queued"
    return AFTER_TASK[stop_reason] if stop_reason is not None else "idle"
