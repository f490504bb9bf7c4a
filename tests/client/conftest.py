"""A server that speaks the wire, on the loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.client.fake import World, serving


@pytest.fixture
def world() -> Iterator[World]:
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    world = World()
    world.sessions.append(world.session())
    with serving(world):
        yield world
