"""A scripted Gemini server, the real Gemini CLI, and conversations of it to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.acp.presets import GEMINI
from agor_jupyter.testing.gemini_server import GeminiServer
from agor_jupyter.testing.harnesses.gemini import find_gemini, why_not
from tests.agents.acp.talking import Talk, spec_in

pytest.importorskip("acp")

Start = Callable[..., Awaitable[Talk]]


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    if why_not():
        pytest.skip(why_not())
    async with GeminiServer() as running:
        yield running


@pytest.fixture
async def talk(server: GeminiServer, tmp_path: Path) -> AsyncIterator[Start]:
    """Start conversations; each is closed at the end and must leave no process."""
    talks: list[Talk] = []

    async def start(**changes: Any) -> Talk:
        environment = {**server.environment(), **changes.pop("environment", {})}
        options = {"command": [str(find_gemini()), "--acp"], **changes.pop("options", {})}
        fresh = Talk(spec_in(tmp_path, environment=environment, options=options, **changes), GEMINI)
        talks.append(fresh)
        return await fresh.start()

    yield start
    for one in talks:
        await one.close()
