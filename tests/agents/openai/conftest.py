"""A scripted server, and a bench of conversations with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.testing.chat_server import ChatServer
from tests.agents.workbench.talk import Bench, bench_of

pytest.importorskip("agents")


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with ChatServer() as running:
        yield running


@pytest.fixture
async def bench(server: ChatServer, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of("openai", tmp_path, server.environment()) as running:
        yield running
