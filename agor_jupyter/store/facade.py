"""What an open store offers, whatever keeps it. Opening one: `opening.open_store`, `memory.open_memory`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.ports import EventLog, Records, TokenIssuer
from agor_jupyter.store.bus import Bus


async def _nothing() -> None:
    """Close what holds nothing."""


@dataclass(frozen=True)
class Store:
    """An open store. `read_only` says why nothing can be written, or is empty."""

    log: EventLog
    records: Records
    tokens: TokenIssuer
    bus: Bus
    read_only: str = ""
    boards_now: Callable[[], tuple[Board, ...]] = tuple
    """Gives all boards at once. Blocks: for the start of a server, before its loop runs."""
    on_close: Callable[[], Awaitable[None]] = _nothing

    async def close(self) -> None:
        """Store what was accepted, end all subscriptions, release the folder. Idempotent."""
        await self.on_close()
        self.bus.close()
