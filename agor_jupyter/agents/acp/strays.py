"""End what a stopped turn left running: commands that outlived it, but no tool server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection

from agor_jupyter.agents.process import marked

GRACE_SECONDS = 0.5


async def end_strays(marker: str, *, tool_servers: str, keep: Collection[int]) -> None:
    """End every process that carries `marker` but those in `keep` and those marked `tool_servers`."""
    found = await asyncio.to_thread(_signal, marker, tool_servers, keep, signal.SIGTERM)
    clock = asyncio.get_running_loop().time
    deadline = clock() + GRACE_SECONDS
    while found and clock() < deadline:
        await asyncio.sleep(0.02)
        found = await asyncio.to_thread(_strays, marker, tool_servers, keep)
    if found:
        await asyncio.to_thread(_signal, marker, tool_servers, keep, signal.SIGKILL)


def _strays(marker: str, tool_servers: str, keep: Collection[int]) -> set[int]:
    return marked(marker) - marked(tool_servers) - {os.getpid(), *keep}


def _signal(marker: str, tool_servers: str, keep: Collection[int], number: int) -> set[int]:
    found = _strays(marker, tool_servers, keep)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return found
