"""Run one child process to its end: bounded output, a deadline, and nobody left behind.

Knows nothing of git; `run` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_CHUNK_BYTES = 1 << 16
_STDERR_BYTES = 1 << 14
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Ended:
    """`cut` says that it printed more than was allowed and was killed for it."""

    code: int
    stdout: bytes
    stderr: bytes
    cut: bool = False


async def run_to_end(
    argv: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    stdin: bytes | None,
    timeout_seconds: float,
    max_bytes: int,
    keep_open: tuple[int, ...] = (),
) -> Ended:
    """Run `argv` (never a shell) in a session of its own.

    Raises `TimeoutError` at the deadline. Then, and when cancelled, the whole process group gets
    SIGTERM (git removes its lock files) and after two seconds SIGKILL. stderr keeps its last 16 KB.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=keep_open,
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Cancelled in the middle of starting, asyncio would kill the leader and leave its children.
        await _end(await starting)
        raise
    ended = False
    try:
        async with asyncio.timeout(timeout_seconds):
            (stdout, cut), stderr, _ = await asyncio.gather(
                _read(process, max_bytes), _read_tail(process), _feed(process, stdin)
            )
            code = await process.wait()
        ended = True
        return Ended(code, stdout, stderr, cut)
    finally:
        if not ended:
            await _end(process)


async def _read(process: asyncio.subprocess.Process, max_bytes: int) -> tuple[bytes, bool]:
    stream = process.stdout
    assert stream is not None  # noqa: S101 # PIPE was asked for
    parts: list[bytes] = []
    size = 0
    while chunk := await stream.read(_CHUNK_BYTES):
        size += len(chunk)
        if size <= max_bytes:
            parts.append(chunk)
        else:
            parts.clear()  # read on to the end of file, so that the pipe closes
            _signal(process, signal.SIGKILL)
    return b"".join(parts), size > max_bytes


async def _read_tail(process: asyncio.subprocess.Process) -> bytes:
    stream = process.stderr
    assert stream is not None  # noqa: S101 # PIPE was asked for
    tail = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        tail = (tail + chunk)[-_STDERR_BYTES:]
    return tail


async def _feed(process: asyncio.subprocess.Process, data: bytes | None) -> None:
    if process.stdin is None or data is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended early; its code says why
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        _signal(process, signal.SIGTERM)
        await _wait_briefly(process)
    finally:
        # Always: the leader may have left children in its group that ignore SIGTERM.
        _signal(process, signal.SIGKILL)
        # A reader that was cut off leaves its pipe unread, and asyncio has no public way to close it.
        process._transport.close()  # type: ignore[attr-defined]  # see above
    await _wait_briefly(process)


async def _wait_briefly(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
