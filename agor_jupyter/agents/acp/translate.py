"""From ACP's session updates to the house's. Pure: no I/O, no clock; one small accumulator.

Modes, models, commands and configuration are the connection's to know and are not translated here.
What a newer protocol adds is left out, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agor_jupyter.agents.acp import content, turns
from agor_jupyter.agents.acp.presets import Quirks
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.kept import Kept
from agor_jupyter.domain.content import (
    PlanEntry,
    StopReason,
    TerminalContent,
    TextContent,
    ToolContent,
    ToolKind,
    ToolStatus,
    Usage,
    add_usage,
)
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    Notice,
    Plan,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, ToolCallId

ENDED = ("completed", "failed")
TOLD = ("title", "kind", "rawInput", "locations", "content", "_meta")
"""What of a call a request may leave out, because an update told it before."""
ACTS: Mapping[ToolKind, str] = {
    "edit": "wrote a file",
    "delete": "deleted a file",
    "move": "moved a file",
    "execute": "ran a command",
}
"""What an agent should have asked about, and how it is told that it did not."""


@dataclass
class _Call:
    """A tool call under way. `printed`: what its terminal has told so far; `told`: the call, as it came."""

    kind: ToolKind
    asked: bool = False
    ended: bool = False
    has_content: bool = False
    exit_code: int | None = None
    printed: Kept = field(default_factory=Kept)
    told: dict[str, Any] = field(default_factory=dict)


class Translator:
    """The accumulator of one conversation. Feed it every update, in order."""

    def __init__(self, worktree: str, quirks: Quirks, *, title: str = "The agent") -> None:
        self._worktree = worktree
        self._quirks = quirks
        self._title = title
        self._warned = False
        self._plan: Plan | None = None
        self._used = Usage()
        self._used_before: Usage | None = None
        self._calls: dict[str, _Call] = {}
        self._messages = 0
        self._speaking = ""  # the kind of chunk that came last, while nothing else has come between
        self._cost: float | None = None
        self._cost_before: float | None = None

    def begin(self, *, is_new: bool) -> None:
        """Say whether the conversation is new: only then is what it has cost so far known (nothing)."""
        if is_new:
            self._cost = self._cost_before = 0.0
            self._used_before = Usage()

    def feed(self, update: Mapping[str, Any]) -> list[AgentUpdate]:
        """Translate one update. One that says nothing to a person gives an empty list."""
        match update.get("sessionUpdate"):
            case "agent_message_chunk" | "agent_thought_chunk":
                return self._chunk(update)
            case "tool_call" | "tool_call_update":
                return self.call(update)
            case "plan":
                return self._planned(update.get("entries"))
            case "usage_update":
                return self._usage(update)
            case _:
                return []

    def call(self, told: Mapping[str, Any]) -> list[AgentUpdate]:
        """Take what an update or a request tells of a tool call. What follows its end is left out."""
        key = str(told.get("toolCallId") or "")
        if not key:
            return []
        self._speaking = ""
        known = self._calls.get(key)
        updates = self._begin(key, told) if known is None else []
        known = known or self._calls[key]
        if known.ended:
            return updates
        known.told.update((name, value) for name, value in told.items() if name in TOLD and value is not None)
        return updates or self._change(key, known, told)

    def whole(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Give all that is known of the call that a request is for.

        A request tells what has changed, as an update does: some agents send the call's id, and no more.
        """
        call = self._calls.get(str(told.get("toolCallId") or ""))
        given = {name: value for name, value in told.items() if value is not None}
        return {**(call.told if call is not None and not call.ended else {}), **given}

    def asked(self, told: Mapping[str, Any]) -> list[AgentUpdate]:
        """Take what a request tells of the call that it asks for."""
        updates = self.call(told)
        call = self._calls.get(str(told.get("toolCallId") or ""))
        if call is not None:
            call.asked = True
        return updates

    def rejected(self, key: str, message: str) -> list[AgentUpdate]:
        """A person rejected a call: it has failed, with their words. Not every agent says so itself."""
        known = self._calls.get(key)
        if known is None or known.ended:
            return []
        known.ended = True
        words = TextContent(text=message or "Rejected.")
        return [ToolCallUpdate(tool_call_id=ToolCallId(key), status="failed", content=(words,))]

    def end_turn(self, reason: StopReason) -> list[AgentUpdate]:
        """Forget the turn. What its calls left open ended with it, as the turn did."""
        status: ToolStatus = "completed" if reason == "end_turn" else "failed"
        left = [key for key, call in self._calls.items() if not call.ended]
        self._calls.clear()
        self._speaking = ""
        return [ToolCallUpdate(tool_call_id=ToolCallId(key), status=status) for key in left]

    def cost_of_turn(self) -> float | None:
        """Give what the turn cost: the difference of the agent's running total, if both are known."""
        cost, before = self._cost, self._cost_before
        self._cost_before = cost
        return max(0.0, cost - before) if cost is not None and before is not None and cost > 0 else None

    def usage_since(self, total: Usage) -> Usage:
        """Give the tokens of the turn, of an agent that counts those of the session; nothing if unknown."""
        before, self._used_before = self._used_before, total
        return Usage() if before is None else turns.usage_less(total, before)

    def usage_of_turn(self) -> Usage:
        """Give what was told of the turn's tokens while it ran, and forget it."""
        used, self._used = self._used, Usage()
        return used

    # --- words ---------------------------------------------------------------

    def _chunk(self, update: Mapping[str, Any]) -> list[AgentUpdate]:
        kind, text = str(update["sessionUpdate"]), content.block_text(update.get("content"))
        if kind == "agent_thought_chunk" and self._quirks.empty_subject:
            text = text.removeprefix(self._quirks.empty_subject)
        counted = self._counted(update.get("_meta"))
        if not text:
            return counted
        given = update.get("messageId")
        alone = kind == "agent_thought_chunk" and self._quirks.whole_thoughts
        if kind != self._speaking or alone:
            self._messages += 1
            self._speaking = kind
        message_id = MessageId(given if isinstance(given, str) and given else f"message-{self._messages}")
        if kind == "agent_message_chunk":
            return [AgentMessageChunk(message_id=message_id, text=text), *counted]
        return [AgentThoughtChunk(message_id=message_id, text=text), *counted]

    def _counted(self, meta: object) -> list[AgentUpdate]:
        """Add up the tokens that some agents tell beside their words, once for each answer of the model."""
        told = meta.get("usage") if isinstance(meta, Mapping) else None
        if not isinstance(told, Mapping):
            return []
        used, context = turns.usage_of_answer(told)
        self._used = add_usage(self._used, used)
        return [UsageUpdate(usage=Usage(), context_used=context)] if context else []

    # --- tool calls ----------------------------------------------------------

    def _begin(self, key: str, told: Mapping[str, Any]) -> list[AgentUpdate]:
        """A call may be told of by a request, or only by its end: it begins all the same."""
        kind = content.kind_of(told.get("kind"))
        call = self._calls[key] = _Call(kind)
        status = content.status_of(told.get("status")) or "pending"
        begun: AgentUpdate = ToolCall(
            tool_call_id=ToolCallId(key),
            title=content.title_of(told.get("title")) or kind.replace("_", " ").capitalize(),
            kind=kind,
            status="in_progress" if status in ENDED else status,
            input=content.input_of(told),
            locations=content.locations_of(told, self._worktree),
        )
        rest = {name: told[name] for name in ("status", "content", "rawOutput", "_meta") if name in told}
        if status not in ENDED:
            rest.pop("status", None)
        return [begun, *self._change(key, call, rest)]

    def _change(self, key: str, call: _Call, told: Mapping[str, Any]) -> list[AgentUpdate]:
        if told.get("kind"):
            call.kind = content.kind_of(told["kind"])
        updates = self._terminal(key, call, told)
        status = content.status_of(told.get("status"))
        shown = self._shown(call, told, ended=status in ENDED)
        if status == "completed" and call.kind == "execute" and call.exit_code:
            status = "failed"
        if status in ENDED:
            call.ended = True
            updates += self._unasked(call, status)
        given = told.get("rawInput")
        if isinstance(given, Mapping) and isinstance(given.get("todos"), list):
            updates += self._planned(given["todos"])
        locations = content.locations_of(told, self._worktree)
        title = content.title_of(told.get("title"))
        if status or shown is not None or locations or title or "rawInput" in told:
            updates.append(
                ToolCallUpdate(
                    tool_call_id=ToolCallId(key),
                    title=title or None,
                    status=status,
                    input=content.input_of(told) if "rawInput" in told else None,
                    locations=locations or None,
                    content=shown,
                )
            )
        return updates

    def _unasked(self, call: _Call, status: ToolStatus | None) -> list[AgentUpdate]:
        """Say once that the agent acts without asking: the session's mode does not bind it then."""
        done = status == "completed" or call.exit_code is not None
        if self._warned or call.asked or not done or call.kind not in ACTS:
            return []
        self._warned = True
        return [
            Notice(
                level="warning",
                text=f"{self._title} {ACTS[call.kind]} without asking: this session's mode does not bind it.",
                hint="Set its own permissions so that it asks, then resume the session.",
            )
        ]

    def _planned(self, entries: object) -> list[AgentUpdate]:
        """Tell a plan, however it came: as an update, or as the input of a tool for to-do lists."""
        plan = Plan(entries=tuple(map(_entry, content.records(entries))))
        if not all(entry.content for entry in plan.entries) or plan == (self._plan or Plan(entries=())):
            return []
        self._plan = plan
        return [plan]

    def _shown(self, call: _Call, told: Mapping[str, Any], *, ended: bool) -> tuple[ToolContent, ...] | None:
        """Give the content that is to stand now; None leaves what there was."""
        code = content.exit_code_of(told)
        call.exit_code = code if code is not None else call.exit_code
        if call.printed and ended:
            text, gone = call.printed.text, call.printed.gone
            return (TerminalContent(text=text, exit_code=call.exit_code, truncated=gone),)
        shown = content.contents_of(told, call.kind, self._worktree)
        if call.printed or shown == ():
            shown = None  # an empty list takes nothing away: agents send one with each change
        if shown is None and ended and not call.has_content:
            shown = _raw(told, call)
        call.has_content = call.has_content or shown is not None
        return shown

    def _terminal(self, key: str, call: _Call, told: Mapping[str, Any]) -> list[AgentUpdate]:
        """Take the live output and the exit code of a command that the agent itself runs.

        `_meta.terminal_output` and `_meta.terminal_exit` are an extension that we ask for
        (`wire.CLIENT_CAPABILITIES`); agents for which it is unknown leave them out.
        """
        meta = told.get("_meta")
        if not isinstance(meta, Mapping):
            return []
        output, ended = meta.get("terminal_output"), meta.get("terminal_exit")
        if isinstance(ended, Mapping) and isinstance(ended.get("exit_code"), int):
            call.exit_code = ended["exit_code"]
        data = str(output.get("data", "")) if isinstance(output, Mapping) else ""
        if not data:
            return []
        first, call.has_content = not call.printed, True
        shown = call.printed.feed(data)
        if first:
            begun = (TerminalContent(text=shown),)
            return [ToolCallUpdate(tool_call_id=ToolCallId(key), content=begun)]
        # The log keeps the head of a flood as it comes, and its tail when it has ended.
        return [ToolCallUpdate(tool_call_id=ToolCallId(key), output_delta=shown)] if shown else []

    # --- how much ------------------------------------------------------------

    def _usage(self, update: Mapping[str, Any]) -> list[AgentUpdate]:
        cost = turns.cost_in_dollars(update)
        self._cost = cost if cost is not None else self._cost
        used, size = update.get("used"), update.get("size")
        return [
            UsageUpdate(
                usage=Usage(),
                context_used=used if isinstance(used, int) else None,
                context_size=size if isinstance(size, int) else None,
            )
        ]


def _entry(entry: Mapping[str, Any]) -> PlanEntry:
    return PlanEntry(
        content=str(entry.get("content", "")),
        priority=entry["priority"] if entry.get("priority") in ("high", "low") else "medium",
        status=entry["status"] if entry.get("status") in ("in_progress", "completed") else "pending",
    )


def _raw(told: Mapping[str, Any], call: _Call) -> tuple[ToolContent, ...] | None:
    """Show a tool's own record of its result, where it gave nothing else that can be shown."""
    raw = told.get("rawOutput")
    text = raw.get("output") if isinstance(raw, Mapping) else raw
    if call.kind == "execute" and (isinstance(text, str) or call.exit_code is not None):
        kept, gone = clip(text if isinstance(text, str) else "")
        return (TerminalContent(text=kept, exit_code=call.exit_code, truncated=gone),)
    if not isinstance(text, str) or not text:
        return None
    kept, gone = clip(text)
    return (TextContent(text=kept, truncated=gone),)
