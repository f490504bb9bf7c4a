"""From the app server's notifications to the house's updates. Pure: no I/O, no clock; one accumulator.

Words and thoughts come as deltas; a whole item that was not streamed is taken from its end. A tool
call is an item that begins and ends. The texts around an edit are read by the caller (`texts`).

Turns' ends are not translated here: whether one ends a task is the connection's to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from agor_jupyter.agents.addresses import shortened
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.codex import patches, tools, turns
from agor_jupyter.agents.kept import Kept
from agor_jupyter.domain.content import (
    PlanEntry,
    TerminalContent,
    TextContent,
    ToolContent,
    ToolStatus,
    Usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    Compaction,
    ModelChanged,
    Notice,
    Plan,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, ToolCallId

Params = Mapping[str, Any]
Texts = Mapping[str, str | None]
_STEPS: Mapping[str, Literal["pending", "in_progress", "completed"]] = {
    "pending": "pending",
    "inProgress": "in_progress",
    "completed": "completed",
}

REVIEWS = "Codex reviews"
UNASKED = "Nothing is asked in a review: what wants out of the sandbox is refused."


class Translator:
    """The accumulator of one conversation. Feed it every notification of its thread, in order."""

    def __init__(self, worktree: str) -> None:
        self._worktree = worktree
        self._calls: dict[str, tools.Item] = {}
        self._streamed: set[str] = set()  # items whose words came as deltas
        self._printed: dict[str, Kept] = {}  # what commands that run have printed
        self._said: dict[str, str] = {}  # call → why a person rejected it
        self._total: Usage | None = None  # of the whole conversation, as last told
        self._before: Usage | None = None  # the same, when this turn began
        self._full: int | None = None  # how full the context was when a compaction began
        self.context_used: int | None = None
        self.context_size: int | None = None

    @property
    def usage(self) -> Usage:
        """What the present turn has used so far."""
        if self._total is None or self._before is None:
            return Usage()
        return turns.less(self._total, self._before)

    def item(self, item_id: str) -> tools.Item | None:
        """Give a call that is under way."""
        return self._calls.get(item_id)

    def call_of(self, server: str) -> tools.Item | None:
        """Find the last call of an MCP server that is under way: its approval does not name it."""
        found = [call for call in self._calls.values() if call.get("server") == server]
        return found[-1] if found else None

    def note_rejection(self, item_id: str, words: str) -> None:
        """Keep what a person said to a rejection: Codex takes no words with it."""
        if words:
            self._said[item_id] = words

    def feed(self, method: str, params: Params, texts: Texts | None = None) -> list[AgentUpdate]:
        """Translate one notification. One that says nothing to a person gives an empty list."""
        match method:
            case "item/started":
                return self._started(params.get("item") or {})
            case "item/completed":
                return self._completed(params.get("item") or {}, texts or {})
            case "item/agentMessage/delta" | "item/plan/delta":
                return self._words("text", str(params.get("itemId")), str(params.get("delta", "")))
            case "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta":
                return self._words("thought", str(params.get("itemId")), str(params.get("delta", "")))
            case "item/reasoning/summaryPartAdded" if params.get("summaryIndex"):
                return self._words("thought", str(params.get("itemId")), "\n\n")
            case "item/commandExecution/outputDelta":
                return self._output(str(params.get("itemId")), str(params.get("delta", "")))
            case "item/fileChange/patchUpdated":
                return self._patched(str(params.get("itemId")), params)
            case "turn/plan/updated":
                return [_plan(params)]
            case "thread/tokenUsage/updated":
                return self._used(params.get("tokenUsage") or {})
            case _:
                return news(method, params)

    def begin_turn(self) -> None:
        """Count from here. A conversation that was taken up has told its total before."""
        self._before = self._total

    def end_turn(self, *, completed: bool) -> list[AgentUpdate]:
        """Forget the turn. Commands may go on in the background after one that ended well; all else
        that is open was aborted.
        """
        updates: list[AgentUpdate] = []
        for key, item in self._calls.items():
            behind = completed and item.get("type") == "commandExecution"
            status: ToolStatus = "completed" if behind else "failed"
            updates.append(ToolCallUpdate(tool_call_id=ToolCallId(key), status=status))
        self._calls.clear()
        self._printed.clear()
        self._streamed.clear()
        self._said.clear()
        self._before = self._total
        return updates

    # --- words ---------------------------------------------------------------

    def _words(self, kind: str, item_id: str, text: str) -> list[AgentUpdate]:
        if not text:
            return []
        self._streamed.add(item_id)
        chunk = AgentMessageChunk if kind == "text" else AgentThoughtChunk
        return [chunk(message_id=MessageId(item_id), text=text)]

    def _whole(self, item: tools.Item) -> list[AgentUpdate]:
        """Send words that were not streamed."""
        key = str(item.get("id"))
        if key in self._streamed:
            return []
        if item.get("type") == "reasoning":
            parts = item.get("summary") or item.get("content") or []
            return self._words("thought", key, "\n\n".join(str(part) for part in parts))
        return self._words("text", key, str(item.get("text", "")))

    # --- calls ---------------------------------------------------------------

    def _started(self, item: tools.Item) -> list[AgentUpdate]:
        if item.get("type") == "contextCompaction":
            self._full = self.context_used
        if item.get("type") not in tools.CALLS:
            return []
        key = str(item.get("id"))
        if key in self._calls:
            return []
        self._calls[key] = item
        updates: list[AgentUpdate] = [
            ToolCall(
                tool_call_id=ToolCallId(key),
                title=tools.title_of(item, self._worktree),
                kind=tools.kind_of(item),
                status="in_progress",
                input=tools.input_of(item),
                locations=tools.locations_of(item, self._worktree),
            )
        ]
        if item.get("type") == "commandExecution":
            updates.append(ToolCallUpdate(tool_call_id=ToolCallId(key), content=(TerminalContent(text=""),)))
        return updates

    def _output(self, key: str, text: str) -> list[AgentUpdate]:
        if key not in self._calls or not text:
            return []
        # The log keeps the head of a flood as it comes, and its tail when it has ended.
        shown = self._printed.setdefault(key, Kept()).feed(text)
        return [ToolCallUpdate(tool_call_id=ToolCallId(key), output_delta=shown)] if shown else []

    def _patched(self, key: str, params: Params) -> list[AgentUpdate]:
        """A change grew while the model wrote it."""
        if key not in self._calls:
            return []
        self._calls[key] = item = {**self._calls[key], "changes": params.get("changes")}
        return [
            ToolCallUpdate(
                tool_call_id=ToolCallId(key),
                title=tools.title_of(item, self._worktree),
                input=tools.input_of(item),
                locations=tools.locations_of(item, self._worktree),
            )
        ]

    def _completed(self, item: tools.Item, texts: Texts) -> list[AgentUpdate]:
        match item.get("type"):
            case "agentMessage" | "plan" | "reasoning":
                return self._whole(item)
            case "contextCompaction":
                return [Compaction(before_tokens=self._full)]
            case "enteredReviewMode":
                # Its counterpart says nothing new: the review follows it as a message.
                return [Notice(text=f"{REVIEWS}: {tools.line(str(item.get('review', '')))}", hint=UNASKED)]
            case kind if kind in tools.CALLS:
                return self._ended(item, texts)
            case _:
                return []

    def _ended(self, item: tools.Item, texts: Texts) -> list[AgentUpdate]:
        key = str(item.get("id"))
        # Some kinds are told only when they are done; one of a turn that is over was ended with it.
        updates = [] if key in self._calls else self._started(item)
        del self._calls[key]
        self._printed.pop(key, None)
        failed = item.get("status") in ("failed", "declined") or item.get("success") is False
        status: ToolStatus = "failed" if failed else "completed"
        content = self._content(item, texts, failed=failed)
        said = self._said.pop(key, "")
        if said:
            content = (TextContent(text=said),)
        elif item.get("status") == "declined":
            content = (TextContent(text="Rejected."),)
        return [*updates, ToolCallUpdate(tool_call_id=ToolCallId(key), status=status, content=content)]

    def _content(self, item: tools.Item, texts: Texts, *, failed: bool) -> tuple[ToolContent, ...]:
        match item.get("type"):
            case "commandExecution":
                text, gone = clip(str(item.get("aggregatedOutput") or ""))
                code = item.get("exitCode")
                known = code if isinstance(code, int) else None
                return (TerminalContent(text=text, exit_code=known, truncated=gone),)
            case "fileChange":
                return diffs_of(item, texts, self._worktree, applied=not failed)
            case "mcpToolCall":
                error = item.get("error")
                if isinstance(error, Mapping):
                    return _text(str(error.get("message", "")))
                result = item.get("result")
                return _text(_joined(result.get("content")) if isinstance(result, Mapping) else "")
            case "dynamicToolCall":
                return _text(_joined(item.get("contentItems")))
            case _:
                return ()

    # --- how full, how much ----------------------------------------------------

    def _used(self, raw: Params) -> list[AgentUpdate]:
        total, last = turns.usage_of(raw.get("total")), turns.usage_of(raw.get("last"))
        if self._before is None:
            # The first news of a conversation that was taken up: all but the last request is old.
            self._before = turns.less(total, last)
        self._total = total
        self.context_used = last.total_tokens
        size = raw.get("modelContextWindow")
        self.context_size = size if isinstance(size, int) else self.context_size
        return [UsageUpdate(usage=self.usage, context_used=self.context_used, context_size=self.context_size)]


def diffs_of(item: tools.Item, texts: Texts, worktree: str, *, applied: bool) -> tuple[ToolContent, ...]:
    """Show the changes of an item. `texts` holds what the files say now, by the paths Codex names."""
    return tuple(
        patches.diff_of(
            change,
            texts.get(str((applied and (change.get("kind") or {}).get("move_path")) or change.get("path"))),
            worktree,
            applied=applied,
        )
        for change in tools.changes_of(item)
    )


def news(method: str, params: Params) -> list[AgentUpdate]:
    """Translate what Codex tells beside its work."""
    match method:
        case "error" if params.get("willRetry"):
            error = params.get("error") or {}
            words = turns.sentence(str(error.get("additionalDetails") or error.get("message") or ""))
            return [Notice(level="warning", text=f"{words} Codex tries again.")]
        case "warning":
            return [Notice(level="warning", text=turns.sentence(str(params.get("message", ""))))]
        case "configWarning" if "bubblewrap" not in str(params.get("summary")):
            # It warns of a missing bubblewrap at each start, and uses its own.
            return [Notice(level="warning", text=turns.sentence(str(params.get("summary", ""))))]
        case "model/rerouted":
            return [ModelChanged(model=str(params.get("toModel", "")))]
        case "mcpServer/startupStatus/updated" if params.get("status") == "failed":
            why = turns.sentence(shortened(str(params.get("error") or "")))
            name = str(params.get("name"))
            text = f"The MCP server {name} did not start. {why}"
            return [Notice(level="warning", text=text, tool_servers=(name,))]
        case _:
            return []


def _plan(params: Params) -> Plan:
    return Plan(
        entries=tuple(
            PlanEntry(
                content=str(step.get("step", "")), status=_STEPS.get(str(step.get("status")), "pending")
            )
            for step in params.get("plan") or ()
            if isinstance(step, Mapping)
        )
    )


def _joined(parts: object) -> str:
    if not isinstance(parts, list):
        return ""
    return "\n".join(
        str(part["text"]) if "text" in part else f"[{part.get('type', 'content')}]"
        for part in parts
        if isinstance(part, Mapping)
    )


def _text(text: str) -> tuple[ToolContent, ...]:
    if not text:
        return ()
    kept, gone = clip(text)
    return (TextContent(text=kept, truncated=gone),)
