"""F10: people come, go, edit offline, and the server restarts: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pycrdt import Map

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.room import BoardRoom
from agor_jupyter.domain.board import Board, layout_room_id
from agor_jupyter.domain.ids import BoardId, UserId
from agor_jupyter.domain.user import Grant, grants_of
from agor_jupyter.store.memory import open_memory
from agor_jupyter.testing.y_client import MemoryChannel, YClient
from tests.board.tables import eventually

BOARD = Board(id=BoardId("board_0000000000000001"), name="One", owner=UserId("oscar"), created_ms=1)
PEOPLE = ("mona", "oscar", "ada")


async def members(channel: Any) -> frozenset[Grant]:
    return grants_of(("read", "write"))


class Story:
    """Three people with documents that they keep, and a server that may be stopped or killed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.store = open_memory()
        self.clients = {person: YClient(person) for person in PEOPLE}
        self.placed: set[str] = set()
        self.removed: set[str] = set()

    def edit(self, person: str) -> None:
        cards = self.clients[person].map("cards")
        choice = self.rng.random()
        here = sorted(cards.keys())
        if choice < 0.5 or not here:
            name = f"wt_{person}_{len(self.placed)}"
            cards[name] = Map({"pos": [self.rng.random(), 1.0]})
            self.placed.add(name)
        elif choice < 0.8:
            cards[self.rng.choice(here)]["pos"] = [self.rng.random(), 2.0]
        else:
            name = self.rng.choice(here)
            del cards[name]
            self.removed.add(name)

    async def run_server(self, *, killed: bool) -> None:
        """Run a server: people come one after the other, edit, and some leave before its end."""
        documents = BoardDocuments(self.store.records, grants_of=members)
        await documents.start()
        room = await documents.wait_room(layout_room_id(BOARD.id))
        assert room is not None
        async with AsyncExitStack() as here:
            for person in self.rng.sample(PEOPLE, self.rng.randint(1, 3)):
                await self._sit(here, room, person)
                for _ in range(self.rng.randint(0, 4)):
                    self.edit(person)
                await asyncio.sleep(0)
            if not killed:
                await asyncio.sleep(0.04)
        if killed:  # its last quarter second never reaches the disk
            for found in documents._boards.values():
                for snapshots in found.snapshots:
                    await snapshots.stop()
            await room.stop()
        else:
            await documents.close()

    async def _sit(self, here: AsyncExitStack, room: BoardRoom, person: str) -> None:
        client = self.clients[person]
        channel = MemoryChannel(person, client.client_id)
        serving = asyncio.create_task(room.serve(channel))
        here.push_async_callback(asyncio.wait_for, serving, 5)
        await here.enter_async_context(client.connected(channel.wire))
        await client.wait_until(client.synced.is_set)

    async def end(self) -> dict[str, Any]:
        """Let everyone meet once more; give what they agree on."""
        documents = BoardDocuments(self.store.records, grants_of=members)
        await documents.start()
        room = await documents.wait_room(layout_room_id(BOARD.id))
        assert room is not None
        cards = documents.layout(BOARD.id).cards
        async with AsyncExitStack() as here:
            for person in PEOPLE:
                await self._sit(here, room, person)
            await eventually(
                lambda: all(client.map("cards").to_py() == cards.to_py() for client in self.clients.values())
            )
        await documents.close()
        found: dict[str, Any] = cards.to_py()
        return found


@pytest.mark.parametrize("block", range(5))
async def test_twenty_seeds_converge(block: int) -> None:
    for seed in range(block * 20, block * 20 + 20):
        story = Story(seed)
        await story.store.records.boards.put(BOARD, by=BOARD.owner)
        for _ in range(3):
            for person in PEOPLE:
                if story.rng.random() < 0.5:
                    story.edit(person)  # offline, or alone
            await story.run_server(killed=story.rng.random() < 0.4)
        found = await story.end()
        # What somebody deleted while another moved it may stand or go; everything else must stand.
        assert set(found) <= story.placed
        assert story.placed - story.removed <= set(found), seed
