"""A session told through a log in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from tests.transcripts.story import Story


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_memory()
    yield store
    await store.close()


@pytest.fixture
async def story(store: Store) -> Story:
    return await Story(store).begin()
