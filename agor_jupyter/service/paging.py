"""How a list is cut into pages: the limits, and what an unknown thing is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from agor_jupyter.domain.errors import InvalidRequest, NotFound
from agor_jupyter.domain.ports import Table

T = TypeVar("T")
MAX_LIMIT = 200
MAX_CURSOR = 500


def check_limit(limit: int, cursor: str | None) -> None:
    """Raise `InvalidRequest` unless `limit` is 1 to 200 and the cursor may be one of ours."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"limit must be 1 to {MAX_LIMIT}.", limit=limit)
    if cursor is not None and len(cursor) > MAX_CURSOR:
        raise InvalidRequest("The cursor is none of this server's.", hint="Begin again without one.")


def found(thing: T | None, noun: str, id: str) -> T:
    """Give `thing` back, or raise `NotFound` that names what was looked for."""
    if thing is None:
        raise NotFound(f"There is no {noun} {id[:80]!r}.", noun=noun, id=id[:80])
    return thing


async def every(table: Table[T], **where: str | None) -> AsyncIterator[T]:
    """Walk a whole table, page by page."""
    cursor: str | None = None
    while True:
        page = await table.list(limit=MAX_LIMIT, cursor=cursor, **where)
        for thing in page.items:
            yield thing
        if page.next is None:
            return
        cursor = page.next
