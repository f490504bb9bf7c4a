"""One client of a runner's socket: reads its commands, feeds it the log from where it attached.

A client that stops reading stops only its own feeder. Nothing is kept for it in memory: when it
reads again, it is fed from the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from agor_jupyter.domain.errors import AgorError, InvalidRequest
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.protocol import Ack, Attach, Command, ToolAsked, command_adapter
from agor_jupyter.runner.sockets import read_socket_lines

ACK_BUFFER = 1 << 20
"""A client that reads no acknowledgements is not read from beyond this many waiting bytes."""

log = logging.getLogger(__name__)

Perform = Callable[[Command], Awaitable[None]]


class Connection:
    """Serves one client until it hangs up. `attached` tells a server from a passer-by."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        source: Log,
        perform: Perform,
        waiting: Callable[[], list[ToolAsked]] = list,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._log = source
        self._perform = perform
        self._waiting = waiting
        self._feeder: asyncio.Task[None] | None = None
        self._offset = 0

    @property
    def attached(self) -> bool:
        return self._feeder is not None

    async def serve(self) -> None:
        """Read commands until the client leaves."""
        try:
            async for line in read_socket_lines(self._reader):
                await self._command(line)
        except (ConnectionError, InvalidRequest) as error:
            log.info("a client was dropped: %s", error)
        finally:
            await self.close()

    async def finish(self) -> None:
        """Send the client all that is in the log still; then nothing more comes."""
        if self._feeder is None:
            return
        self._feeder.cancel()
        await asyncio.gather(self._feeder, return_exceptions=True)
        with contextlib.suppress(ConnectionError):
            while lines := self._log.read(self._offset):
                await self._send(lines)
            # With a high-water mark of nothing, drain waits until the kernel has it all.
            self._writer.transport.set_write_buffer_limits(high=0)
            await self._writer.drain()

    def tell(self, asked: ToolAsked) -> None:
        """Tell a server that follows the log of a tool call; a passer-by hears nothing."""
        if self.attached:
            self._writer.write(asked.model_dump_json().encode() + b"\n")

    async def close(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
            await asyncio.gather(self._feeder, return_exceptions=True)
        self._writer.close()
        # A stalled client never lets the buffer drain: what it did not read, it reads from the log.
        self._writer.transport.abort()

    async def _command(self, line: bytes) -> None:
        try:
            command = command_adapter.validate_json(line)
        except ValidationError as error:
            number = _id_of(line)
            problem = InvalidRequest(f"The command cannot be read: {error.error_count()} errors.")
            await self._acknowledge(number, problem.problem())
            return
        try:
            if isinstance(command, Attach):
                self._attach(command.offset)
            else:
                await self._perform(command)
        except AgorError as error:
            await self._acknowledge(command.id, error.problem())
        except Exception as error:  # the base of all commands: a bug is told to who sent it, and logged
            log.exception("%s failed", command.type)
            await self._acknowledge(command.id, AgorError(f"{type(error).__name__}: {error}").problem())
        else:
            await self._acknowledge(command.id, None)
            if isinstance(command, Attach):
                for asked in self._waiting():
                    self.tell(asked)

    async def _acknowledge(self, number: int, error: dict[str, object] | None) -> None:
        self._writer.write(Ack(ack=number, error=error).model_dump_json().encode() + b"\n")
        if self._writer.transport.get_write_buffer_size() > ACK_BUFFER:
            await self._writer.drain()

    def _attach(self, offset: int) -> None:
        if self._feeder is not None:
            raise InvalidRequest("This connection is attached already.", hint="Open another one.")
        if not self._log.is_boundary(offset):
            raise InvalidRequest(f"No line of the log begins at byte {offset}.", hint="Attach at 0.")
        self._offset = offset
        self._feeder = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self._send(self._log.read(self._offset))
                await self._log.wait_longer_than(self._offset)

    async def _send(self, lines: list[tuple[int, bytes]]) -> None:
        for offset, line in lines:
            self._writer.write(b'{"offset":%d,"frame":%b}\n' % (offset, line[:-1]))
            # Before the await: cancelled there, the line is sent and must not be sent again.
            self._offset = offset
            await self._writer.drain()


def _id_of(line: bytes) -> int:
    with contextlib.suppress(ValueError, AttributeError):
        number = json.loads(line).get("id")
        if isinstance(number, int):
            return number
    return -1
