"""Turns of an adapter as the events of a session, their essence, and playing what was saved of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agor_jupyter.agents.base import AgentAdapter, Decision
from agor_jupyter.agents.demo import kind
from agor_jupyter.agents.demo.script import Script
from agor_jupyter.agents.recording.recorder import Recorder, Recording
from agor_jupyter.domain.content import DiffContent, TerminalContent, TextContent
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    SessionEvent,
    SessionUpdate,
    TaskEnded,
    TaskQueued,
    TaskStarted,
    ToolCall,
    ToolCallUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import MessageId, SessionId, TaskId, ToolCallId, UserId
from agor_jupyter.domain.redaction import Redactor

SESSION = SessionId("ses_0000000000000001")
TURN_SECONDS = 60.0


class Tape:
    """The events of one session, ten milliseconds apart."""

    def __init__(self) -> None:
        self.events: list[SessionEvent] = []
        self._tasks = itertools.count(1)
        self.now_ms = 1_800_000_000_000

    def begin(self, prompt: str, **more: Any) -> TaskId:
        task = TaskId(f"task_{next(self._tasks):016d}")
        self.add(task, TaskQueued(by=UserId("ann"), prompt=prompt, **more))
        self.add(task, TaskStarted(base_sha="0" * 40))
        return task

    def add(self, task: TaskId, update: SessionUpdate, *, after_ms: int = 10) -> None:
        self.now_ms += after_ms
        seq = len(self.events) + 1
        self.events.append(
            SessionEvent(seq=seq, session_id=SESSION, task_id=task, at_ms=self.now_ms, update=update)
        )

    def task(self, prompt: str, *updates: SessionUpdate, **ended: Any) -> None:
        """Add a whole task; it ends well unless `ended` says otherwise."""
        task = self.begin(prompt)
        for update in updates:
            self.add(task, update)
        self.add(task, TaskEnded(**{"stop_reason": "end_turn", **ended}))

    def take(self, prompt: str, updates: Iterable[AgentUpdate | PermissionResolved]) -> None:
        """Add a turn as an adapter and its person made it."""
        task = self.begin(prompt)
        for update in updates:
            if isinstance(update, TurnEnded):
                fields = update.model_dump(include={"stop_reason", "usage", "error", "hint"})
                self.add(task, TaskEnded.model_validate(fields))
            elif update.type != "agent_ready":
                self.add(task, update)

    def saved(
        self, worktree: str = "/w/tree", secrets: Mapping[str, str] = {}, title: str = "A session"
    ) -> Recording:
        recorder = Recorder(title, "made here", worktree, Redactor(secrets, {worktree: "", "/home/ann": "~"}))
        for start in range(0, len(self.events), 7):
            recorder.take(self.events[start : start + 7])
        return recorder.write()


async def turn_of(
    agent: AgentAdapter, prompt: str, answers: Sequence[str] = ()
) -> list[AgentUpdate | PermissionResolved]:
    """Play one turn; answer requests by these kinds of options in their order, then with allow_once."""
    left = iter(answers)
    updates: list[AgentUpdate | PermissionResolved] = []
    await agent.prompt(TaskId("task_0000000000000001"), prompt, ())
    async with asyncio.timeout(TURN_SECONDS):
        async for update in agent.events():
            updates.append(update)
            if isinstance(update, PermissionRequest):
                decision = _decision(update, next(left, "allow_once"))
                updates.append(
                    PermissionResolved(request_id=update.request_id, by="ann", **_fields(decision))
                )
                await agent.answer(update.request_id, decision)
            if isinstance(update, TurnEnded):
                return updates
    raise AssertionError("the events ended in mid-turn")


def _decision(request: PermissionRequest, wanted: str) -> Decision:
    if request.questions:
        return Decision(outcome="selected", answers={item.question: wanted for item in request.questions})
    option = next(item for item in request.options if item.kind == wanted)
    return Decision(outcome="selected", option_id=option.option_id)


def _fields(decision: Decision) -> dict[str, Any]:
    return decision.model_dump(include={"outcome", "option_id", "message", "answers"})


async def play(
    folder: Path, script: str, prompts: Sequence[tuple[str, Sequence[str]]], worktree: Path
) -> list[list[Any]]:
    """Play a script in `worktree`; give the essence of each turn."""
    from tests.agents.test_demo import spec_of

    path = folder / "saved.demo.yml"
    path.write_text(script, "utf-8")
    state = folder / "player"
    state.mkdir()
    agent = kind.make()
    options = {"script": str(path)}
    await agent.start(spec_of(folder, worktree=str(worktree), state_dir=str(state), options=options))
    try:
        played = [await turn_of(agent, prompt, answers) for prompt, answers in prompts]
    finally:
        await agent.close()
    return [essence(updates, str(worktree)) for updates in played]


def essence(updates: Iterable[Any], worktree: str) -> list[Any]:
    """Say what a turn was for who watched it: without ids, times and pieces."""
    listed: list[Any] = []
    calls: dict[str, dict[str, Any]] = {}
    for update in updates:
        match update:
            case AgentMessageChunk() | AgentThoughtChunk():
                within = calls.get(update.parent_tool_call_id or "", {}).get("title", "")
                key = (update.type, within)
                if listed and isinstance(listed[-1], tuple) and listed[-1][:2] == key:
                    listed[-1] = (*key, listed[-1][2] + update.text)
                else:
                    listed.append((*key, update.text))
            case ToolCall():
                within = calls.get(update.parent_tool_call_id or "", {}).get("title", "")
                call = {"title": update.title, "kind": update.kind, "input": update.input, "within": within}
                calls[update.tool_call_id] = call
                listed.append(call)
            case ToolCallUpdate():
                _change(calls[update.tool_call_id], update, worktree)
            case PermissionRequest(questions=questions) if questions:
                listed.append(("questions", [item.model_dump() for item in questions]))
            case PermissionRequest(title=title, kind=its):
                listed.append(("asks", title, its))
            case PermissionResolved(option_id=option, answers=answers):
                listed.append(("answered", bool(option) and "allow" in str(option), answers))
            case Plan(entries=entries):
                listed.append(("plan", [entry.model_dump() for entry in entries]))
            case Notice(level=level, text=text):
                listed.append(("notice", level, text))
            case TurnEnded(stop_reason=reason, error=error):
                listed.append(("ended", reason, error))
            case _:
                pass
    return listed


def _change(call: dict[str, Any], update: ToolCallUpdate, worktree: str) -> None:
    for name in ("title", "status", "input"):
        if (value := getattr(update, name)) is not None:
            call[name] = value
    if update.content is not None:
        call["content"] = list(_shown(update.content, worktree))


def _shown(content: Iterable[Any], worktree: str) -> Iterator[Any]:
    for item in content:
        match item:
            case DiffContent(path=path, old_text=old, new_text=new):
                yield "diff", path.removeprefix(worktree + "/"), old, new
            case TerminalContent(text=text, exit_code=code):
                yield "terminal", text, code
            case TextContent(text=text):
                yield "text", text


# --- short words for tests

ANN = UserId("ann")
TREE = "/w/tree"


def said(text: str, message: str = "m", parent: str | None = None) -> AgentMessageChunk:
    within = ToolCallId(parent) if parent else None
    return AgentMessageChunk(message_id=MessageId(message), text=text, parent_tool_call_id=within)


def call(key: str = "c", **fields: Any) -> ToolCall:
    return ToolCall(**{"tool_call_id": ToolCallId(key), "title": "Do", **fields})


def done(key: str = "c", *content: Any, **fields: Any) -> ToolCallUpdate:
    return ToolCallUpdate(
        **{"tool_call_id": ToolCallId(key), "status": "completed", "content": content or None, **fields}
    )


def edit(old: str | None, new: str | None, path: str = "a.py", **given: Any) -> list[Any]:
    diff = DiffContent(path=f"{TREE}/{path}", old_text=old, new_text=new)
    return [call(kind="edit", input=given), done("c", diff)]


def steps_of(tape: Tape, **more: Any) -> list[dict[str, Any]]:
    """Give the steps of the first turn."""
    script = yaml.safe_load(tape.saved(TREE, **more).script)
    Script.model_validate(script)
    found: list[dict[str, Any]] = script["turns"][0]["steps"]
    return found


def taped(*updates: Any, **ended: Any) -> Tape:
    tape = Tape()
    tape.task("Go on", *updates, **ended)
    return tape
