"""The life of one Claude Code process: started, prompted, heard, stopped, and surely gone.

Messages are read for as long as the process lives: background agents finish after the turn that
began them and bring a turn of their own, which must neither be lost nor end somebody's task.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import uuid
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from claude_agent_sdk import (
    ClaudeSDKClient,
    ClaudeSDKError,
    ConversationResetMessage,
    Message,
    ProcessError,
    ResultMessage,
    SystemMessage,
)

from agor_jupyter.agents.base import Decision, SessionSpec, ToolCaller
from agor_jupyter.agents.claude import house_tools, options, probe, readiness, turns
from agor_jupyter.agents.claude.asking import Asking
from agor_jupyter.agents.claude.control import CONTROL_SECONDS, control, drop_pending, set_effort, within
from agor_jupyter.agents.claude.eliciting import Eliciting
from agor_jupyter.agents.claude.ledger import Ledger
from agor_jupyter.agents.claude.mcp import Watch
from agor_jupyter.agents.claude.prompts import content_of
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.claude.underway import UnderWay
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import SPAWN_MARKER, end_tree
from agor_jupyter.agents.strays import end_strays
from agor_jupyter.domain.content import Attachment, Mode, Usage
from agor_jupyter.domain.errors import AgentUnavailable, AgorError, Conflict, TimedOut
from agor_jupyter.domain.events import AgentReady, AgentUpdate, ModeChanged, TurnEnded
from agor_jupyter.domain.ids import RequestId, TaskId

INTERRUPT_SECONDS = 2.0
INTERRUPT_TRIES = 3
BEGINS_SECONDS = 0.5
"""How long a stopped turn may take to begin and end, before a tool server is thought to hold it up."""
DISCONNECT_SECONDS = 3.0
STDERR_LINES = 100

log = logging.getLogger(__name__)


class Connection:
    """One live client of one conversation. Opened once, closed once."""

    def __init__(self, spec: SessionSpec, call: ToolCaller | None = None) -> None:
        self._spec = spec
        self._call = call if spec.tools else None
        self._outbox = Outbox()
        self._translator = Translator(spec.worktree)
        unasked = house_tools.unasked(spec.tools) if self._call is not None else frozenset[str]()
        self._asking = Asking(spec.worktree, self._outbox, self._translator, unasked=unasked)
        self._native_ref = _checked(spec.native_ref) or str(uuid.uuid4())
        self._ledger = Ledger(Path(spec.state_dir), self._native_ref)
        self._watch = Watch()
        self._marker = f"{SPAWN_MARKER}={secrets.token_hex(12)}"
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._client: ClaudeSDKClient | None = None
        self._pump_job: asyncio.Task[None] | None = None
        self._pid: int | None = None
        self._program = "claude"
        self._mode: Mode = spec.mode
        self._turn: UnderWay | None = None
        self._writing = asyncio.Lock()  # words that are put into a prompt stand behind it
        self._unasked = Usage()  # of turns that no prompt began; told with the next task's
        self._background: set[str] = set()
        self._closing: asyncio.Task[None] | None = None

    # --- start ---------------------------------------------------------------

    async def open(self) -> None:
        """Start the CLI. Raises `AgentUnavailable` with its own words, or `Conflict`."""
        cli = await asyncio.to_thread(probe.find_cli, self._spec.environment)
        self._program = await asyncio.to_thread(probe.program_of, self._spec.environment)
        if cli is None:
            raise AgentUnavailable("Claude Code's program is missing.", hint=probe.CLI_HINT)
        if not await asyncio.to_thread(Path(self._spec.worktree).is_dir):
            raise AgentUnavailable(f"The folder {self._spec.worktree} is not there.")
        await asyncio.to_thread(self._ledger.open)
        try:
            await self._connect(str(cli))
        except BaseException:
            await self._end_process()
            raise

    async def _connect(self, cli: str) -> None:
        opening = await asyncio.to_thread(self._prepare)
        launcher = await asyncio.to_thread(options.write_launcher, Path(self._spec.state_dir))
        built = await asyncio.to_thread(
            options.build,
            self._spec,
            cli=cli,
            launcher=launcher,
            opening=opening,
            marker=self._marker,
            can_use_tool=self._asking.ask,
            hooks=Eliciting(self._asking, self._outbox, self._translator).hooks,
            on_stderr=self._stderr.append,
            spent_usd=self._ledger.spent_usd,
            house=house_tools.server_of(self._spec.tools, self._call) if self._call is not None else None,
        )
        self._client = client = ClaudeSDKClient(built)
        try:
            await client.connect()
        except Exception as error:  # the SDK raises bare Exception when the CLI does not answer
            raise readiness.unavailable(error, self._stderr, self._program) from error
        info: dict[str, Any] = await client.get_server_info() or {}
        self._pid = info.get("pid")
        readiness.check_style(info, options.settings_of(self._spec).output_style)
        instructions = await readiness.instructions_of(client, self._spec)
        self._outbox.put(readiness.ready(self._native_ref, self._spec, info, instructions))
        self._pump_job = asyncio.create_task(self._pump(client), name="claude-pump")

    def _prepare(self) -> options.Opening:
        """Say how the conversation is opened, and what is known of its cost. Reads the disk."""
        ledger, reference = self._ledger, self._native_ref
        if not self._spec.native_ref:
            ledger.begin(self._spec.fork)
            parent = _checked(self._spec.fork.native_ref) if self._spec.fork is not None else ""
            transcript = options.transcript_of(self._spec, parent) if parent else None
            if transcript is not None:
                ledger.take_up(transcript)
            ledger.save()
            return options.Opening(reference, fork=self._spec.fork)
        transcript = options.transcript_of(self._spec, reference)
        if transcript is not None:
            ledger.take_up(transcript)
            return options.Opening(reference, resume=True)
        if ledger.known and not ledger.prompted:
            # Started before, but never prompted: the CLI has not written a word of it.
            return options.Opening(reference, fork=ledger.fork)
        return options.Opening(reference, resume=True)

    # --- what the runner asks for --------------------------------------------

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Hand a prompt over. Raises `Conflict` while another one is under way."""
        client = self._alive()
        if self._turn is not None:
            raise Conflict("Claude Code is at work on another prompt.", hint="Wait for it, or stop it.")
        self._turn = turn = UnderWay(task_id)
        try:
            await self._say(client, turn, text, attachments)
        except AgentUnavailable:
            self._turn = None
            raise

    async def steer(self, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Put words into the turn under way (see `underway`). Raises `Conflict` where there is none."""
        client, turn = self._alive(), self._turn
        if turn is None or turn.interrupted:
            raise Conflict("Claude Code is not at work on a prompt.", hint="Send it as a prompt of its own.")
        await self._say(client, turn, text, attachments)

    async def _say(
        self, client: ClaudeSDKClient, turn: UnderWay, text: str, attachments: tuple[Attachment, ...]
    ) -> None:
        # Owed before it is written: until then the turn may end, and after it must not without it.
        sent = turn.owe()
        said = {"role": "user", "content": content_of(text, attachments)}

        async def message() -> AsyncIterator[dict[str, Any]]:
            yield {"type": "user", "message": said, "parent_tool_use_id": None, "uuid": sent}

        try:
            async with self._writing:
                await client.query(message())
        except ClaudeSDKError as error:
            turn.forget(sent)
            raise AgentUnavailable("Claude Code has ended.", hint="Resume the session.") from error

    async def interrupt(self) -> None:
        """Stop the turn, its background agents and every process of them. Idempotent."""
        turn, client = self._turn, self._client
        if client is None or (turn is None and not self._background):
            return
        if turn is None:
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await control(client.interrupt(), INTERRUPT_SECONDS)
        elif not await self._stop(client, turn):
            await end_tree(self._pid, self._marker, grace_seconds=1.0)
        for background in list(self._background):
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await control(client.stop_task(background))
        await end_strays(self._marker, keep=self._pid)

    async def _stop(self, client: ClaudeSDKClient, turn: UnderWay) -> bool:
        """Ask until the task is over: a request may come before the CLI has begun the turn, and words
        that were put into a stopped turn begin another one. Says whether it helped."""
        turn.interrupted = True
        for _ in range(INTERRUPT_TRIES + 2 * len(turn.owed)):
            if turn.over:
                break
            turn.moved.clear()
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await control(client.interrupt(), INTERRUPT_SECONDS)
            patience = BEGINS_SECONDS if self._spec.mcp_servers else INTERRUPT_SECONDS
            if not await within(turn.moved.wait(), patience) and self._spec.mcp_servers:
                with contextlib.suppress(TimedOut, AgentUnavailable, Conflict):
                    await drop_pending(client)
                await within(turn.moved.wait(), INTERRUPT_SECONDS)
        return turn.over

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        self._asking.answer(request_id, decision)

    async def set_mode(self, mode: Mode) -> None:
        """Switch for what follows. The CLI hears of it only where its own mode changes."""
        client = self._alive()
        # Before the call: the CLI's own news of the change must find it known.
        before, self._mode = self._mode, mode
        if options.MODES[before] == options.MODES[mode]:
            return
        try:
            await control(client.set_permission_mode(options.MODES[mode]))
        except AgorError:
            self._mode = before
            raise

    async def set_model(self, model: str) -> None:
        await control(self._alive().set_model(options.model_of(model)))

    async def set_effort(self, effort: str) -> None:
        """Switch for the turns that follow. Raises `Unprocessable` for what Claude Code does not know."""
        await set_effort(self._alive(), options.check_effort(effort) or "")

    async def updates(self) -> AsyncIterator[AgentUpdate]:
        """Yield all updates until the process is gone. What the pump failed with is raised then."""
        async for update in self._outbox.read():
            yield update
        if self._pump_job is not None and self._closing is None:
            await self._pump_job

    async def close(self) -> None:
        """End the process and all that it started. Idempotent; calls that meet wait for one end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="claude-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._asking.withdraw_all()
        if self._client is not None and self._turn is not None:
            self._turn.interrupted = True
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await control(self._client.interrupt(), INTERRUPT_SECONDS)
        await self._end_process()
        if self._pump_job is not None:
            await asyncio.wait({self._pump_job}, timeout=CONTROL_SECONDS)
            self._pump_job.cancel()
            await asyncio.gather(self._pump_job, return_exceptions=True)
        self._outbox.end()

    async def _end_process(self) -> None:
        """Close stdin so that the CLI can save its transcript; then end whatever is left."""
        client, self._client = self._client, None
        if client is not None:
            leaving = asyncio.create_task(client.disconnect(), name="claude-disconnect")
            await asyncio.wait({leaving}, timeout=DISCONNECT_SECONDS)
            await end_tree(self._pid, self._marker, grace_seconds=1.0)
            await asyncio.wait({leaving}, timeout=DISCONNECT_SECONDS)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        await asyncio.to_thread(self._ledger.close)

    def _alive(self) -> ClaudeSDKClient:
        if self._client is None or self._pump_job is None or self._pump_job.done():
            raise AgentUnavailable("Claude Code has ended.", hint="Resume the session.")
        return self._client

    # --- what Claude says ----------------------------------------------------

    async def _pump(self, client: ClaudeSDKClient) -> None:
        """Hear every message until the process ends; then say how, and end the updates."""
        error: ClaudeSDKError | None = None
        try:
            async for message in client.receive_messages():
                await self._hear(message)
                await self._outbox.wait_room()
        except ClaudeSDKError as caught:
            error = caught
        finally:
            self._gone(error)

    async def _hear(self, message: Message) -> None:
        match message:
            case ResultMessage():
                await self._result(message)
            case ConversationResetMessage(new_conversation_id=ref):
                self._native_ref = ref
                self._translator.last_message_ref = None  # that message is another conversation's
                self._ledger = await asyncio.to_thread(self._ledger.follow, ref)
                self._outbox.put(AgentReady(native_ref=ref))
            case SystemMessage(data=data):
                self._news(message.subtype, data)
        for update in self._translator.feed(message):
            self._outbox.put(update)
        self._asking.hear()

    def _news(self, subtype: str, data: dict[str, Any]) -> None:
        if subtype == "background_tasks_changed":
            self._background = {str(item["task_id"]) for item in data.get("tasks") or () if "task_id" in item}
        if subtype == "init":
            for notice in self._watch.hear(data):
                self._outbox.put(notice)
        if self._turn is not None:
            self._turn.begins(data.get("user_message_uuids") or ())
        cli_mode = data.get("permissionMode")
        if cli_mode is None or cli_mode == options.MODES[self._mode]:
            return
        # The model entered plan mode, or a person let it leave: our policy must follow.
        self._mode = "plan" if cli_mode == "plan" else self._asking.mode_after_plan
        self._outbox.put(ModeChanged(mode=self._mode))

    async def _result(self, result: ResultMessage) -> None:
        ledger, total = self._ledger, result.total_cost_usd
        cost = turns.cost_of_turn(total, ledger.total_cost_usd, certain=ledger.certain)
        usage = turns.usage_of(result.usage, cost)
        ledger.count(total, cost)
        await asyncio.to_thread(ledger.save)
        self._translator.context_size = turns.context_size(result) or self._translator.context_size
        self._unasked = turns.added(self._unasked, usage)
        turn = self._turn
        if turn is None or not turn.take(result):
            return
        for update in self._translator.end_turn(goes_on=bool(turn.owed)):
            self._outbox.put(update)
        ref = self._translator.last_message_ref
        ended = turns.ended(
            result,
            self._unasked,
            interrupted=turn.interrupted,
            last_message_ref=ref,
            program=self._program,
        )
        if (concluded := turn.conclude(ended)) is not None:
            self._over(concluded)

    def _over(self, ended: TurnEnded) -> None:
        turn, self._turn, self._unasked = self._turn, None, Usage()
        if turn is not None:
            self._outbox.put(ended)
            turn.end()

    def _gone(self, error: ClaudeSDKError | None) -> None:
        """The process ended. A turn that was under way is over, one way or the other."""
        self._asking.withdraw_all()
        turn = self._turn
        if turn is not None:
            for update in self._translator.end_turn():
                self._outbox.put(update)
            self._over(self._last_word(turn, error))
        if error is not None:
            log.info("Claude Code ended: %s", type(error).__name__)
        self._outbox.end()

    def _last_word(self, turn: UnderWay, error: ClaudeSDKError | None) -> TurnEnded:
        if turn.interrupted:
            return TurnEnded(stop_reason="cancelled", usage=self._unasked)
        code = error.exit_code if isinstance(error, ProcessError) else None
        how = f" (exit code {code})" if code is not None else ""
        return TurnEnded(
            stop_reason="lost",
            usage=self._unasked,
            error=f"Claude Code ended in the middle of its work{how}.",
            hint="Resume the session: the conversation is kept up to here.",
        )


def _checked(native_ref: str) -> str:
    """Refuse what is no reference of Claude Code's: it names files, too."""
    try:
        return str(uuid.UUID(native_ref)) if native_ref else ""
    except ValueError as error:
        raise AgentUnavailable(
            "This is no reference to a conversation with Claude Code.", hint="Begin a new session."
        ) from error
