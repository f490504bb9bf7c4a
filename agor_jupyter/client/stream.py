"""Follow a session's events as they are appended; a broken connection is taken up where it broke.

`follow` blocks; `Follower` lets a coroutine read it from a thread and stop it at any moment.
"""

from __future__ import annotations

import asyncio
import http.client as http_client
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

from agor_jupyter.client.errors import ClientError, Unreachable
from agor_jupyter.client.http import Http

SILENCE_SECONDS = 25.0
"""Without a ping for so long the connection is dead: the server sends one every ten seconds."""

GIVE_UP_SECONDS = 60.0
MAX_LINE = 64 * 1024 * 1024

Event = dict[str, Any]  # a SessionEvent as JSON


class Follower:
    """One session followed from `after_seq`. Iterate it in a thread, or read `events` in a coroutine."""

    def __init__(
        self,
        http: Http,
        session_id: str,
        *,
        after_seq: int = 0,
        task_id: str | None = None,
        silence: float = SILENCE_SECONDS,
        give_up: float = GIVE_UP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._session_id, self._task_id = http, session_id, task_id
        self.last_seq = after_seq
        self._silence, self._give_up, self._clock = silence, give_up, clock
        self._stopped = threading.Event()
        self._connection: http_client.HTTPConnection | None = None

    def stop(self) -> None:
        """End the iteration from another thread, even while it waits for the server."""
        self._stopped.set()
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # closed by itself meanwhile

    def __iter__(self) -> Iterator[Event]:
        """Yield each event once, in order. Raises `Unreachable` when the server stays away too long."""
        failing_since: float | None = None
        pause = 0.1
        while not self._stopped.is_set():
            try:
                for event in self._lines():
                    failing_since, pause = None, 0.1
                    yield event
                    if self._stopped.is_set():
                        return
            except ClientError as error:
                if self._stopped.is_set():
                    return
                if not isinstance(error, Unreachable) and error.status < 500:
                    raise
                now = self._clock()
                failing_since = now if failing_since is None else failing_since
                if now - failing_since > self._give_up:
                    raise Unreachable(f"{error.detail} Gave up after {self._give_up:.0f} s.") from None
            # A server that ends the stream orderly (a restart) is asked again as well.
            self._stopped.wait(pause)
            pause = min(2.0, pause * 2)

    def _lines(self) -> Iterator[Event]:
        connection = self._http.connect(self._silence)
        self._connection = connection
        query = {"after_seq": self.last_seq, "task_id": self._task_id}
        response: http_client.HTTPResponse | None = None
        try:
            response = self._http.send(
                connection,
                "GET",
                f"/sessions/{self._session_id}/events",
                query=query,
                headers={"Accept": "application/x-ndjson"},
            )
            while line := response.readline(MAX_LINE):
                if self._stopped.is_set():
                    return
                event = _event_of(line)
                if event is not None and event["seq"] > self.last_seq:
                    self.last_seq = event["seq"]
                    yield event
        except (OSError, http_client.HTTPException, ValueError):
            raise Unreachable(f"The connection to {self._http.address.url} broke.") from None
        finally:
            self._connection = None
            connection.close()
            if response is not None:
                response.close()  # of a stream that is cut off, it holds the socket, not the connection

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the same in a coroutine; leaving the loop stops the thread."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue(maxsize=256)

        def put(item: Event | BaseException | None) -> bool:
            """Hand an item over, waiting while the reader is busy; False when it has left."""
            waiting = asyncio.run_coroutine_threadsafe(queue.put(item), loop)
            while True:
                try:
                    waiting.result(0.2)
                    return True
                except TimeoutError:
                    if self._stopped.is_set():
                        waiting.cancel()
                        return False

        def pump() -> None:
            try:
                for event in self:
                    if not put(event):
                        return
            except ClientError as error:
                put(error)
            finally:
                put(None)  # whatever happened, the reader must not wait for more

        thread = threading.Thread(target=pump, name="agor-follow", daemon=True)
        thread.start()
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.stop()


def _event_of(line: bytes) -> Event | None:
    """Read a line; None for a ping. A line that was cut off is a broken connection."""
    found = json.loads(line)
    return found if isinstance(found, dict) and isinstance(found.get("seq"), int) else None
