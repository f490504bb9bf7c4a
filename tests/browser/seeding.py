"""A session of 5,000 messages, written into the event log before the server opens it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agor_jupyter.domain.events import AgentMessageChunk
from agor_jupyter.domain.ids import MessageId
from agor_jupyter.store.opening import open_store
from tests.store import making

NUMBER = 5000
LONG_SESSION = making.session_id(NUMBER)
TASKS, EACH = 100, 50


def seed_long_session(folder: Path) -> None:
    """Write the session below the stage's folder, as the engine would have written it."""
    asyncio.run(_write(folder / "data"))


async def _write(data: Path) -> None:
    store = open_store(data)
    try:
        await making.open_session(store.log, NUMBER, worktree=NUMBER)
        for number in range(TASKS):
            task = making.task_id(number)
            words = [
                making.draft(
                    AgentMessageChunk(
                        message_id=MessageId(f"m{number}-{place}"), text=f"message {number}-{place}"
                    ),
                    task=task,
                )
                for place in range(EACH)
            ]
            drafts = [
                making.queued(task, f"prompt {number}"),
                making.started(task),
                *words,
                making.ended(task),
            ]
            await store.log.append(LONG_SESSION, drafts)
    finally:
        await store.close()


def _message(name: str) -> AgentMessageChunk:
    return AgentMessageChunk(message_id=MessageId(f"m{name}"), text=f"message {name}")
