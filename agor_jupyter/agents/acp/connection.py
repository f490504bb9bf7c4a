"""The life of one conversation with an ACP agent: opened, prompted, heard, stopped, surely gone.

The agent is one process of ours alone. What it says is heard for as long as it lives; a prompt is a
request whose answer is the end of the turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from acp.exceptions import RequestError

from agor_jupyter.agents.acp import strays, turns, wire
from agor_jupyter.agents.acp.asking import Asking
from agor_jupyter.agents.acp.choosing import Choosing
from agor_jupyter.agents.acp.client import Client, refuse
from agor_jupyter.agents.acp.opening import Opening, tool_server_marker
from agor_jupyter.agents.acp.presets import COUNT_THE_SESSION, Preset
from agor_jupyter.agents.acp.translate import Translator
from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import marked
from agor_jupyter.domain.content import Attachment, Mode, StopReason, Usage
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.events import AgentUpdate, TurnEnded, UsageUpdate
from agor_jupyter.domain.ids import RequestId

INTERRUPT_SECONDS = 2.0
INTERRUPT_TRIES = 3
LAST_WORD_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass
class _Turn:
    """The prompt under way. `before`: the agent's processes when it began."""

    before: set[int]
    interrupted: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    job: asyncio.Task[None] | None = None


class Connection:
    """One live client of one conversation. Opened once, closed once."""

    def __init__(self, preset: Preset, spec: SessionSpec) -> None:
        self._preset = preset
        self._spec = spec
        self._outbox = Outbox()
        self._translator = Translator(spec.worktree, preset.quirks, title=preset.title)
        tools = frozenset(tool.name for tool in spec.tools)
        self._asking = Asking(spec.worktree, tools, self._outbox, self._translator)
        self._opening = Opening(preset, spec)
        self._choosing = Choosing(preset, self._outbox)
        self._client: Client | None = None
        self._preface = ""
        self._replaying = False
        self._heard_at = 0.0
        self._turn: _Turn | None = None
        self._own: set[int] = set()  # what it ran when it was ready: a program may be several processes
        self._watching: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the agent and begin, or take up, the conversation. Raises errors of the house."""
        try:
            await self._open()
        except BaseException:
            if self._client is not None:
                await self._client.end()
            await asyncio.to_thread(self._opening.record.release)
            self._outbox.end()
            raise

    async def _open(self) -> None:
        opening = self._opening
        self._client = client = await opening.start(self._outbox, self._handle)
        self._replaying = bool(self._spec.native_ref or self._spec.fork)
        answer = await opening.begin(client)
        await self._settle()
        self._replaying = False
        self._preface = self._spec.system_append if opening.is_new else ""
        self._translator.begin(is_new=opening.is_new)
        await self._choosing.open(client, opening.native_ref, answer, self._spec, opening.settings.modes)
        for notice in opening.notices:
            self._outbox.put(notice)
        unable = opening.can.lacks(self._preset.capabilities)
        self._outbox.put(self._choosing.ready(opening.can.version, await opening.instructions(), unable))
        if self._preset.quirks.commands_outlive_turns:
            self._own = await asyncio.to_thread(marked, client.spawned.marker)
        self._watching = asyncio.create_task(self._watch(client), name="acp-watch")

    async def _settle(self) -> None:
        """Wait until the agent has told what it tells after a session begins: commands, a replay.

        Some answer first and replay afterwards, so only quiet tells that it is done.
        """
        clock = asyncio.get_running_loop().time
        begun = self._heard_at = clock()
        quiet, longest = (0.3, 5.0) if self._replaying else (0.0, 1.0)
        while clock() - begun < longest:
            if self._choosing.commands and clock() - self._heard_at >= quiet:
                return
            if self._replaying and clock() - self._heard_at >= 2 * quiet:
                return
            await asyncio.sleep(0.02)

    # --- what the runner asks for --------------------------------------------

    async def prompt(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Hand a prompt over. Raises `Conflict` while another one is under way."""
        client = self._alive()
        if self._turn is not None:
            raise Conflict(
                f"{self._preset.title} is at work on another prompt.", hint="Wait for it, or stop it."
            )
        preface = "" if text.startswith("/") else self._preface
        blocks = wire.prompt_blocks(self._preset.kind, self._opening.can, text, attachments, preface)
        self._turn = turn = _Turn(before=set())
        try:
            turn.before = await asyncio.to_thread(marked, client.spawned.marker)
            await asyncio.to_thread(self._opening.record.prompted)
        except BaseException:
            self._turn = None  # nothing was handed over: the next prompt finds no turn in its way
            raise
        self._preface = "" if preface else self._preface
        self._asking.begin()
        params = {"sessionId": self._opening.native_ref, "prompt": blocks}
        turn.job = asyncio.create_task(self._run(client, turn, params), name="acp-turn")
        await asyncio.sleep(0)  # its first step writes the prompt: nothing may overtake it

    async def interrupt(self) -> None:
        """Stop the turn and every process of it. Idempotent."""
        turn, client = self._turn, self._client
        if turn is None or client is None:
            return
        turn.interrupted = True
        for _ in range(INTERRUPT_TRIES):
            self._asking.withdraw_all()
            with contextlib.suppress(ConnectionError):
                await client.notify("session/cancel", {"sessionId": self._opening.native_ref})
            if await _within(turn.over.wait(), INTERRUPT_SECONDS):
                break
        else:
            log.warning("an agent did not stop when it was told to; it is ended")
            await client.end()
            return
        earlier = self._own if self._preset.quirks.commands_outlive_turns else turn.before
        keep = {client.spawned.pid, *earlier}
        await strays.end_strays(
            client.spawned.marker, tool_servers=tool_server_marker(client.spawned.marker), keep=keep
        )

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        self._asking.answer(request_id, decision)

    async def set_mode(self, mode: Mode) -> None:
        self._alive()
        await self._choosing.set_mode(mode)

    async def set_model(self, model: str) -> None:
        self._alive()
        await self._choosing.set_model(model)

    async def set_effort(self, effort: str) -> None:
        self._alive()
        await self._choosing.set_effort(effort)

    async def updates(self) -> AsyncIterator[AgentUpdate]:
        """Yield all updates until the agent is gone."""
        async for update in self._outbox.read():
            yield update

    async def close(self) -> None:
        """End the agent and all that it started. Idempotent; calls that meet wait for one end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="acp-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._asking.withdraw_all()
        if self._turn is not None:
            self._turn.interrupted = True
        if self._client is not None:
            await self._client.end()
        if self._watching is not None:
            await asyncio.wait({self._watching}, timeout=LAST_WORD_SECONDS)
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.to_thread(self._opening.record.release)
        self._outbox.end()

    def _alive(self) -> Client:
        if self._client is None or self._client.pipe.ended.is_set():
            raise AgentUnavailable(f"{self._preset.title} has ended.", hint="Resume the session.")
        return self._client

    # --- what the agent says -------------------------------------------------

    async def _handle(self, method: str, params: Mapping[str, Any]) -> object:
        """Take one message. An update is taken at once, so that all are in order."""
        if method == "session/update":
            self._hear(params)
            return None
        if method == "session/request_permission":
            return await self._asking.ask(params)
        raise refuse(method)

    def _hear(self, params: Mapping[str, Any]) -> None:
        told = params.get("update")
        parent = self._spec.fork.native_ref if self._spec.fork is not None else ""
        if not isinstance(told, Mapping) or (parent and params.get("sessionId") == parent):
            return  # of the conversation that was only opened to be forked
        self._heard_at = asyncio.get_running_loop().time()
        if self._choosing.hear(told) or self._replaying:
            return
        for update in self._translator.feed(told):
            self._outbox.put(update)

    # --- a turn --------------------------------------------------------------

    async def _run(self, client: Client, turn: _Turn, params: Mapping[str, Any]) -> None:
        """Wait for the answer to a prompt, and tell how the turn ended."""
        reason: StopReason
        usage, error, hint = Usage(), "", ""
        try:
            answer = await client.call("session/prompt", params)
            reason = turns.stop_reason_of(answer)
            usage = turns.usage_of(answer, self._preset.quirks.usage_path)
        except RequestError as refusal:
            reason = "failed"
            error, hint = self._explain(refusal)
        except ConnectionError:
            reason = "lost"
            error, hint = await self._last_word(client)
        if turn.interrupted:
            reason, error, hint = "cancelled", "", ""
        for update in self._translator.end_turn(reason):
            self._outbox.put(update)
        told = self._translator.usage_of_turn()
        usage = told if usage == Usage() else usage
        if self._opening.can.name in COUNT_THE_SESSION:
            usage = self._translator.usage_since(usage)
        usage = usage.model_copy(update={"cost_usd": self._translator.cost_of_turn()})
        if (full := await self._fullness(usage)) is not None:
            self._outbox.put(full)
        self._turn = None
        if reason == "max_tokens" and not hint:
            hint = turns.TOO_LONG
        if reason == "max_turn_requests":
            hint = self._preset.quirks.limit_hint
        self._outbox.put(TurnEnded(stop_reason=reason, usage=usage, error=error, hint=hint))
        turn.over.set()

    async def _fullness(self, usage: Usage) -> UsageUpdate | None:
        """Look how full the context is, where the agent has it but does not tell it."""
        look = self._preset.fullness
        found = await asyncio.to_thread(look, self._spec, self._opening.native_ref) if look else None
        if found is None:
            return None
        return UsageUpdate(usage=usage, context_used=found[0], context_size=found[1])

    def _explain(self, refusal: RequestError) -> tuple[str, str]:
        preset = self._preset
        return turns.explain(
            refusal.code, str(refusal), refusal.data, title=preset.title, login_hint=preset.login_hint
        )

    async def _last_word(self, client: Client) -> tuple[str, str]:
        code = await client.exit_code()
        how = f" (exit code {code})" if code is not None else ""
        said = client.last_words()
        error = f"{self._preset.title} ended in the middle of its work{how}" + (f": {said}" if said else ".")
        return error, "Resume the session: the conversation is kept up to here."

    async def _watch(self, client: Client) -> None:
        """Wait for the end of the agent; then let the turn say its last word, and end the updates."""
        await client.pipe.ended.wait()
        self._asking.withdraw_all()
        if self._turn is not None and self._turn.job is not None:
            await asyncio.wait({self._turn.job}, timeout=LAST_WORD_SECONDS)
        await client.end()
        await asyncio.to_thread(self._opening.record.release)
        self._outbox.end()


async def _within(condition: Awaitable[object], seconds: float) -> bool:
    """Await a condition; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await condition
    except TimeoutError:
        return False
    return True
