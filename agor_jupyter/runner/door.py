"""The runner's socket: who is connected, and what is done when its file vanishes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from agor_jupyter.runner.connection import Connection, Perform
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.protocol import ToolAsked
from agor_jupyter.runner.sockets import bind_private, is_of_agent

MAX_CLIENTS = 64

log = logging.getLogger(__name__)
FED_SECONDS = 2.0


class Door:
    """Serves the clients of one socket. Owns them: closing the door ends them all."""

    def __init__(
        self,
        path: str,
        source: Log,
        perform: Perform,
        waiting: Callable[[], list[ToolAsked]] = list,
        agent_marker: str = "",
    ) -> None:
        self._path = path
        self._log = source
        self._perform = perform
        self._waiting = waiting
        self._agent_marker = agent_marker
        self._server: asyncio.Server | None = None
        self._clients: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._inode = 0

    @property
    def attached(self) -> bool:
        """Say whether somebody follows the log."""
        return any(client.attached for client in self._clients)

    def tell(self, asked: ToolAsked) -> None:
        """Tell who follows the log of a tool call."""
        for client in self._clients:
            client.tell(asked)

    async def open(self) -> None:
        self._make_way()
        self._server = await asyncio.start_unix_server(self._accept, sock=bind_private(self._path))
        self._inode = self._present()

    async def mend(self) -> None:
        """Open again when something (a cleaner of temporary folders) has removed the socket.

        Who is connected stays connected; without this a living runner could never be found again.
        """
        if self._server is None or self._present() == self._inode:
            return
        self._server.close()
        with contextlib.suppress(OSError):
            await self.open()

    async def close(self) -> None:
        """Let the clients read to the end of the log, for a moment; then hang up."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FED_SECONDS):
                await asyncio.gather(*(client.finish() for client in self._clients))
        for job in list(self._serving):
            job.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._remove()

    def _make_way(self) -> None:
        path = Path(self._path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)

    def _remove(self) -> None:
        # Only our own: another runner may stand at this path by now.
        if self._inode and self._present() == self._inode:
            Path(self._path).unlink(missing_ok=True)

    def _present(self) -> int:
        try:
            return Path(self._path).lstat().st_ino
        except OSError:
            return 0

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MAX_CLIENTS or self._is_of_agent(writer):
            writer.close()
            return
        job = asyncio.create_task(
            self._serve(Connection(reader, writer, self._log, self._perform, self._waiting))
        )
        self._serving.add(job)
        job.add_done_callback(self._serving.discard)

    def _is_of_agent(self, writer: asyncio.StreamWriter) -> bool:
        """An agent must not answer its own requests: it has the socket of the tools."""
        peer = writer.get_extra_info("socket")
        if not self._agent_marker or not is_of_agent(peer, self._agent_marker):
            return False
        log.warning("a process of the agent was turned away from the runner's socket")
        return True

    async def _serve(self, client: Connection) -> None:
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)
