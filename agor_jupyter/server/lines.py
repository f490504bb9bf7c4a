"""Writes events as NDJSON, one a line, with a ping in ten seconds' silence, until the client leaves.

The right to read is asked for every five seconds, however much is said meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from agor_jupyter.domain.events import SessionEvent

if TYPE_CHECKING:
    from agor_jupyter.server.base import AgorHandler

PING_SECONDS = 10.0
RECHECK_SECONDS = 5.0
Batch = tuple[SessionEvent, ...]


async def write_lines(handler: AgorHandler, batches: AsyncIterator[Batch]) -> None:
    """Follow until the client leaves, the right to read is gone, or the log closes."""
    handler.set_header("Content-Type", "application/x-ndjson")
    handler.set_header("Cache-Control", "no-store")
    handler.set_header("X-Accel-Buffering", "no")
    await handler.flush()
    # `on_connection_close` cancels this job: while nothing is said there is no write that would fail.
    handler.following = asyncio.ensure_future(_write(handler, batches))
    try:
        await handler.following
    except asyncio.CancelledError:
        if not handler.following.cancelled():
            raise
    finally:
        handler.following.cancel()
        handler.following = None
    if not handler.request.connection.stream.closed():  # type: ignore[union-attr]  # HTTP/1 here
        await handler.finish(set_content_type="application/x-ndjson")


async def _write(handler: AgorHandler, batches: AsyncIterator[Batch]) -> None:
    clock, now = handler.house.clock, asyncio.get_running_loop().time
    said = checked = now()
    step: asyncio.Future[Batch | None] = asyncio.ensure_future(_next(batches))
    try:
        while True:
            soon = min(said + PING_SECONDS, checked + RECHECK_SECONDS)
            done, _ = await asyncio.wait({step}, timeout=max(0.0, soon - now()))
            # By time and not by silence, and before anything is written: a busy session has no silence.
            if now() >= checked + RECHECK_SECONDS:
                if not await _may_read(handler):
                    return
                checked = now()
            if done:
                batch = step.result()
                if batch is None:
                    return
                handler.write("".join(event.model_dump_json() + "\n" for event in batch))
                step = asyncio.ensure_future(_next(batches))
            elif now() >= said + PING_SECONDS:
                handler.write(json.dumps({"ping": clock()}) + "\n")
            else:
                continue
            said = now()
            await handler.flush()  # waits for the client: a slow one holds one batch, no more
    finally:
        step.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await step
        await batches.aclose()  # type: ignore[attr-defined]  # it is an async generator


async def _may_read(handler: AgorHandler) -> bool:
    return await handler.still_known() and (await handler.find_actor()).may("read", "agor:sessions")


async def _next(batches: AsyncIterator[Batch]) -> Batch | None:
    return await anext(batches, None)
