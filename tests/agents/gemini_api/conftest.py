"""A scripted server, and a bench of conversations with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.testing.gemini_server import GeminiServer
from tests.agents.workbench.talk import Bench, bench_of

pytest.importorskip("google.genai")


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer(wants_signatures=True) as running:
        yield running


@pytest.fixture
async def bench(server: GeminiServer, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of("gemini_api", tmp_path, server.environment()) as running:
        yield running
