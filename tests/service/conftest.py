"""A house in memory with real git."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.testing.house import TestHouse, open_house


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[TestHouse]:
    house = open_house(tmp_path)
    yield house
    await house.close()
