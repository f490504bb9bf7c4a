"""Plays the steps of a turn: each verb of a script, done for real in the worktree."""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.demo import verbs
from agor_jupyter.agents.demo.files import text_of, write_text
from agor_jupyter.agents.demo.shown import Shown
from agor_jupyter.agents.demo.stage import EndTurn, Stage, count_tokens, new_call_id, pieces_of
from agor_jupyter.agents.process import Spawned, spawn
from agor_jupyter.domain.content import (
    DiffContent,
    PermissionOption,
    Question,
    TerminalContent,
    TextContent,
    ToolContent,
    ToolKind,
    ToolLocation,
    ToolStatus,
)
from agor_jupyter.domain.errors import AgorError, Unprocessable
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Notice,
    PermissionRequest,
    Plan,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import ENTROPY_BYTES, MessageId, RequestId, ToolCallId, make_id

OUTPUT_CHARACTERS = 256 * 1024
KILL_GRACE_SECONDS = 0.1
OPTIONS = (
    PermissionOption(option_id="allow_once", name="Allow", kind="allow_once"),
    PermissionOption(option_id="allow_always", name="Always allow", kind="allow_always"),
    PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
)


class Player:
    """Plays steps one after the other; yields after each, so that it can be remembered."""

    def __init__(self, stage: Stage, delay_ms: int) -> None:
        self._stage = stage
        self._delay_ms = delay_ms
        self.within: ToolCallId | None = None
        """The call that a sub-agent's steps are played within."""

    async def play(self, steps: Sequence[verbs.Step]) -> AsyncIterator[None]:
        for step in steps:
            match step:
                case verbs.Repeat(repeat=repeat):
                    for _ in range(repeat.times):
                        async for _ in self.play(repeat.steps):
                            yield
                case verbs.If(if_=condition):
                    chosen = condition.then if self._holds(condition) else condition.otherwise
                    async for _ in self.play(chosen):
                        yield
                case verbs.Tool(tool=tool):
                    async for _ in Shown(self, self._stage, tool).play():
                        yield
                case _:
                    await self._do(step)
                    yield

    async def _do(self, step: verbs.Step) -> None:
        stage = self._stage
        match step:
            case verbs.Say(say=text, delay_ms=delay_ms):
                await self._speak(stage.filled(text), delay_ms, thought=False)
            case verbs.Think(think=text, delay_ms=delay_ms):
                await self._speak(stage.filled(text), delay_ms, thought=True)
            case verbs.MakePlan(plan=entries):
                await stage.emit(Plan(entries=entries))
            case verbs.Read(read=path):
                await self._read(stage.filled(path))
            case verbs.Edit(edit=edit):
                await self._edit(edit)
            case verbs.Run(run=run):
                await self._run(run)
            case verbs.Ask(ask=questions):
                await self._ask(questions)
            case verbs.Note(note=text, level=level, hint=hint):
                await stage.emit(Notice(level=level, text=stage.filled(text), hint=hint))
            case verbs.Call(call=call):
                await self._call(call)
            case verbs.AddUsage(usage=usage):
                await self._add_usage(usage)
            case verbs.Wait(wait=seconds):
                await asyncio.sleep(self._number(seconds))
            case verbs.Stream(stream=stream):
                await self._stream(int(self._number(stream.tokens)), self._number(stream.per_second))
            case verbs.Fail(fail=text, hint=hint):
                raise EndTurn(TurnEnded(stop_reason="failed", error=stage.filled(text), hint=hint))
            case verbs.End(end=reason):
                raise EndTurn(TurnEnded(stop_reason=reason))
            case verbs.Crash(crash=code):
                os._exit(code)
            case _:
                raise AssertionError(f"no such step: {step}")

    # --- words ---------------------------------------------------------------

    async def _speak(self, text: str, delay_ms: int | None, *, thought: bool) -> None:
        chunk = AgentThoughtChunk if thought else AgentMessageChunk
        message_id = _message_id()
        delay = (self._delay_ms if delay_ms is None else delay_ms) / 1000 * self._stage.pace
        for piece in pieces_of(text):
            words = chunk(message_id=message_id, text=piece, parent_tool_call_id=self.within)
            await self._stage.emit(words)
            await asyncio.sleep(delay)
        self._stage.spend(text, thought=thought)

    async def _stream(self, count: int, per_second: float) -> None:
        """Keep to the clock: a late token is made up for, so that the rate is what was asked."""
        loop = asyncio.get_running_loop()
        begun, message_id, rate = loop.time(), _message_id(), per_second / self._stage.pace
        for number in range(count):
            ahead = begun + number / rate - loop.time() if rate > 0 else 0.0
            if ahead > 0:
                await asyncio.sleep(ahead)
            words = AgentMessageChunk(
                message_id=message_id, text=f"tok{number} ", parent_tool_call_id=self.within
            )
            await self._stage.emit(words)
        self._stage.spend("tok0 " * count)

    async def _add_usage(self, usage: verbs.UsageOf) -> None:
        stage, more = self._stage, usage.model_dump(exclude={"context_used", "context_size"})
        stage.usage = stage.usage.model_copy(
            update={name: getattr(stage.usage, name) + count for name, count in more.items()}
        )
        if usage.context_used is not None and usage.context_size is not None:
            stage.context = (usage.context_used, usage.context_size)
        await stage.emit(stage.usage_update())

    async def _call(self, call: verbs.CallOf) -> None:
        """Call a tool of the house: nobody is asked for it."""
        stage, call_id = self._stage, new_call_id()
        await self.begin(
            ToolCall(tool_call_id=call_id, title=call.tool, status="in_progress", input=call.input)
        )
        answer = await stage.call_tool(call.tool, call.input)
        text, gone = clip(answer.text)
        stage.names["result"] = text
        content = (TextContent(text=text, truncated=gone),)
        status: ToolStatus = "failed" if answer.failed else "completed"
        await stage.emit(ToolCallUpdate(tool_call_id=call_id, status=status, content=content))

    async def _ask(self, asked: Sequence[verbs.AskOf]) -> None:
        stage = self._stage
        questions = tuple(
            Question(
                question=stage.filled(one.question),
                header=one.header,
                choices=one.choices,
                multiple=one.multiple,
                descriptions=one.descriptions,
                own=one.own,
            )
            for one in asked
        )
        words = [one.question for one in questions]
        request = self.request_for("A question", "other", {"question": "\n".join(words)})
        decision = await stage.ask(request.model_copy(update={"questions": questions, "options": ()}))
        stage.rejected = decision.outcome != "selected"
        answers = [decision.answers[one] for one in words if one in decision.answers]
        stage.names["answer"] = "\n".join(answers) if answers else decision.message

    # --- tools ---------------------------------------------------------------

    async def begin(self, call: ToolCall) -> None:
        """Tell that a call begins, within the one whose steps are played."""
        await self._stage.emit(call.model_copy(update={"parent_tool_call_id": self.within}))

    async def _read(self, path: str) -> None:
        call_id, place = new_call_id(), self.place(path)
        location = (ToolLocation(path=str(place)),)
        await self.begin(
            ToolCall(
                tool_call_id=call_id,
                title=f"Read {path}",
                kind="read",
                status="in_progress",
                input={"path": path},
                locations=location,
            )
        )
        try:
            text = await asyncio.to_thread(place.read_text, "utf-8", "replace")
        except OSError as error:
            await self.finish(call_id, (TextContent(text=f"{path}: {error.strerror}"),), failed=True)
            return
        kept = text[:OUTPUT_CHARACTERS]
        self._stage.usage = self._stage.usage.model_copy(
            update={"input_tokens": self._stage.usage.input_tokens + count_tokens(kept)}
        )
        await self.finish(call_id, (TextContent(text=kept, truncated=len(text) - len(kept)),))

    async def _edit(self, edit: verbs.EditOf) -> None:
        stage, path = self._stage, self._stage.filled(edit.path)
        call_id, place = new_call_id(), self.place(path)
        before = await asyncio.to_thread(text_of, place)
        after = self._edited(edit, before, path)
        diff = DiffContent(path=path, old_text=before, new_text=after)
        title, location = f"Edit {path}", (ToolLocation(path=str(place)),)
        given = {"path": path, "content": after}
        await self.begin(
            ToolCall(tool_call_id=call_id, title=title, kind="edit", input=given, locations=location)
        )
        request = self.request_for(title, "edit", given, call_id).model_copy(
            update={"locations": location, "content": (diff,)}
        )
        if edit.ask and not await self.allowed(request, call_id):
            return
        await stage.emit(ToolCallUpdate(tool_call_id=call_id, status="in_progress"))
        await asyncio.to_thread(write_text, place, after)
        await self.finish(call_id, (diff,))

    def _edited(self, edit: verbs.EditOf, before: str | None, path: str) -> str:
        if edit.write is not None:
            return self._stage.filled(edit.write)
        if edit.find is None or before is None or edit.find not in before:
            raise Unprocessable(f"{path} does not hold the text to be replaced.")
        return before.replace(edit.find, edit.replace or "", 1)

    async def _run(self, run: verbs.RunOf) -> None:
        stage, call_id = self._stage, new_call_id()
        argv = [stage.filled(part) for part in run.argv]
        shown = [Path(argv[0]).name if argv[0] == sys.executable else argv[0], *argv[1:]]
        command = " ".join(shown)
        title, given = run.title or command, {"command": command}
        await self.begin(ToolCall(tool_call_id=call_id, title=title, kind="execute", input=given))
        request = self.request_for(title, "execute", given, call_id)
        if run.ask and not await self.allowed(request, call_id):
            return
        await stage.emit(
            ToolCallUpdate(tool_call_id=call_id, status="in_progress", content=(TerminalContent(text=""),))
        )
        try:
            child = await spawn(
                argv, cwd=stage.spec.worktree, environment=stage.spec.environment, merge_stderr=True
            )
        except (AgorError, OSError) as error:
            stage.exit_code = 127
            await self.finish(call_id, (TerminalContent(text=str(error), exit_code=127),), failed=True)
            return
        await self._follow(child, call_id)

    async def _follow(self, child: Spawned, call_id: ToolCallId) -> None:
        """Pass on what the command prints as it prints it, then its exit code."""
        printed: list[str] = []
        left = OUTPUT_CHARACTERS
        lost = 0
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        code: int | None = None
        try:
            while child.process.stdout is not None and (data := await child.process.stdout.read(8192)):
                text = decoder.decode(data)
                kept, lost = text[:left], lost + max(0, len(text) - left)
                left -= len(kept)
                printed.append(kept)
                if kept:
                    await self._stage.emit(ToolCallUpdate(tool_call_id=call_id, output_delta=kept))
            code = await child.process.wait()
        finally:
            # The shield: an interrupt must not be cut short by a second one.
            await asyncio.shield(child.end(grace_seconds=KILL_GRACE_SECONDS))
            self._stage.exit_code = code
            text = "".join(printed)
            shown = TerminalContent(text=text, exit_code=code, truncated=lost)
            await self.finish(call_id, (shown,), failed=code != 0)

    async def allowed(self, request: PermissionRequest, call_id: ToolCallId) -> bool:
        decision = await self._stage.ask(request)
        chosen = next((item for item in OPTIONS if item.option_id == decision.option_id), None)
        allowed = decision.outcome == "selected" and (chosen is None or chosen.kind.startswith("allow"))
        self._stage.rejected = not allowed
        if not allowed:
            reason = f"Rejected: {decision.message}" if decision.message else "Rejected."
            self._stage.names["answer"] = decision.message
            await self.finish(call_id, (TextContent(text=reason),), failed=True)
        return allowed

    async def finish(
        self, call_id: ToolCallId, content: tuple[ToolContent, ...], *, failed: bool = False
    ) -> None:
        status = "failed" if failed else "completed"
        await self._stage.emit(ToolCallUpdate(tool_call_id=call_id, status=status, content=content))

    # --- what a step may name --------------------------------------------------

    def _holds(self, condition: verbs.IfOf) -> bool:
        stage = self._stage
        checks: list[bool] = []
        if condition.answer is not None:
            checks.append(re.search(condition.answer, stage.names.get("answer", "")) is not None)
        if condition.exit_code is not None:
            checks.append(stage.exit_code == condition.exit_code)
        if condition.failed is not None:
            checks.append((stage.exit_code not in (None, 0)) == condition.failed)
        if condition.rejected is not None:
            checks.append(stage.rejected == condition.rejected)
        if condition.earlier is not None:
            checks.append(bool(stage.names.get("earlier")) == condition.earlier)
        if condition.exists is not None:
            checks.append(self.place(condition.exists).exists())
        if condition.contains is not None:
            path, text = condition.contains
            checks.append(text in (text_of(self.place(path)) or ""))
        return all(checks)

    def place(self, path: str) -> Path:
        """Resolve a path of the script; it must stay in the worktree."""
        root = Path(self._stage.spec.worktree).resolve()
        place = (root / path).resolve()
        if place != root and root not in place.parents:
            raise Unprocessable(f"{path} is outside the worktree.")
        if ".git" in {part.lower() for part in place.relative_to(root).parts}:
            raise Unprocessable(f"{path} belongs to git.")
        return place

    def _number(self, value: float | str) -> float:
        try:
            return float(self._stage.filled(str(value)))
        except ValueError as error:
            raise Unprocessable(f"{value!r} is not a number.") from error

    @staticmethod
    def request_for(
        title: str, kind: ToolKind, given: dict[str, Any], call_id: ToolCallId | None = None
    ) -> PermissionRequest:
        digest = hashlib.sha256(json.dumps([kind, given], sort_keys=True).encode()).hexdigest()
        request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
        return PermissionRequest(
            request_id=request_id,
            tool_call_id=call_id,
            title=title,
            kind=kind,
            input=given,
            options=OPTIONS,
            digest=digest,
        )


def _message_id() -> MessageId:
    return MessageId(f"msg-{secrets.token_hex(6)}")
