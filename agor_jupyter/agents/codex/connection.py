"""The life of one `codex app-server` with one conversation: started, prompted, heard, stopped, gone."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.codex import commands, opening, options, permissions, probe, starting, tools, turns
from agor_jupyter.agents.codex.asking import Asking
from agor_jupyter.agents.codex.ledger import Ledger
from agor_jupyter.agents.codex.reviews import Reviews
from agor_jupyter.agents.codex.skills import Skill
from agor_jupyter.agents.codex.translate import Translator
from agor_jupyter.agents.codex.wire import UNREADABLE, Message, Refused, Wire, passed_over, within
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import end_tree
from agor_jupyter.agents.strays import end_strays
from agor_jupyter.domain.content import Attachment, Mode, Usage, add_usage
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, TimedOut
from agor_jupyter.domain.events import AgentUpdate, Notice, TurnEnded
from agor_jupyter.domain.ids import RequestId, TaskId

CALL_SECONDS = 15.0
INTERRUPT_SECONDS = 1.0
INTERRUPT_TRIES = 2


@dataclass
class _Turn:
    """The prompt under way. `id` is how Codex names its turn, once it has begun.

    A review is a turn within it: `active` is the one that Codex lets stop.
    """

    task_id: TaskId
    id: str = ""
    active: str = ""
    review: bool = False
    interrupted: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One live client of one conversation. Opened once, closed once."""

    def __init__(self, spec: SessionSpec, call_tool: ToolCaller | None) -> None:
        self._spec = spec
        self._outbox = Outbox()
        self._translator = Translator(spec.worktree)
        self._asking = Asking(spec.worktree, self._outbox, self._translator, call_tool, self._reply)
        self._shell_marker = f"{options.SHELL_MARKER}={secrets.token_hex(12)}"
        self._home = probe.home_of(spec.environment, options.settings_of(spec).codex_home)
        self._login_hint = probe.login_hint()
        self._wire: Wire | None = None
        self._ledger: Ledger | None = None
        self._thread = ""
        self._skills: tuple[Skill, ...] = ()
        self._mode: Mode = spec.mode
        self._model = spec.model
        self._choices: opening.Choices | None = None
        self._effort = spec.effort
        self._shown_plan = False
        self._turn: _Turn | None = None
        self._reviews: Reviews | None = None
        self._counting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    # --- start ---------------------------------------------------------------

    async def open(self) -> None:
        """Start Codex. Raises `AgentUnavailable` with its own words, or `Conflict`."""
        spec = self._spec
        program = await asyncio.to_thread(probe.find_program, spec.environment)
        if program is None:
            raise AgentUnavailable("Codex's program is missing.", hint=probe.INSTALL_HINT)
        self._login_hint = probe.login_hint(program)
        if not await asyncio.to_thread(Path(spec.worktree).is_dir):
            raise AgentUnavailable(f"The folder {spec.worktree} is not there.")
        try:
            await self._connect(str(program))
        except Refused as error:
            await self._end_process()
            raise AgentUnavailable(
                f"Codex did not start: {turns.sentence(error.message)}",
                hint=f"Look at {self._home / 'config.toml'}.",
            ) from error
        except BaseException:
            await self._end_process()
            raise

    async def _connect(self, program: str) -> None:
        spec = self._spec
        if spec.native_ref:
            self._ledger = Ledger(Path(spec.state_dir), spec.native_ref)
            await asyncio.to_thread(self._ledger.open)
        environment = await asyncio.to_thread(options.environment_of, spec, self._home)
        key = await asyncio.to_thread(options.key_of, spec.environment, self._home, spec.credentials)
        await asyncio.to_thread(self._home.mkdir, mode=0o700, parents=True, exist_ok=True)
        argv = options.argv_of(program, hold_key=bool(key))
        try:
            async with starting.alone(Path(spec.state_dir)):
                wire = await Wire.open(argv, cwd=spec.worktree, environment=environment, hear=self._hear)
                self._wire = wire
                self._watching = asyncio.create_task(self._watch(wire), name="codex-watch")
                version = await opening.greet(wire, key)
            opened = await opening.open_thread(wire, spec, self._ledger, self._shell_marker)
        except AgentUnavailable as error:
            if self._wire is None or not self._wire.ended:
                raise
            raise opening.died(self._wire) from error
        self._thread, self._model, self._skills = opened.thread, opened.model, opened.skills
        self._reviews = Reviews(opened.thread, opened.params)
        self._shown_plan = opened.planning
        await asyncio.to_thread(self._hold, opened)
        self._choices = await opening.choices(wire, opened, version)
        self._outbox.put(self._choices.told)

    def _hold(self, opened: opening.Opened) -> None:
        """Take the lock of the conversation that was begun; one that was taken up is held already."""
        if self._ledger is not None and self._spec.native_ref == opened.thread:
            return
        if self._ledger is not None:
            self._ledger.close()
        self._ledger = ledger = Ledger(Path(self._spec.state_dir), opened.thread)
        ledger.open()
        ledger.fork = opened.fork
        ledger.save()

    # --- what the runner asks for --------------------------------------------

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Hand a prompt over. Raises `Conflict` while another one is under way."""
        wire = self._alive()
        commands.check(text, attachments)
        if self._turn is not None:
            raise Conflict("Codex is at work on another prompt.", hint="Wait for it, or stop it.")
        self._turn = turn = _Turn(task_id)
        self._translator.begin_turn()
        try:
            if not await self._may_ask(wire):
                ended = TurnEnded(
                    stop_reason="failed", error="Codex is not logged in.", hint=self._login_hint
                )
                self._over(turn, ended)
                return
            if self._ledger is not None:
                await asyncio.to_thread(self._ledger.note_prompt)
            await self._begin(wire, turn, text, attachments)
        except Refused as error:
            self._turn = None
            raise Conflict(f"Codex refused: {turns.sentence(error.message)}") from error
        except BaseException:
            self._turn = None
            raise

    async def _may_ask(self, wire: Wire) -> bool:
        """Say whether there is a login, where one is needed: it may have come, or gone, since."""
        account = await wire.call("account/read", {}, seconds=CALL_SECONDS)
        return bool(account.get("account")) or not account.get("requiresOpenaiAuth")

    async def _begin(self, wire: Wire, turn: _Turn, text: str, attachments: tuple[Attachment, ...]) -> None:
        if commands.argument_of(text, "compact") == "":
            await wire.call("thread/compact/start", {"threadId": self._thread}, seconds=CALL_SECONDS)
            return
        given = options.turn_params(
            self._spec,
            mode=self._mode,
            model=self._model,
            effort=self._effort,
            shown_plan=self._shown_plan,
        )
        self._shown_plan = self._mode == "plan"
        wanted = commands.argument_of(text, "review")
        if wanted is not None and self._reviews is not None:
            turn.review = True
            begun = await self._reviews.begin(wire, commands.target_of(wanted), given)
            turn.id = turn.id or str(begun.get("id") or "")
            return
        words = commands.input_of(text, attachments, self._skills)
        params = {"threadId": self._thread, "input": words, **given}
        answer = await wire.call("turn/start", params, seconds=CALL_SECONDS)
        self._named(turn, answer.get("turn") or {})

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Put words into the running turn. Raises `Conflict` when none is under way (any more)."""
        wire, turn = self._alive(), self._turn
        if turn is None or not turn.id or turn.interrupted:
            raise Conflict("No turn is under way.", hint="Send it as a prompt of its own.")
        params = {
            "threadId": self._thread,
            "expectedTurnId": turn.id,
            "input": options.input_of(text, attachments),
        }
        try:
            await wire.call("turn/steer", params, seconds=CALL_SECONDS)
        except Refused as error:
            raise Conflict(
                f"Codex did not take it: {turns.sentence(error.message)}",
                hint="Send it as a prompt of its own.",
            ) from error

    async def interrupt(self) -> None:
        """Stop the turn and every process of its commands. Idempotent."""
        turn, wire = self._turn, self._wire
        if wire is None or wire.ended or turn is None:
            return
        turn.interrupted = True
        for _ in range(INTERRUPT_TRIES):
            # Asked again when it had no effect: it may come before Codex has begun the turn.
            await within(turn.begun.wait(), INTERRUPT_SECONDS)
            await self._try(wire, "turn/interrupt", {"turnId": turn.active or turn.id})
            if await within(turn.over.wait(), INTERRUPT_SECONDS):
                break
        else:
            await end_tree(wire.pid, wire.marker, grace_seconds=1.0)
            return
        await self._try(wire, "thread/backgroundTerminals/clean", {})
        await end_strays(self._shell_marker, keep=wire.pid)

    async def _try(self, wire: Wire, method: str, params: Mapping[str, Any]) -> None:
        """Call what may have become pointless: the turn may be over, the server gone."""
        with contextlib.suppress(Refused, TimedOut, AgentUnavailable):
            await wire.call(method, {"threadId": self._thread, **params}, seconds=INTERRUPT_SECONDS)

    async def answer(self, request_id: RequestId, decision: Decision) -> None:
        """Hand over a decision. What a person says to a rejection goes into the turn as words."""
        words = await self._asking.answer(request_id, decision)
        if words:
            with contextlib.suppress(Conflict, TimedOut, AgentUnavailable):
                await self.steer(f"This was rejected: {words}", ())

    def set_mode(self, mode: Mode) -> None:
        """Switch our policy's mode; the sandbox follows with the next turn."""
        self._mode = mode

    def set_model(self, model: str) -> None:
        self._model = model or self._model
        if self._choices is not None:  # the efforts go with the model
            self._outbox.put(self._choices.of_model(self._model))

    def set_effort(self, effort: str) -> None:
        self._effort = effort

    async def updates(self) -> AsyncIterator[AgentUpdate]:
        """Yield all updates until the process is gone. What the reader failed with is raised then."""
        async for update in self._outbox.read():
            yield update
        if self._watching is not None and self._closing is None:
            await self._watching

    async def close(self) -> None:
        """End the process and all that it started. Idempotent; calls that meet wait for one end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="codex-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._asking.withdraw_all()
        turn, wire = self._turn, self._wire
        if wire is not None and turn is not None and turn.id:
            turn.interrupted = True
            await self._try(wire, "turn/interrupt", {"turnId": turn.active or turn.id})
        await self._end_process()
        self._outbox.end()

    async def _end_process(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.end()
        if self._watching is not None:
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._ledger is not None:
            await asyncio.to_thread(self._ledger.close)

    def _alive(self) -> Wire:
        if self._wire is None or self._wire.ended:
            raise AgentUnavailable("Codex has ended.", hint="Resume the session.")
        return self._wire

    # --- what Codex says -----------------------------------------------------

    async def _watch(self, wire: Wire) -> None:
        """Wait for the end of the process; then say how, and end the updates."""
        try:
            await wire.reading
        finally:
            await end_tree(wire.pid, wire.marker, grace_seconds=0.5)
            # Once more: a command that was just being started shows no mark for a moment.
            await end_strays(wire.marker, keep=None)
            if self._counting is not None:  # it has no server to ask any more
                await asyncio.gather(self._counting, return_exceptions=True)
            self._gone(wire)
            if self._ledger is not None:
                await asyncio.to_thread(self._ledger.close)
            self._outbox.end()

    async def _reply(self, number: object, result: Mapping[str, Any]) -> None:
        if self._wire is not None:
            await self._wire.reply(number, result)

    async def _hear(self, message: Message) -> None:
        """Take one message. It must not wait for an answer of Codex: those are read here, too."""
        method, params = str(message["method"]), message.get("params") or {}
        if "id" in message:
            if self._asking.knows(method):
                try:
                    await self._asking.take(message["id"], method, params)
                    return
                except UNREADABLE as error:
                    passed_over(method, error)
            if self._wire is not None:
                await self._wire.refuse(message["id"], method)
            return
        if self._thread and params.get("threadId") not in (None, self._thread):
            if self._reviews is not None:
                self._reviews.hear(method, params)
            return
        match method:
            case "turn/started" if self._turn is not None:
                self._named(self._turn, params.get("turn") or {})
            case "turn/completed":
                self._completed(params.get("turn") or {})
            case "serverRequest/resolved":
                self._asking.resolved(params.get("requestId"))
            case _:
                try:
                    await self._tell(method, params)
                except UNREADABLE as error:
                    passed_over(method, error)
        await self._outbox.wait_room()

    async def _tell(self, method: str, params: Mapping[str, Any]) -> None:
        texts: Mapping[str, str | None] = {}
        item = params.get("item") or {}
        if method == "item/completed" and item.get("type") == "fileChange":
            # At once: the change is applied, and the model has not seen its result yet.
            seen = await asyncio.to_thread(permissions.look, tools.paths_of(item), self._spec.worktree)
            texts = seen.texts
        for update in self._translator.feed(method, params, texts):
            self._outbox.put(update)

    def _named(self, turn: _Turn, told: Mapping[str, Any]) -> None:
        turn.active = str(told.get("id") or "")
        turn.id = turn.id or str((turn.review and told.get("rootTurnId")) or turn.active)
        turn.begun.set()

    def _completed(self, told: Mapping[str, Any]) -> None:
        turn = self._turn
        if turn is None or turn.id not in ("", told.get("id")):
            return
        turn.over.set()
        if turn.review:
            self._counting = asyncio.create_task(self._count(turn, told), name="codex-count")
        else:
            self._finish(turn, told, Usage())

    async def _count(self, turn: _Turn, told: Mapping[str, Any]) -> None:
        """End the turn of a review as soon as its tokens are known."""
        used = None
        if self._reviews is not None and self._wire is not None:
            used = await self._reviews.usage(self._wire, completed=told.get("status") == "completed")
        if used is None:
            self._outbox.put(Notice(text="Codex did not tell how many tokens the review took."))
        if self._turn is turn:
            self._finish(turn, told, used or Usage())

    def _finish(self, turn: _Turn, told: Mapping[str, Any], besides: Usage) -> None:
        usage = add_usage(self._translator.usage, besides)
        ended = turns.ended(told, usage, interrupted=turn.interrupted, login_hint=self._login_hint)
        self._over(turn, ended)

    def _over(self, turn: _Turn, ended: TurnEnded) -> None:
        self._asking.withdraw_all()
        for update in self._translator.end_turn(completed=ended.stop_reason == "end_turn"):
            self._outbox.put(update)
        self._turn = None
        self._outbox.put(ended)
        turn.over.set()

    def _gone(self, wire: Wire) -> None:
        """The process ended. A turn that was under way is over, one way or the other."""
        self._asking.withdraw_all()
        if self._turn is not None:
            turn, usage = self._turn, self._translator.usage
            self._over(turn, turns.lost(usage, interrupted=turn.interrupted, exit_code=wire.exit_code))
