"""`jupyter agor runners list|stop`: the agents that work on, with or without a server.

It reads the data folder beside whatever server holds it and writes nothing there: a runner that is
stopped here says so in its own log, which the next server reads.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.session import Session
from agor_jupyter.executors.base import Handle
from agor_jupyter.executors.local import LocalExecutor
from agor_jupyter.store.opening import look_into

STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Found:
    """A runner of the data folder that lives, and its session."""

    handle: Handle
    session: Session | None


def add_to(commands: Any) -> None:  # argparse's own type for this is private
    parser = commands.add_parser("runners", help="list or stop the agents that work without a server")
    parser.add_argument("verb", choices=["list", "stop"])
    parser.add_argument("session", nargs="*", help="sessions to stop (default: all)")
    parser.add_argument("--data-dir", default="", help="the data folder, when AgorApp.data_dir is set")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.data_dir) if arguments.data_dir else Path(jupyter_data_dir()) / "agor"
    try:
        return asyncio.run(_run(arguments.verb, arguments.session, folder))
    except AgorError as error:
        print(f"{error.detail} {error.hint}".strip())
        return 1


async def _run(verb: str, sessions: list[str], folder: Path) -> int:
    executor = LocalExecutor()
    found = await _find(folder, executor)
    if not found:
        print(f"No agent is running in {folder}. For another data folder: --data-dir.")
        return 0
    if verb == "list":
        for item in found:
            print(_line(item))
        return 0
    unknown = set(sessions) - {item.handle.session_id for item in found}
    if unknown:
        print(f"No agent is running for {', '.join(sorted(unknown))}.")
        return 1
    for item in found:
        if not sessions or item.handle.session_id in sessions:
            print(f"{item.handle.session_id}  {await _stop(executor, item.handle)}")
    return 0


async def _find(folder: Path, executor: LocalExecutor) -> list[Found]:
    if not await asyncio.to_thread(folder.is_dir):
        return []
    store = await asyncio.to_thread(look_into, folder)
    try:
        found = []
        for _, session_id, text, _ in await store.log.runners():
            handle = Handle.model_validate_json(text)
            if await executor.is_alive(handle):
                found.append(Found(handle, await store.log.session(session_id)))
        return found
    finally:
        await store.close()


def stop_all(folder: Path) -> None:
    """End every runner of a data folder. Blocks. Raises `AgorError` when it cannot be read."""

    async def stop() -> None:
        executor = LocalExecutor()
        for item in await _find(folder, executor):
            await _stop(executor, item.handle)

    with ThreadPoolExecutor(1) as thread:  # whoever calls may have a loop running
        thread.submit(lambda: asyncio.run(stop())).result()


def _line(item: Found) -> str:
    minutes = max(0.0, time.time() - item.handle.started) / 60
    session = item.session
    title, status, agent = (session.title, session.status, session.agent) if session else ("", "", "")
    return f"{item.handle.session_id}  pid {item.handle.pid}  {minutes:.0f} min  {agent}  {status}  {title}"


async def _stop(executor: LocalExecutor, handle: Handle) -> str:
    """End a runner in order; one that does not end is killed with all it started."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            link = await executor.connect(handle, 0)
            await link.close_runner()
            async for _ in link.frames():
                pass  # until it has ended
            await link.disconnect()
    except (AgorError, TimeoutError):
        await executor.reap(handle)
        return "killed"
    await executor.reap(handle)
    return "stopped"
