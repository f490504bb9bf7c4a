"""Fan-out of what was appended, to readers that nobody waits for.

A publisher hands an item to every subscriber's bounded queue and goes on. A reader that lets its
queue fill loses the queue and finds one `Behind` instead: it reads again from the log. The bus
lives on one event loop and keeps nothing: what was said before a subscription is in the log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended, Behind, BusItem, WorkspaceAppended


class BusSubscription:
    """One reader's queue: an async iterator that ends when it is closed, from wherever."""

    def __init__(self, bus: Bus, session_id: SessionId | None, bound: int) -> None:
        if bound < 1:
            raise ValueError("a subscription holds at least one item")
        self.session_id = session_id
        self._bus = bus
        self._bound = bound
        self._items: deque[BusItem] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def __aiter__(self) -> AsyncIterator[BusItem]:
        return self

    async def __anext__(self) -> BusItem:
        # Nothing is awaited between the look and the popleft: a cancelled read loses no item.
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        if self._closed:
            raise StopAsyncIteration
        return self._items.popleft()

    def offer(self, item: BusItem) -> None:
        """Queue an item. A full queue is emptied, and one `Behind` stands for all that it held."""
        if len(self._items) >= self._bound:
            self._items.clear()
            item = Behind()  # the item itself is in the log, where the reader looks next
        self._items.append(item)
        self._changed.set()

    def close(self) -> None:
        """End the iteration and leave the bus. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._items.clear()
        self._bus.leave(self)
        self._changed.set()


class Bus:
    """All subscriptions of one log."""

    def __init__(self) -> None:
        # Keyed by what they follow, so that an append costs its own readers only.
        self._readers: dict[SessionId | None, dict[BusSubscription, None]] = {}
        self._closed = False

    def subscribe(self, session_id: SessionId | None = None, *, bound: int = 256) -> BusSubscription:
        """Follow one session, or (None) everything. After `close` the iteration ends at once."""
        subscription = BusSubscription(self, session_id, bound)
        if self._closed:
            subscription.close()
        else:
            self._readers.setdefault(session_id, {})[subscription] = None
        return subscription

    def publish(self, item: Appended | WorkspaceAppended) -> None:
        """Hand `item` to all whom it concerns; never waits. Call it on the readers' event loop."""
        if not self._readers:
            return
        for reader in tuple(self._readers.get(None, ())):
            reader.offer(item)
        if isinstance(item, Appended) and (readers := self._readers.get(item.session.id)):
            for reader in tuple(readers):
                reader.offer(item)

    def leave(self, subscription: BusSubscription) -> None:
        readers = self._readers.get(subscription.session_id)
        if readers is None:
            return
        readers.pop(subscription, None)
        if not readers:
            del self._readers[subscription.session_id]

    def close(self) -> None:
        """End every subscription. Idempotent."""
        self._closed = True
        for readers in tuple(self._readers.values()):
            for reader in tuple(readers):
                reader.close()
