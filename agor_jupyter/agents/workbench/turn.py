"""One turn: the model is asked, its calls are done, until it calls no more.

Every entry is on disk before what it tells of happens; a cancelled turn leaves no call without a
result and no process behind.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing

from agor_jupyter.agents.clip import clip, clip_input
from agor_jupyter.agents.workbench import asking, compaction
from agor_jupyter.agents.workbench.bench import Bench, added
from agor_jupyter.agents.workbench.failing import ModelFailed, ToolFailed, cut_off
from agor_jupyter.agents.workbench.history import STOPPED, Answered, Began, Call, Did, Dropped, Prompted, told
from agor_jupyter.agents.workbench.hosted import HostedCalls
from agor_jupyter.agents.workbench.model import Answer, Hosted, Request
from agor_jupyter.agents.workbench.slash import COMPACT
from agor_jupyter.agents.workbench.tool import Job, Result
from agor_jupyter.domain.content import Attachment, StopReason, TerminalContent, TextContent, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Notice,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, ToolCallId

LONGEST_WAIT_SECONDS = 60.0


class Turn:
    """The work on one prompt. `usage` counts as it goes, so a cancelled turn has it too."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._hears = True  # steered words are taken until the last look for them
        self.unheard: list[Prompted] = []
        self.usage = Usage()

    def steer(self, words: Prompted) -> bool:
        """Take words in: the model hears them with its next request. False: there is no next one."""
        if self._hears:
            self.unheard.append(words)
        return self._hears

    async def run(self, text: str, attachments: tuple[Attachment, ...]) -> StopReason:
        """Work until the model is done. Raises `ModelFailed`, or is cancelled."""
        bench = self._bench
        if text.strip() == COMPACT:
            if not await self._compact(keep=0.0):
                bench.outbox.put(Notice(text="There is nothing to sum up yet."))
            if not self.unheard:
                self._hears = False
                return "end_turn"
        else:
            bench.keep(Prompted(text=text, attachments=attachments))
        try:
            return await self._work()
        except ModelFailed as error:
            if error.refused and any(
                entry.attachments for entry in told(bench.history.entries) if isinstance(entry, Prompted)
            ):
                bench.keep(Dropped())
            raise

    async def _work(self) -> StopReason:
        bench = self._bench
        for _ in range(bench.settings.max_steps):
            while self.unheard:
                bench.keep(self.unheard[0])
                del self.unheard[0]
            if compaction.is_due(bench):
                await self._compact()
            answer = await self._answer()
            for call in answer.entry.calls:
                await self._call(call)
            if not answer.entry.calls and not self.unheard:
                self._hears = False
                return answer.stop_reason
        self._hears = False
        return "max_turn_requests"

    async def _compact(self, keep: float = compaction.KEPT_SHARE) -> bool:
        used = await compaction.compact(self._bench, keep=keep)
        if used is None:
            return False
        self.usage = added(self.usage, used)
        self._tell_usage()
        return True

    # --- the model -----------------------------------------------------------

    async def _answer(self) -> Answer:
        """Ask for one answer; again, where that may help, with a notice each time."""
        settings, shortened, tries = self._bench.settings, False, 0
        while True:
            try:
                return await self._ask_once()
            except ModelFailed as error:
                if error.too_long and not shortened:
                    shortened = True
                    if await self._compact(keep=compaction.KEPT_SHARE / 2):
                        continue
                wait = error.wait_seconds
                if wait is not None and wait > LONGEST_WAIT_SECONDS:
                    raise  # a day's quota is used up: a person must know now
                if not error.again or tries >= settings.max_retries:
                    raise
                tries += 1
                if wait is None:
                    wait = settings.retry_seconds * 2 ** (tries - 1)
                self._bench.outbox.put(_retry(error, tries, settings.max_retries))
                await asyncio.sleep(min(wait, LONGEST_WAIT_SECONDS))

    async def _ask_once(self) -> Answer:
        bench = self._bench
        request = Request(
            system=bench.system(),
            entries=told(bench.history.entries),
            tools=[tool.spec for tool in bench.tools.values()],
        )
        message_id = MessageId(f"msg_{secrets.token_hex(8)}")
        hosted = HostedCalls(bench.outbox)
        said = ""
        try:
            async with aclosing(bench.model.ask(request)) as stream:
                async for piece in stream:
                    if isinstance(piece, Answer):
                        return self._take(piece)
                    if isinstance(piece, Hosted):
                        hosted.tell(piece)
                        continue
                    chunk = AgentMessageChunk if piece.kind == "text" else AgentThoughtChunk
                    said += piece.text if piece.kind == "text" else ""
                    bench.outbox.put(chunk(message_id=message_id, text=piece.text))
                    await bench.outbox.wait_room()
        except asyncio.CancelledError:
            if said:  # the person saw it, so the model must know of it
                bench.keep(Answered(text=said))
            raise
        finally:
            hosted.end()
        raise cut_off()

    def _take(self, answer: Answer) -> Answer:
        bench = self._bench
        bench.keep(answer.entry)
        bench.used = answer.usage.total_tokens or bench.measure()
        self.usage = added(self.usage, answer.usage)
        self._tell_usage()
        return answer

    def _tell_usage(self) -> None:
        bench = self._bench
        bench.outbox.put(
            UsageUpdate(usage=self.usage, context_used=bench.used, context_size=bench.context_size)
        )

    # --- tools ---------------------------------------------------------------

    async def _call(self, call: Call) -> None:
        """Do one call and keep what it gave; whatever happens, the call has ended once."""
        told_call = _Told(self._bench, call)
        try:
            result = await self._do(call, told_call)
        except ToolFailed as error:
            result = Result(str(error), failed=True)
        except asyncio.CancelledError:
            told_call.end(Result(STOPPED, failed=True))
            raise
        if result.usage is not None:
            self.usage = added(self.usage, result.usage)
            self._tell_usage()
        self._bench.keep(
            Did(call_id=call.id, name=call.name, text=clip(result.text)[0], failed=result.failed)
        )
        told_call.end(result)
        await self._bench.outbox.wait_room()

    async def _do(self, call: Call, told_call: _Told) -> Result:
        bench = self._bench
        tool = bench.tools.get(call.name)
        if tool is None:
            raise ToolFailed(f"There is no tool {call.name!r}. There are: {', '.join(bench.tools)}.")
        if call.arguments is None:
            raise ToolFailed("The arguments are no JSON object. Call it again.")
        told_call.kind = tool.kind
        job = await tool.look(call.arguments)
        if job.plan is not None:
            told_call.hide()
            bench.outbox.put(job.plan)
        told_call.begin(job)
        if job.asks:
            decision = await bench.asking.ask(told_call.id, call.name, call.arguments, job)
            if job.questions:
                answers = asking.answers_of(decision)
                return Result(answers or decision.message or asking.NO_ANSWER, failed=not answers)
            if refusal := asking.refusal_of(decision):
                raise ToolFailed(refusal)
        bench.history.append(Began(call_id=call.id))
        told_call.work(job)
        bench.asking.running = told_call.id
        try:
            return await job.run(told_call.say)
        finally:
            bench.asking.running = None
            bench.asking.withdraw_forms()


class _Told:
    """What people were told of one call: begun once, ended once, also where it fails early."""

    def __init__(self, bench: Bench, call: Call) -> None:
        self._outbox = bench.outbox
        self._call = call
        # Not the vendor's id: some servers count from 0 in every answer.
        self.id = ToolCallId(f"call_{secrets.token_hex(8)}")
        self.kind: str = "other"
        self._begun = False
        self._hidden = False

    def hide(self) -> None:
        """It is drawn in another way: say nothing of it as a call."""
        self._hidden = True

    def begin(self, job: Job | None = None) -> None:
        if self._hidden or self._begun:
            return
        self._begun = True
        self._outbox.put(
            ToolCall(
                tool_call_id=self.id,
                title=job.title if job is not None else self._call.name,
                kind=job.kind if job is not None else self.kind,
                input=clip_input(self._call.arguments or {}),
                locations=job.locations if job is not None else (),
            )
        )

    def work(self, job: Job) -> None:
        content = (TerminalContent(text=""),) if job.has_output else None
        self._update(ToolCallUpdate(tool_call_id=self.id, status="in_progress", content=content))

    def say(self, text: str) -> None:
        self._update(ToolCallUpdate(tool_call_id=self.id, output_delta=text))

    def end(self, result: Result) -> None:
        self.begin()
        content = result.content
        if content is None:
            text, gone = clip(result.text)
            content = (TextContent(text=text, truncated=gone),)
        status = "failed" if result.failed else "completed"
        self._update(ToolCallUpdate(tool_call_id=self.id, status=status, content=content))

    def _update(self, update: ToolCallUpdate) -> None:
        if not self._hidden:
            self._outbox.put(update)


def _retry(error: ModelFailed, tries: int, most: int) -> Notice:
    return Notice(level="warning", text=f"{error.sentence} It is tried again ({tries} of {most}).")
