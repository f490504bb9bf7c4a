"""Conversations with the scripted agent; each is closed at the end and must leave no process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agents.acp.talking import Talk, spec_in

pytest.importorskip("acp")

Start = Callable[..., Awaitable[Talk]]


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Start]:
    """Start conversations: `await talk("--without=load", model="large")`."""
    talks: list[Talk] = []

    async def start(*flags: str, **changes: Any) -> Talk:
        fresh = Talk(spec_in(tmp_path, *flags, **changes))
        talks.append(fresh)
        return await fresh.start()

    yield start
    for one in talks:
        await one.close()
