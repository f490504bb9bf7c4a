"""JSON-RPC with `codex app-server`: one message a line, calls both ways. It knows no method."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agor_jupyter.agents.process import Spawned, spawn
from agor_jupyter.domain.errors import AgentUnavailable, TimedOut

Message = Mapping[str, Any]
NO_SUCH_METHOD = -32601
LEAVE_SECONDS = 1.0
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What parts of a message raise that are not of the shape we know."""

log = logging.getLogger(__name__)


class Refused(Exception):
    """The server answered a call with an error. `message` is its own words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Wire:
    """A running server. `hear` gets its notifications and requests, one after the other."""

    def __init__(self, process: Spawned, hear: Callable[[Message], Awaitable[None]]) -> None:
        self._process = process
        self._hear = hear
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._writing = asyncio.Lock()
        self.ended = False
        self.reading = asyncio.create_task(self._read(), name="codex-wire")

    @classmethod
    async def open(
        cls,
        argv: list[str],
        *,
        cwd: str,
        environment: Mapping[str, str],
        hear: Callable[[Message], Awaitable[None]],
    ) -> Wire:
        """Start the server. Raises `AgentUnavailable` when the program is not there."""
        return cls(await spawn(argv, cwd=cwd, environment=environment, stdin=True), hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def marker(self) -> str:
        """What every process of this server carries in its environment."""
        return self._process.marker

    @property
    def exit_code(self) -> int | None:
        return self._process.process.returncode

    def stderr_tail(self) -> str:
        return self._process.stderr_tail()

    async def call(self, method: str, params: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """Call a method. Raises `Refused`, `TimedOut`, or `AgentUnavailable` when the server is gone."""
        if self.ended:
            raise _gone()
        self._number += 1
        number = self._number
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            async with asyncio.timeout(seconds):
                await self._send({"id": number, "method": method, "params": params})
                answer = await future
        except TimeoutError as error:
            raise TimedOut("Codex did not answer in time.", hint="Try again.") from error
        finally:
            self._waiting.pop(number, None)
        return answer if isinstance(answer, dict) else {}

    async def notify(self, method: str) -> None:
        await self._send({"method": method})

    async def reply(self, number: object, result: Mapping[str, Any]) -> None:
        """Answer a request of the server; to one that is gone, nothing is said."""
        with contextlib.suppress(AgentUnavailable):
            await self._send({"id": number, "result": result})

    async def refuse(self, number: object, method: str) -> None:
        """Say that we do not know a method, so that the server need not wait."""
        error = {"code": NO_SUCH_METHOD, "message": f"{method} is not supported by this client"}
        with contextlib.suppress(AgentUnavailable):
            await self._send({"id": number, "error": error})

    async def end(self) -> None:
        """Close stdin so that the server can leave in order; then end the whole tree. Idempotent."""
        stdin = self._process.process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._process.process.wait()
        await self._process.end(grace_seconds=0.5)
        await asyncio.wait({self.reading}, timeout=LEAVE_SECONDS)
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)

    async def _send(self, message: Mapping[str, Any]) -> None:
        stdin = self._process.process.stdin
        if stdin is None or stdin.is_closing() or self.ended:
            raise _gone()
        line = json.dumps(message, ensure_ascii=False).encode(errors="replace") + b"\n"
        try:
            async with self._writing:
                stdin.write(line)
                await stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise _gone() from error

    async def _read(self) -> None:
        """Hear every line until the server is gone; then nobody waits for an answer any more."""
        stdout = self._process.process.stdout
        try:
            while stdout is not None and (line := await stdout.readline()):
                await self._take(line)
        except (ValueError, RecursionError):
            # A line above the pipe's limit of 64 MiB, or one that is nested too deep: what follows makes no
            # sense, or waits for an answer to what nobody can read.
            log.warning("Codex sent a line that cannot be read")
        finally:
            self.ended = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(_gone())

    async def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            log.info("Codex printed a line that is no JSON")
            return
        if not isinstance(message, dict):
            return
        if "method" in message:
            await self._hear({**message, "params": _members(message.get("params"))})
            return
        number = message.get("id")
        future = self._waiting.get(number) if isinstance(number, int) else None
        if future is None or future.done():
            return
        if (error := message.get("error")) is not None:
            future.set_exception(_refusal(error))
        else:
            future.set_result(message.get("result"))


def _members(params: object) -> Mapping[str, Any]:
    return params if isinstance(params, Mapping) else {}


def _refusal(error: object) -> Refused:
    if not isinstance(error, Mapping):
        return Refused(0, str(error)[:2000])
    code = error.get("code")
    return Refused(code if isinstance(code, int) else 0, str(error.get("message", "")))


def _gone() -> AgentUnavailable:
    return AgentUnavailable("Codex has ended.", hint="Resume the session.")


def passed_over(method: str, error: Exception) -> None:
    """Say in the log that a message could not be read: it costs itself alone."""
    log.warning("Codex said a %s that cannot be read: %s", method[:80], type(error).__name__)


async def within(condition: Any, seconds: float) -> bool:
    """Await a condition; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await condition
    except TimeoutError:
        return False
    return True
