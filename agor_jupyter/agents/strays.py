"""End what a stopped turn left running: background shells that outlived their command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from agor_jupyter.agents.process import SERVER_MARKER, marked

GRACE_SECONDS = 0.5


async def end_strays(marker: str, *, keep: int | None) -> None:
    """End every process that carries `marker` but the agent's own (`keep`) and the MCP servers."""
    found = await asyncio.to_thread(_signal, marker, keep, signal.SIGTERM)
    clock = asyncio.get_running_loop().time
    deadline = clock() + GRACE_SECONDS
    while found and clock() < deadline:
        await asyncio.sleep(0.02)
        found = await asyncio.to_thread(_marked, marker, keep)
    if found:
        await asyncio.to_thread(_signal, marker, keep, signal.SIGKILL)


def _marked(marker: str, keep: int | None) -> set[int]:
    found = {pid for pid in marked(marker) if pid not in (keep, os.getpid())}
    return found - marked(f"{SERVER_MARKER}=1") if found else found


def _signal(marker: str, keep: int | None, number: int) -> set[int]:
    found = _marked(marker, keep)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return found
