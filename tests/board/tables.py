"""Rooms in memory, and people in them: what the tests of this room share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pycrdt import Doc

from agor_jupyter.board import migrate
from agor_jupyter.board.room import BoardRoom
from agor_jupyter.domain.user import Action, Grant, grants_of
from agor_jupyter.testing.people import TIERS
from agor_jupyter.testing.y_client import MemoryChannel, YClient

TIER_ACTIONS: dict[str, tuple[Action, ...]] = {
    "viewer": ("read",),
    "member": ("read", "write", "execute"),
    "admin": ("read", "write", "execute", "admin"),
}


class Tiers:
    """Grants by tier, changeable: what `server.rooms.grants_of` is on a real server."""

    def __init__(self) -> None:
        self.roles: dict[str, str | None] = dict(TIERS)
        self.failure: Exception | None = None

    async def __call__(self, channel: Any) -> frozenset[Grant]:
        if self.failure is not None:
            raise self.failure
        role = self.roles[channel.current_user.username]
        return grants_of(TIER_ACTIONS[role]) if role is not None else frozenset()


class Table:
    """A room and those who sit in it."""

    def __init__(self, room: BoardRoom, tiers: Tiers) -> None:
        self.room = room
        self.tiers = tiers

    @asynccontextmanager
    async def seat(self, person: str, **options: Any) -> AsyncIterator[YClient]:
        """Connect a new client of `person` and wait for its first sync."""
        client = YClient(person, **options)
        async with self.connect(client):
            await client.wait_until(client.synced.is_set)
            yield client

    @asynccontextmanager
    async def connect(
        self, client: YClient, channel: MemoryChannel | None = None
    ) -> AsyncIterator[MemoryChannel]:
        channel = channel or MemoryChannel(client.person, client.client_id)
        served = asyncio.create_task(self.room.serve(channel))
        async with client.connected(channel.wire):
            yield channel
        await asyncio.wait_for(served, 5)


MakeTable = Callable[..., AbstractAsyncContextManager[Table]]


@pytest.fixture
def make_table() -> MakeTable:
    @asynccontextmanager
    async def make(**options: Any) -> AsyncIterator[Table]:
        doc: Doc[Any] = Doc()
        if not options.get("server_only"):
            migrate.prepare(doc)
        tiers = Tiers()
        room = BoardRoom("agor-board-x", doc, grants_of=tiers, **options)
        room.open()
        try:
            yield Table(room, tiers)
        finally:
            await room.stop()

    return make


@pytest.fixture
async def table(make_table: MakeTable) -> AsyncIterator[Table]:
    async with make_table() as made:
        yield made


async def eventually(condition: Callable[[], bool], timeout_seconds: float = 10) -> None:
    """Wait for a condition with a deadline."""
    async with asyncio.timeout(timeout_seconds):
        while not condition():
            await asyncio.sleep(0.01)
