"""Frames that go round tornado's own writing arrive as tornado's own would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tornado.websocket import WebSocketHandler

from agor_jupyter.server import frame_writer
from agor_jupyter.testing.live_server import live_server
from tests.making import wait_until


class Both(WebSocketHandler):
    """Writes each text twice: by tornado, and by us."""

    left: list[object] = []

    async def on_message(self, message: str | bytes) -> None:
        assert isinstance(message, str)
        if message == "close":
            self.close()
            self.left.append(frame_writer.write(self, frame_writer.frame("after the close frame")))
            return
        await self.write_message(message)
        written = frame_writer.write(self, frame_writer.frame(message))
        if written is not None:
            await written

    def on_close(self) -> None:
        self.left.append(frame_writer.write(self, frame_writer.frame("late")))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 300_000])
def test_the_head_says_the_length(size: int) -> None:
    framed = frame_writer.frame("x" * size)
    assert framed[0] == 0x81 and framed[1] < 128 and framed.endswith(b"x" * size)
    head = len(framed) - size
    assert head == (2 if size < 126 else 4 if size < 65_536 else 10)


async def test_both_ways_say_the_same_and_a_closed_socket_takes_nothing(tmp_path: Path) -> None:
    async with live_server(tmp_path) as server:
        server.app.web_app.add_handlers(".*$", [(f"{server.base_url}both", Both)])
        client = await server.connect("both")
        for text in ("", "ünï — 💡", "x" * 125, "x" * 126, "é" * 40_000, "x" * 1_000_000):
            await client.write_message(text)
            heard = [await asyncio.wait_for(client.read_message(), 5) for _ in range(2)]
            assert heard == [text, text]
        await client.write_message("close")
        assert await asyncio.wait_for(client.read_message(), 5) is None
        client.close()
        await wait_until(lambda: len(Both.left) == 2)
        assert Both.left == [None, None]
