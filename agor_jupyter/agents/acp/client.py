"""One agent process and the JSON-RPC with it: started, called, surely ended.

It knows no conversation: `connection` keeps that. What the agent refuses comes as `RequestError`,
its end as `ConnectionError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from acp.connection import Connection as Rpc
from acp.exceptions import RequestError
from acp.meta import PROTOCOL_VERSION

from agor_jupyter.agents.acp import wire
from agor_jupyter.agents.acp.pipe import Pipe
from agor_jupyter.agents.acp.turns import sentence
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import Spawned, spawn

EXIT_SECONDS = 2.0

Handler = Callable[[str, Mapping[str, Any]], Awaitable[object]]


class Client:
    """Incoming messages reach `handler` in order; what it returns is the answer to a request."""

    def __init__(self, spawned: Spawned, outbox: Outbox, handler: Handler) -> None:
        self.spawned = spawned
        self.pipe = Pipe(spawned, outbox)
        self._handler = handler
        # The package's own client would refuse what it does not know, and log what was said with it.
        self._rpc = Rpc(self._handle, self.pipe)
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        cwd: str,
        environment: Mapping[str, str],
        outbox: Outbox,
        handler: Handler,
    ) -> Self:
        spawned = await spawn(argv, cwd=cwd, environment=environment, stdin=True)
        return cls(spawned, outbox, handler)

    async def initialize(self, seconds: float) -> object:
        return await self.call("initialize", wire.initialize(PROTOCOL_VERSION), seconds)

    async def call(self, method: str, params: Mapping[str, Any], seconds: float | None = None) -> object:
        """Send a request and wait for its answer. Raises `TimeoutError` after `seconds`."""
        async with asyncio.timeout(seconds):
            answer: object = await self._rpc.send_request(method, dict(params))
            return answer

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        await self._rpc.send_notification(method, dict(params))

    async def _handle(self, method: str, params: object, is_notification: bool) -> object:
        try:
            return await self._handler(method, params if isinstance(params, Mapping) else {})
        except RequestError:
            if not is_notification:
                raise
            # What an agent tells beyond the protocol (its own modes, its retries) wants no answer; the
            # package would log a refusal of it as a fault of ours, each time.
            return None

    async def exit_code(self) -> int | None:
        """Wait a little for the process to end; None while it has not."""
        try:
            async with asyncio.timeout(EXIT_SECONDS):
                return await self.spawned.process.wait()
        except TimeoutError:
            return None

    def last_words(self) -> str:
        """Say what the process said last: why it ended, in its own words."""
        lines = [line.strip() for line in self.spawned.stderr_tail().splitlines() if line.strip()]
        return self.pipe.fault or sentence(lines[-1] if lines else self.pipe.noise)

    async def end(self, *, grace_seconds: float = 1.0) -> None:
        """End the process and all that it started. Idempotent; calls that meet wait for one end."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace_seconds), name="acp-end")
        await asyncio.shield(self._ending)

    async def _end(self, grace_seconds: float) -> None:
        await self.spawned.end(grace_seconds=grace_seconds)
        await self._rpc.close()
        self.pipe.ended.set()


def refuse(method: str) -> RequestError:
    """Answer a request for what we do not offer."""
    return RequestError.method_not_found(method)
