"""A client that never stops writing: `python -m tests.server.flooding URL PERSON FRAME_IN_HEX`.

A process of its own, so that what it costs to flood does not slow the server that is measured. It
sends up to 5,000 messages a second and comes back whenever it is closed. When its input ends it ends too, and
says as one line of JSON how many it sent and how often it was closed. `TEXT:` sends what follows as text.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from agor_jupyter.testing.hanging_up import hang_up
from agor_jupyter.testing.people import headers_of

BURST, PAUSE_SECONDS = 50, 0.01


async def flood(url: str, person: str, message: str | bytes, stop: asyncio.Future[str]) -> tuple[int, int]:
    """Give how many messages were sent, and how often the server closed the socket."""
    sent = closed = 0
    while not stop.done():
        client = await websocket_connect(HTTPRequest(url, headers=headers_of(person)))
        reader = asyncio.create_task(_read(client))
        try:
            while not reader.done() and not stop.done():
                for _ in range(BURST):
                    await client.write_message(message, binary=isinstance(message, bytes))
                    sent += 1
                await asyncio.sleep(PAUSE_SECONDS)
        except WebSocketClosedError:
            pass
        closed += not stop.done()
        await hang_up(client)
        await asyncio.wait_for(reader, 10)
    return sent, closed


async def _read(client: WebSocketClientConnection) -> None:
    while await client.read_message() is not None:
        pass


async def main(url: str, person: str, frame: str) -> None:
    text = frame.startswith("TEXT:")
    message = frame.removeprefix("TEXT:") if text else bytes.fromhex(frame)
    stop = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    sent, closed = await flood(url, person, message, stop)
    print(json.dumps({"sent": sent, "closed": closed}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
