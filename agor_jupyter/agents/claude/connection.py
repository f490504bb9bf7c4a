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
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
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

from agor_jupyter.agents.base import Decision, SessionSpec
from agor_jupyter.agents.claude import options, probe, turns
from agor_jupyter.agents.claude.asking import Asking
from agor_jupyter.agents.claude.ledger import Ledger
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.process import SPAWN_MARKER, end_tree
from agor_jupyter.agents.strays import end_strays
from agor_jupyter.domain.content import Attachment, Mode, Usage
from agor_jupyter.domain.errors import AgentUnavailable, AgorError, Conflict, TimedOut
from agor_jupyter.domain.events import AgentReady, AgentUpdate, ModeChanged, TurnEnded
from agor_jupyter.domain.ids import RequestId, TaskId

CONTROL_SECONDS = 5.0
INTERRUPT_SECONDS = 2.0
INTERRUPT_TRIES = 3
DISCONNECT_SECONDS = 3.0
STDERR_LINES = 100

log = logging.getLogger(__name__)


@dataclass
class _Turn:
    """The prompt under way. `uuid` is how the CLI's result names it."""

    task_id: TaskId
    uuid: str
    interrupted: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Connection:
    """One live client of one conversation. Opened once, closed once."""

    def __init__(self, spec: SessionSpec) -> None:
        self._spec = spec
        self._outbox = Outbox()
        self._translator = Translator(spec.worktree)
        self._asking = Asking(spec.worktree, self._outbox, self._translator)
        self._ledger = Ledger(Path(spec.state_dir), spec.session_id)
        self._marker = f"{SPAWN_MARKER}={secrets.token_hex(12)}"
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._client: ClaudeSDKClient | None = None
        self._pump_job: asyncio.Task[None] | None = None
        self._pid: int | None = None
        self._native_ref = spec.native_ref
        self._mode: Mode = spec.mode
        self._turn: _Turn | None = None
        self._unasked = Usage()  # of turns that no prompt began; told with the next task's
        self._background: set[str] = set()
        self._closing: asyncio.Task[None] | None = None

    # --- start ---------------------------------------------------------------

    async def open(self) -> None:
        """Start the CLI. Raises `AgentUnavailable` with its own words, or `Conflict`."""
        cli = await asyncio.to_thread(probe.find_cli, self._spec.environment)
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
        resume = await asyncio.to_thread(self._prepare)
        launcher = await asyncio.to_thread(options.write_launcher, Path(self._spec.state_dir))
        built = options.build(
            self._spec,
            cli=cli,
            launcher=launcher,
            native_ref=self._native_ref,
            resume=resume,
            marker=self._marker,
            can_use_tool=self._asking.ask,
            on_stderr=self._stderr.append,
        )
        self._client = client = ClaudeSDKClient(built)
        try:
            await client.connect()
        except ClaudeSDKError as error:
            raise self._unavailable(error) from error
        except Exception as error:  # the SDK raises bare Exception when the CLI does not answer
            raise self._unavailable(error) from error
        info: dict[str, Any] = await client.get_server_info() or {}
        self._pid = info.get("pid")
        self._outbox.put(self._ready(info))
        self._pump_job = asyncio.create_task(self._pump(client), name="claude-pump")

    def _prepare(self) -> bool:
        """Choose the conversation's id; say whether the CLI has it already. Reads the disk."""
        ledger = self._ledger
        if not self._native_ref:
            self._native_ref = str(uuid.uuid4())
            ledger.total_cost_usd, ledger.prompted, ledger.known = 0.0, False, True
            ledger.save()
            return False
        projects = options.config_dir_of(self._spec) / "projects"
        transcript = next(projects.glob(f"*/{self._native_ref}.jsonl"), None)
        if transcript is not None:
            ledger.take_up(transcript)
            return True
        # Started before, but never prompted: the CLI has not written a word of it.
        return not (ledger.known and not ledger.prompted)

    def _ready(self, info: dict[str, Any]) -> AgentReady:
        return AgentReady(
            native_ref=self._native_ref,
            version=str(info.get("claude_code_version") or ""),
            model=self._spec.model,
            models=tuple(str(item["value"]) for item in info.get("models") or () if "value" in item),
            commands=tuple(str(item["name"]) for item in info.get("commands") or () if "name" in item),
        )

    def _unavailable(self, error: Exception) -> AgentUnavailable:
        said = next((line for line in reversed(self._stderr) if line.strip()), "") or str(error)
        if "No conversation found" in said or "No conversation found" in str(error):
            return AgentUnavailable(
                "Claude Code has no record of this conversation any more.",
                hint="Begin a new session in this worktree; the transcript stays as it is.",
            )
        return AgentUnavailable(
            f"Claude Code did not start: {turns.sentence(said)}",
            hint="Try `claude` in a terminal of this machine; it says more.",
        )

    # --- what the runner asks for --------------------------------------------

    async def prompt(self, task_id: TaskId, text: str, attachments: tuple[Attachment, ...]) -> None:
        """Hand a prompt over. Raises `Conflict` while another one is under way."""
        client = self._alive()
        if self._turn is not None:
            raise Conflict("Claude Code is at work on another prompt.", hint="Wait for it, or stop it.")
        self._turn = turn = _Turn(task_id, str(uuid.uuid4()))
        content = _content(text, attachments)

        async def message() -> AsyncIterator[dict[str, Any]]:
            said = {"role": "user", "content": content}
            yield {"type": "user", "message": said, "parent_tool_use_id": None, "uuid": turn.uuid}

        try:
            await client.query(message())
        except ClaudeSDKError as error:
            self._turn = None
            raise AgentUnavailable("Claude Code has ended.", hint="Resume the session.") from error

    async def interrupt(self) -> None:
        """Stop the turn, its background agents and every process of them. Idempotent."""
        turn, client = self._turn, self._client
        if client is None or (turn is None and not self._background):
            return
        if turn is not None:
            turn.interrupted = True
        for _ in range(INTERRUPT_TRIES):
            # Asked again when it had no effect: it may come before the CLI has begun the turn.
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await _control(client.interrupt(), INTERRUPT_SECONDS)
            if turn is None or await _within(turn.over.wait(), INTERRUPT_SECONDS):
                break
        else:
            await end_tree(self._pid, self._marker, grace_seconds=1.0)
        for background in list(self._background):
            with contextlib.suppress(TimedOut, AgentUnavailable):
                await _control(client.stop_task(background))
        await end_strays(self._marker, keep=self._pid)

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
            await _control(client.set_permission_mode(options.MODES[mode]))
        except AgorError:
            self._mode = before
            raise

    async def set_model(self, model: str) -> None:
        await _control(self._alive().set_model(options.model_of(model)))

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
                await _control(self._client.interrupt(), INTERRUPT_SECONDS)
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
                self._outbox.put(AgentReady(native_ref=ref))
            case SystemMessage(data=data):
                self._news(message.subtype, data)
        for update in self._translator.feed(message):
            self._outbox.put(update)
        self._asking.hear()

    def _news(self, subtype: str, data: dict[str, Any]) -> None:
        if subtype == "background_tasks_changed":
            self._background = {str(item["task_id"]) for item in data.get("tasks") or () if "task_id" in item}
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
        ledger.count(total)
        await asyncio.to_thread(ledger.save)
        self._translator.context_size = turns.context_size(result) or self._translator.context_size
        self._unasked = turns.added(self._unasked, usage)
        turn = self._turn
        if turn is None or not turns.answers(result, turn.uuid):
            return
        for update in self._translator.end_turn():
            self._outbox.put(update)
        ref = self._translator.last_message_ref
        self._over(turns.ended(result, self._unasked, interrupted=turn.interrupted, last_message_ref=ref))

    def _over(self, ended: TurnEnded) -> None:
        turn, self._turn, self._unasked = self._turn, None, Usage()
        if turn is not None:
            self._outbox.put(ended)
            turn.over.set()

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

    def _last_word(self, turn: _Turn, error: ClaudeSDKError | None) -> TurnEnded:
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


def _content(text: str, attachments: tuple[Attachment, ...]) -> str | list[dict[str, Any]]:
    """Make the content of a user message: images as images, other files as text with their name."""
    if not attachments:
        return text
    blocks: list[dict[str, Any]] = []
    for item in attachments:
        if item.media_type.startswith("image/"):
            source = {"type": "base64", "media_type": item.media_type, "data": item.data}
            blocks.append({"type": "image", "source": source})
        else:
            blocks.append({"type": "text", "text": f"File {item.name}:\n\n{item.data}"})
    return [*blocks, {"type": "text", "text": text}]


async def _control(request: Awaitable[None], seconds: float = CONTROL_SECONDS) -> None:
    """Await a control request of the SDK, within a deadline and with errors of the house."""
    try:
        async with asyncio.timeout(seconds):
            await request
    except TimeoutError as error:
        raise TimedOut("Claude Code did not answer in time.", hint="Try again.") from error
    except ClaudeSDKError as error:
        raise AgentUnavailable("Claude Code has ended.", hint="Resume the session.") from error
    except Exception as error:  # the SDK raises bare Exception for what the CLI refuses
        raise Conflict(f"Claude Code refused: {turns.sentence(str(error))}") from error


async def _within(condition: Awaitable[object], seconds: float) -> bool:
    """Await a condition; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await condition
    except TimeoutError:
        return False
    return True
