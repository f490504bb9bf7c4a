"""Cursors and filters: what the lists of every kind of store agree on.

A cursor is the sort key of the last item given out, so a list goes on at the same place whatever
was added meanwhile. It is opaque to all but this room.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from pydantic import BaseModel

from agor_jupyter.domain.errors import InvalidRequest

PAGE_LIMIT = 1000
"""The most that one page holds."""


def cursor_of(*key: int | str) -> str:
    """Make the cursor that continues after the item with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def key_of(cursor: str, *kinds: type[int] | type[str]) -> tuple[int | str, ...]:
    """Read a cursor back; raise `InvalidRequest` if no list with these key types gave it out."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    good = (
        isinstance(key, list)
        and len(key) == len(kinds)
        and all(type(part) is kind for part, kind in zip(key, kinds, strict=True))
        and all(abs(part) < 2**63 for part in key if isinstance(part, int))
    )
    if not good:
        raise InvalidRequest(
            "This cursor was not given out by this list.",
            hint="Take `next` of the page before, or leave the cursor out.",
        )
    return tuple(key)


def page_size(limit: int) -> int:
    return max(1, min(limit, PAGE_LIMIT))


def filters_of(kind: type[BaseModel], where: Mapping[str, str | None]) -> dict[str, str]:
    """Keep the filters that say something (None does not); refuse a name that is no field of `kind`."""
    for name in where:
        if name not in kind.model_fields:
            raise InvalidRequest(f"{name[:80]!r} is not a field of a {kind.__name__.lower()}.")
    return {name: value for name, value in where.items() if value is not None}


def text_of(value: object) -> str | None:
    """Write a field's value as a filter does: `true`, `false`, or its text; None matches nothing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
