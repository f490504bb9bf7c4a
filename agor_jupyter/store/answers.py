"""Idempotent answers: how long one is kept, and when a key was used for something else."""

from __future__ import annotations

from agor_jupyter.domain.errors import Unprocessable

KEPT_MS = 24 * 60 * 60 * 1000


def require_same(kept: str, fingerprint: str) -> None:
    """Raise `Unprocessable` when a key is used again for another request."""
    if kept != fingerprint:
        raise Unprocessable(
            "This Idempotency-Key was used for another request.",
            hint="Make a new key for each request; repeat a key only with the same request.",
        )
