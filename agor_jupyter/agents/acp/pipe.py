"""An agent's stdio as messages: what `acp.connection.Connection` wants as a transport."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import Spawned

INTERNAL_ERROR = -32603


class Pipe:
    """One JSON-RPC message a line. `ended` is set when the agent says no more; `fault` may say why.

    Reading waits for the house to keep up (`Outbox.wait_room`), so that a chatty agent fills its own
    pipe and not our memory.
    """

    def __init__(self, spawned: Spawned, outbox: Outbox) -> None:
        self._spawned = spawned
        self._outbox = outbox
        self.ended = asyncio.Event()
        self.fault = ""
        self.noise = ""
        """The last line that was no message: often the reason why a program ended at once."""

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message. Raises `ConnectionError` when nobody reads any more.

        An answer to an agent that is gone is dropped: nobody here waits for it to be read.
        """
        stdin = self._spawned.process.stdin
        if stdin is None or stdin.is_closing():
            if "method" not in message:
                return
            raise ConnectionError("the agent's stdin is closed")
        stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        await stdin.drain()

    async def receive(self) -> dict[str, Any] | None:
        """Read the next message; None at the end."""
        stdout = self._spawned.process.stdout
        while stdout is not None:
            await self._outbox.wait_room()
            try:
                line = await stdout.readline()
            except ValueError:
                self.fault = "It sent a line longer than 64 MiB."
                break
            if not line:
                break
            try:
                message = _sound(json.loads(line))
            except RecursionError:  # it may wait for an answer, and nobody can read to what
                self.fault = "It sent a message that is nested too deep."
                break
            except ValueError:
                message = None
            if message is not None:
                return message
            if line.strip():
                self.noise = line.decode(errors="replace").strip()[:500]
                if not line.endswith(b"\n"):
                    self.fault = "It ended in the middle of a message."
        self.ended.set()
        return None

    async def close(self) -> None:
        """Nothing: the process is ended by whoever started it."""


def _sound(message: object) -> dict[str, Any] | None:
    """Give a message with JSON-RPC's own members as they must be; None for what is none.

    The package does not look: one answer with a list for its id would end its reading, with the agent
    alive and nobody left who hears it.
    """
    if not isinstance(message, dict) or not isinstance(message.get("id", 0), int | str | None):
        return None
    error = message.get("error")
    if error is None or (isinstance(error, dict) and type(error.get("code")) is int):
        return message
    said = error.get("message") if isinstance(error, dict) else error
    return {**message, "error": {"code": INTERNAL_ERROR, "message": str(said)[:2000]}}
