"""A connection to a runner of this machine: one socket for the frames, one for commands.

Two sockets, so that a reader who is slow with frames still gets its acknowledgements, and so that
frames are pulled: what is not asked for waits in the runner's log, not in this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from pydantic import ValidationError

from agor_jupyter.agents.base import Decision, ToolAnswer
from agor_jupyter.domain import errors
from agor_jupyter.domain.content import Attachment, Mode
from agor_jupyter.domain.ids import RequestId, TaskId, UserId
from agor_jupyter.runner.protocol import (
    Ack,
    Attach,
    CloseRunner,
    Command,
    Frame,
    Logged,
    SendAnswer,
    SendInterrupt,
    SendPrompt,
    SendSteer,
    SendToolAnswer,
    SetEffort,
    SetMode,
    SetModel,
    ToolAsked,
)
from agor_jupyter.runner.sockets import read_socket_lines

logger = logging.getLogger("agor_jupyter.executors")

OPEN_SECONDS = 5.0
ACK_SECONDS = 30.0


class LocalLink:
    """See `executors.base.RunnerLink`."""

    def __init__(self, frames: _Channel, commands: _Channel) -> None:
        self._frames = frames
        self._commands = commands

    @classmethod
    async def open(cls, socket_path: str, offset: int) -> LocalLink:
        """Connect and attach after `offset`. Raises `RunnerLost`, `InvalidRequest`, `TimedOut`."""
        frames = await _Channel.open(socket_path)
        try:
            await frames.attach(offset)
            commands = await _Channel.open(socket_path)
        except BaseException:
            await frames.close()
            raise
        commands.listen()
        return cls(frames, commands)

    async def frames(self) -> AsyncIterator[tuple[int, Frame] | ToolAsked]:
        try:
            async for line in self._frames.lines():
                if line.startswith(b'{"call"'):
                    yield ToolAsked.model_validate_json(line)
                    continue
                logged = Logged.model_validate_json(line)
                yield logged.offset, logged.frame
        except (ValidationError, errors.InvalidRequest) as error:
            # Nothing behind it can be stored before it: the session must learn that it hears no more.
            logger.warning("a runner said what cannot be read: %s", type(error).__name__)

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        await self._commands.ask(
            lambda number: SendPrompt(id=number, task_id=task_id, text=text, attachments=attachments)
        )

    async def steer(
        self,
        task_id: TaskId,
        text: str,
        attachments: tuple[Attachment, ...],
        *,
        by: UserId,
        by_name: str = "",
    ) -> None:
        await self._commands.ask(
            lambda number: SendSteer(
                id=number, task_id=task_id, text=text, attachments=attachments, by=by, by_name=by_name
            )
        )

    async def answer_tool(self, call: str, answer: ToolAnswer) -> None:
        await self._commands.ask(lambda number: SendToolAnswer(id=number, call=call, answer=answer))

    async def set_effort(self, effort: str, *, by: str) -> None:
        await self._commands.ask(lambda number: SetEffort(id=number, effort=effort, by=by))

    async def interrupt(self) -> None:
        await self._commands.ask(lambda number: SendInterrupt(id=number))

    async def answer(self, request_id: RequestId, decision: Decision, *, by: str) -> None:
        await self._commands.ask(
            lambda number: SendAnswer(id=number, request_id=request_id, decision=decision, by=by)
        )

    async def set_mode(self, mode: Mode, *, by: str) -> None:
        await self._commands.ask(lambda number: SetMode(id=number, mode=mode, by=by))

    async def set_model(self, model: str, *, by: str) -> None:
        await self._commands.ask(lambda number: SetModel(id=number, model=model, by=by))

    async def close_runner(self, *, finish_task: bool = False) -> None:
        await self._commands.ask(lambda number: CloseRunner(id=number, finish_task=finish_task))

    async def disconnect(self) -> None:
        await asyncio.gather(self._frames.close(), self._commands.close())


class _Channel:
    """One socket: lines in, lines out, and who waits for which acknowledgement."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._lines = read_socket_lines(reader)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Ack]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, socket_path: str) -> _Channel:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return cls(*await asyncio.open_unix_connection(socket_path))
        except (OSError, TimeoutError) as error:
            raise errors.RunnerLost("The runner does not answer.", hint="Resume the session.") from error

    async def attach(self, offset: int) -> None:
        """Attach; the acknowledgement is the first line, for frames follow on this socket."""
        await self._send(Attach(id=0, offset=offset))
        try:
            async with asyncio.timeout(ACK_SECONDS):
                async for line in self._lines:
                    return _check(Ack.model_validate_json(line))
        except TimeoutError as error:
            raise errors.TimedOut("The runner did not acknowledge in time.") from error
        except ConnectionError as error:
            raise _lost() from error
        raise _lost()

    async def lines(self) -> AsyncIterator[bytes]:
        with contextlib.suppress(ConnectionError):
            async for line in self._lines:
                yield line

    def listen(self) -> None:
        """Begin to read acknowledgements."""
        self._listener = asyncio.create_task(self._listen())

    async def ask(self, make: Callable[[int], Command]) -> None:
        """Send a command and wait for its acknowledgement; its error is raised here."""
        if self._closed:
            raise _lost()
        number = next(self._numbers)
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._send(make(number))
                _check(await answer)
        except TimeoutError as error:
            raise errors.TimedOut("The runner did not acknowledge in time.") from error
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        self._closed = True
        self._writer.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _send(self, command: Command) -> None:
        try:
            self._writer.write(command.model_dump_json().encode() + b"\n")
            await self._writer.drain()
        except ConnectionError as error:
            raise _lost() from error

    async def _listen(self) -> None:
        try:
            async for line in self.lines():
                ack = Ack.model_validate_json(line)
                if (answer := self._waiting.get(ack.ack)) is not None and not answer.done():
                    answer.set_result(ack)
        finally:
            self._closed = True
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(_lost())


def _lost() -> errors.RunnerLost:
    return errors.RunnerLost("The connection to the runner is lost.", hint="Resume the session.")


def _check(ack: Ack) -> None:
    if ack.error is not None:
        raise error_of(ack.error)


def error_of(problem: dict[str, Any]) -> errors.AgorError:
    """Make the domain error that `problem()` was made from."""
    fields = {name: value for name, value in problem.items() if name not in ("type", "title", "status")}
    name = str(problem.get("type", "")).rpartition(":")[2]
    found = getattr(errors, name, None)
    if found is errors.UnsupportedByAgent:
        return errors.UnsupportedByAgent(
            str(fields.get("agent")), str(fields.get("capability")), hint=str(fields.get("hint", ""))
        )
    if not (isinstance(found, type) and issubclass(found, errors.AgorError)):
        found = errors.AgorError
    detail, hint = str(fields.pop("detail", "")), str(fields.pop("hint", ""))
    return found(detail, hint=hint, **fields)
