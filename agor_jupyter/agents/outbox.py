"""The updates of one conversation on their way to the runner: in order, bounded, endable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from agor_jupyter.domain.events import AgentUpdate

BOUND = 1000


class Outbox:
    """Anyone may `put` at once; who has much to say calls `wait_room` in between."""

    def __init__(self) -> None:
        self._waiting: deque[AgentUpdate] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False

    def put(self, update: AgentUpdate) -> None:
        """Add an update. After `end` it is dropped: nobody listens any more."""
        if self._ended:
            return
        self._waiting.append(update)
        self._changed.set()
        if len(self._waiting) >= BOUND:
            self._room.clear()

    async def wait_room(self) -> None:
        """Wait until the reader has caught up, or the end."""
        await self._room.wait()

    def end(self) -> None:
        """Let the reader finish what waits, then stop. Idempotent."""
        self._ended = True
        self._room.set()
        self._changed.set()

    async def read(self) -> AsyncIterator[AgentUpdate]:
        """Yield all updates until the end. One reader only."""
        while True:
            while self._waiting:
                update = self._waiting.popleft()
                if len(self._waiting) < BOUND // 2:
                    self._room.set()
                yield update
            if self._ended:
                return
            self._changed.clear()
            await self._changed.wait()
