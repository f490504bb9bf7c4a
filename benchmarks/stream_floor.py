"""The floor of `streaming`: a bare tornado server that makes events and writes each to every client.

`python -m benchmarks.stream_floor` prints its port and serves until it is killed. Nothing is stored,
joined, folded or checked: no server that writes one frame an event can be cheaper in this language.
A client says `{"ping": n}`, or `{"start": {"sessions": s, "per_second": p, "seconds": t}}`.
"""

from __future__ import annotations

import asyncio
import json
import time

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

CLIENTS: set[EventsHandler] = set()
RUNNING: set[asyncio.Task[None]] = set()


class EventsHandler(WebSocketHandler):
    def check_origin(self, origin: str) -> bool:
        return True

    def open(self) -> None:
        self.set_nodelay(True)
        CLIENTS.add(self)

    def on_close(self) -> None:
        CLIENTS.discard(self)

    def on_message(self, message: str | bytes) -> None:
        said = json.loads(message)
        if "ping" in said:
            self.write_message(json.dumps({"pong": said["ping"]}))
        else:
            task = asyncio.create_task(stream(**said["start"]))
            RUNNING.add(task)
            task.add_done_callback(RUNNING.discard)


async def stream(sessions: int, per_second: float, seconds: float) -> None:
    await asyncio.gather(
        *(say(f"ses_{number:016d}", per_second, int(per_second * seconds)) for number in range(sessions))
    )


async def say(session: str, per_second: float, count: int) -> None:
    began = time.perf_counter()
    for seq in range(count):
        await asyncio.sleep(max(0.0, began + seq / per_second - time.perf_counter()))
        update = {"type": "agent_message_chunk", "message_id": "m", "text": f"tok{seq} "}
        event = {"seq": seq + 1, "session_id": session, "task_id": "t", "at_ms": 0, "update": update}
        frame = json.dumps({"session": session, "events": [event]})
        for client in tuple(CLIENTS):
            client.write_message(frame)


async def main() -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r"/events", EventsHandler)]))
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
