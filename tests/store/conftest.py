"""One store of each kind: what holds for the ports is tested on both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from agor_jupyter.store.opening import open_store


@dataclass
class FakeClock:
    now_ms: int = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    opened = open_memory(clock) if request.param == "memory" else open_store(tmp_path / "data", clock=clock)
    yield opened
    await opened.close()
