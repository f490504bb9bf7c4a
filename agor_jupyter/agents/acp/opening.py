"""How a conversation with an ACP agent begins: the process, the handshake, new or taken up or forked."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acp.exceptions import RequestError
from acp.meta import PROTOCOL_VERSION

from agor_jupyter.agents.acp import turns, wire
from agor_jupyter.agents.acp.client import Client, Handler
from agor_jupyter.agents.acp.offers import Abilities, abilities_of
from agor_jupyter.agents.acp.presets import HTTP_ONLY, Preset, known_of
from agor_jupyter.agents.acp.record import Record
from agor_jupyter.agents.acp.settings import command_of, settings_of
from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.errors import AgentUnavailable, UnsupportedByAgent
from agor_jupyter.domain.events import Notice

START_SECONDS = 90.0
"""A program of Node on a loaded machine takes its time; the runner waits 120 s at most."""

TOOL_SERVERS_SECONDS = 25.0
"""How long a person's tool servers may hold a session up."""

TOOL_SERVER = "AGOR_TOOL_SERVER"
MARKERS = ("AGOR_SESSION", "AGOR_RUN")

_NO_RECORD = (
    "Fork it: the fork is given a transcript of what was said. Or begin a new session in this worktree. "
    "This one stays as it is."
)


def tool_server_marker(spawn_marker: str) -> str:
    """Give the variable (`NAME=value`) by which the tool servers of one agent are known."""
    return f"{TOOL_SERVER}={hashlib.sha256(spawn_marker.encode()).hexdigest()[:16]}"


class Opening:
    """Used once: `start`, then `begin`. What it learned stands in its fields."""

    def __init__(self, preset: Preset, spec: SessionSpec) -> None:
        self._preset = preset
        self._spec = spec
        self.settings = settings_of(preset, spec.options)
        self.record = Record(spec.state_dir)
        self.can = Abilities()
        self.native_ref = spec.native_ref
        self.is_new = False
        self.notices: list[Notice] = []

    async def start(self, outbox: Outbox, handler: Handler) -> Client:
        """Start the process and shake hands. Raises `AgentUnavailable` with what to do."""
        preset, spec = self._preset, self._spec
        command = command_of(preset, self.settings)
        if not await asyncio.to_thread(Path(spec.worktree).is_dir):
            raise AgentUnavailable(f"The folder {spec.worktree} is not there.")
        # What its tool servers refer to is handed to them alone (`wire.tool_servers`).
        taken = {*preset.credentials, *self.settings.credentials}
        visible = {
            name: value
            for name, value in spec.environment.items()
            if name in taken or name not in spec.credentials
        }
        own = wire.resolved(preset.title, self.settings.environment, spec.environment, what="agent")
        environment = {**known_of(command).environment, **preset.environment, **visible, **own}
        if await asyncio.to_thread(shutil.which, command[0], path=environment.get("PATH")) is None:
            hint = preset.install_hint if command == preset.command else "Mend the option `command` or PATH."
            raise AgentUnavailable(f"The command {command[0]!r} is not there.", hint=hint)
        if self._spec.native_ref:
            await asyncio.to_thread(self.record.take, spec.native_ref)
        if preset.prepare is not None:
            environment.update(await asyncio.to_thread(preset.prepare, spec))
        client = await Client.start(
            command, cwd=spec.worktree, environment=environment, outbox=outbox, handler=handler
        )
        try:
            await self._shake_hands(client)
        except BaseException as error:
            await client.end()
            if isinstance(error, RequestError | ConnectionError | TimeoutError):
                raise await self._unavailable(client, error) from error
            raise
        return client

    async def _shake_hands(self, client: Client) -> None:
        self.can = abilities_of(await client.initialize(START_SECONDS))
        if self.can.protocol not in (None, PROTOCOL_VERSION):
            raise AgentUnavailable(
                f"{self._preset.title} speaks version {self.can.protocol} of the protocol.",
                hint=f"Choose a release of it that speaks version {PROTOCOL_VERSION}.",
            )
        own = {*self._preset.credentials} & {*self._spec.credentials}
        if self.settings.login and not own:  # a login of the machine's, which the owner's own key replaces
            await client.call("authenticate", {"methodId": self.settings.login}, START_SECONDS)

    async def begin(self, client: Client) -> object:
        """Begin the session, take it up, or fork. Gives the agent's answer."""
        params = {"cwd": self._spec.worktree, "mcpServers": self._tool_servers(client)}
        prompted: bool = await asyncio.to_thread(self.record.was_prompted)
        try:
            if self._spec.native_ref and prompted:
                return await self._take_up(client, params)
            if self._spec.fork is not None and not self._spec.native_ref:
                return await self._fork(client, params)
            return await self._new(client, params)
        except (RequestError, ConnectionError, TimeoutError) as error:
            raise await self._unavailable(client, error) from error

    async def _new(self, client: Client, params: dict[str, Any]) -> object:
        answer = await self._ask(client, "session/new", params)
        await self._named(answer)
        await asyncio.to_thread(self.record.begun)
        self.is_new = True
        return answer

    async def _fork(self, client: Client, params: dict[str, Any]) -> object:
        point = self._spec.fork
        if point is None or not self.can.fork:
            hint = "Begin a new session, and say in its prompt what it should know."
            raise UnsupportedByAgent(self._preset.kind, "fork", hint=hint)
        if point.message_ref:
            raise UnsupportedByAgent(
                self._preset.kind, "fork_at_message", hint="Fork the whole conversation."
            )
        wanted = {**params, "sessionId": point.native_ref}
        try:
            answer = await self._branch(client, wanted)
        except RequestError as error:
            refused = await self._unavailable(client, error)
            if self._explain(error)[1] != self._preset.login_hint:  # else the fork waits for a login
                refused.fields["capability"] = "fork"
            raise refused from error
        await self._named(answer)
        return answer

    async def _branch(self, client: Client, wanted: dict[str, Any]) -> object:
        try:
            return await self._ask(client, "session/fork", wanted)
        except RequestError:
            if not self.can.load:
                raise
            # Some agents fork only what their own process has open; loading changes nothing of it.
            await self._ask(client, "session/load", wanted)
            return await self._ask(client, "session/fork", wanted)

    async def _take_up(self, client: Client, params: dict[str, Any]) -> object:
        """Take a conversation up: by `resume` (which replays nothing) where there is one, else `load`."""
        if not (self.can.resume or self.can.load):
            raise UnsupportedByAgent(self._preset.kind, "resume", hint=_NO_RECORD)
        method = "session/resume" if self.can.resume else "session/load"
        try:
            return await self._ask(client, method, {**params, "sessionId": self.native_ref})
        except RequestError as error:
            said, hint = self._explain(error)
            if hint == self._preset.login_hint:
                raise
            raise AgentUnavailable(
                f"{self._preset.title} cannot take this conversation up: {said}", hint=_NO_RECORD
            ) from error

    async def _ask(self, client: Client, method: str, params: dict[str, Any]) -> object:
        """Ask for a session. Where that takes too long, ask again without the person's tool servers.

        Some agents answer when every server has: one that never does would hold the session up for good.
        """
        own = {server.name for server in self._spec.mcp_servers}
        kept = [server for server in params["mcpServers"] if server["name"] not in own]
        if len(kept) == len(params["mcpServers"]):
            return await client.call(method, params, START_SECONDS)
        try:
            return await client.call(method, params, TOOL_SERVERS_SECONDS)
        except TimeoutError:
            names = ", ".join(sorted(own))
            text = f"{self._preset.title} works without tool servers: of {names}, one did not answer."
            hint, missing = "Mend it, then restart the agent.", tuple(sorted(own))
            self.notices.append(Notice(level="warning", text=text, hint=hint, tool_servers=missing))
            return await client.call(method, {**params, "mcpServers": kept}, START_SECONDS)

    async def _named(self, answer: object) -> None:
        found = answer.get("sessionId") if isinstance(answer, Mapping) else None
        if not isinstance(found, str) or not found:
            raise AgentUnavailable(f"{self._preset.title} began a session without an id.")
        self.native_ref = found
        await asyncio.to_thread(self.record.take, found)

    def _tool_servers(self, client: Client) -> list[dict[str, Any]]:
        spec, quirks = self._spec, self._preset.quirks
        if quirks.tool_servers_need_trust and not spec.trusted:
            names = [server.name for server in spec.mcp_servers]
            names += ["Agor's own tools"] if spec.tools and spec.bridge else []
            if names:
                text = f"{self._preset.title} works here without tool servers ({', '.join(names)})."
                hint = "It starts them where the repository is trusted."
                missing = tuple(server.name for server in spec.mcp_servers)
                self.notices.append(Notice(text=text, hint=hint, tool_servers=missing))
            return []
        own = client.spawned.marker, tool_server_marker(client.spawned.marker)
        if self.can.name in HTTP_ONLY:
            spec = self._without_stdio(spec)
        markers = dict(marker.split("=", 1) for marker in own)
        markers |= {name: spec.environment[name] for name in MARKERS if name in spec.environment}
        path = spec.environment.get("PATH")
        return wire.tool_servers(
            self._preset.kind, self.can, spec, markers, lambda name: shutil.which(name, path=path)
        )

    def _without_stdio(self, spec: SessionSpec) -> SessionSpec:
        """Leave out, and name, the tool servers that the agent would drop without a word."""
        kept = tuple(server for server in spec.mcp_servers if server.transport == "http")
        missing = tuple(server.name for server in spec.mcp_servers if server not in kept)
        names = [*missing, *(["Agor's own tools"] if spec.tools and spec.bridge else [])]
        if names:
            text = f"{self._preset.title} works without tool servers over stdio ({', '.join(names)})."
            hint = "It takes those over HTTP only."
            self.notices.append(Notice(text=text, hint=hint, tool_servers=missing))
        return spec.model_copy(update={"mcp_servers": kept, "tools": ()})

    async def instructions(self) -> tuple[str, ...]:
        """List the instruction files of the repository that the agent reads, where we know of them."""
        if not self._spec.trusted:
            return ()
        root = Path(self._spec.worktree)
        names = self._preset.quirks.instruction_files
        return await asyncio.to_thread(lambda: tuple(name for name in names if (root / name).is_file()))

    def _explain(self, error: RequestError) -> tuple[str, str]:
        preset = self._preset
        return turns.explain(
            error.code, str(error), error.data, title=preset.title, login_hint=preset.login_hint
        )

    async def _unavailable(self, client: Client, error: Exception) -> AgentUnavailable:
        title = self._preset.title
        if isinstance(error, RequestError):
            said, hint = self._explain(error)
            if hint == self._preset.login_hint and self.can.logins and not self._preset.command:
                hint += f" It may want one of {', '.join(self.can.logins)} as the option `login`."
            return AgentUnavailable(f"{title} did not start: {said}", hint=hint)
        if isinstance(error, TimeoutError):
            return AgentUnavailable(
                f"{title} did not answer within {START_SECONDS:.0f} s.",
                hint="See whether its command speaks ACP on its standard input and output.",
            )
        code = await client.exit_code()
        said = client.last_words() or f"It ended (exit code {code}) before it said a word of ACP."
        login = turns.explain(0, said, None, title=title, login_hint=self._preset.login_hint)[1]
        hint = login if login == self._preset.login_hint else "Try its command in a terminal of this machine."
        return AgentUnavailable(f"{title} did not start: {said}", hint=hint)
