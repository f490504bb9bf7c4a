"""Run programs for the model: in a group of their own, within a time, and gone afterwards."""

from __future__ import annotations

import asyncio
import codecs
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agor_jupyter.agents.kept import Kept
from agor_jupyter.agents.process import Spawned, spawn
from agor_jupyter.agents.workbench import search_program
from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.domain.errors import AgentUnavailable

SHELL = ("/bin/sh", "-c")
END_SECONDS = 0.5
"""A command's own time to end after SIGTERM; then it is killed."""

HANG_SECONDS = 0.3
"""How long output is awaited after the shell has ended: what it left running holds the pipe."""

SEARCH_SECONDS = 20.0
SEARCH_HITS = 200
READ_SIZE = 65536


@dataclass(frozen=True)
class Ran:
    """How a command ended. `exit_code` None: it was ended by its time-out."""

    text: str
    exit_code: int | None
    gone: int
    seconds: float | None = None


async def run_shell(
    command: str,
    *,
    cwd: str,
    environment: Mapping[str, str],
    seconds: float,
    on_output: Callable[[str], None],
) -> Ran:
    """Run a command line. What it leaves running in the background is ended with it."""
    kept = Kept()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def hear(data: bytes) -> None:
        shown = kept.feed(decoder.decode(data, final=not data))
        if shown:
            on_output(shown)

    spawned = await _spawned([*SHELL, command], cwd, environment)
    late = False
    try:
        async with asyncio.timeout(seconds):
            await _hear_all(spawned, hear)
    except TimeoutError:
        late = True
    finally:
        await spawned.end(grace_seconds=END_SECONDS)
    hear(b"")
    return Ran(kept.text, None if late else spawned.process.returncode, kept.gone, seconds if late else None)


async def _hear_all(spawned: Spawned, hear: Callable[[bytes], None]) -> None:
    """Read until the end of the output, or a little after the end of the shell."""
    reader = spawned.process.stdout
    if reader is None:
        return
    reading = asyncio.create_task(reader.read(READ_SIZE))
    try:
        while True:
            ended = spawned.process.returncode is not None
            await asyncio.wait({reading}, timeout=HANG_SECONDS)
            if reading.done():
                data = reading.result()
                if not data:
                    break
                hear(data)
                reading = asyncio.create_task(reader.read(READ_SIZE))
            elif ended:
                return
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    await spawned.process.wait()


async def search(order: Mapping[str, Any], *, environment: Mapping[str, str]) -> str:
    """Search by `search_program`; give hits as `path:line: text`, and whether that was all."""
    argv = [sys.executable, "-I", "-S", str(Path(search_program.__file__))]
    spawned = await _spawned(argv, "/", environment, stdin=True)
    hits: list[str] = []
    note = (
        f"(It took longer than {SEARCH_SECONDS:.0f} s: this is not all. Name a folder or a simpler pattern.)"
    )
    try:
        async with asyncio.timeout(SEARCH_SECONDS):
            note = await _hits(spawned, {**order, "most": SEARCH_HITS}, hits)
    except TimeoutError:
        pass  # what was found so far is worth showing; `note` says that it is not all
    finally:
        await spawned.end(grace_seconds=END_SECONDS)
    return "\n".join([*hits, *([note] if note else [])]) or "(nothing found)"


async def _hits(spawned: Spawned, order: Mapping[str, Any], hits: list[str]) -> str:
    stdin, stdout = spawned.process.stdin, spawned.process.stdout
    if stdin is None or stdout is None:
        return ""
    stdin.write(json.dumps(order).encode())
    await stdin.drain()
    stdin.close()
    while line := await stdout.readline():
        said = json.loads(line)
        if "error" in said:
            raise ToolFailed(said["error"])
        if "done" in said:
            return f"(More than {SEARCH_HITS} hits: be more exact.)" if said["more"] else ""
        hits.append(f"{said['path']}:{said['line']}: {said['text']}")
    return "(The search ended early.)"


async def _spawned(
    argv: list[str], cwd: str, environment: Mapping[str, str], *, stdin: bool = False
) -> Spawned:
    try:
        return await spawn(argv, cwd=cwd, environment=environment, stdin=stdin, merge_stderr=not stdin)
    except AgentUnavailable as error:
        raise ToolFailed(error.detail) from error
    except OSError as error:
        raise ToolFailed(f"{argv[0]} cannot be started: {error.strerror}.") from error
