"""From the SDK's messages to the house's updates. Pure: no I/O, no clock; one small accumulator.

Words and thoughts come from the stream of raw API events; a whole message that was not streamed
(a subagent's) is taken from the message itself. A tool call is known when its block begins, gets
its input with the whole message, and its result from the user message that follows.

Results of turns are not translated here: whether one ends a task is the connection's to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claude_agent_sdk import (
    AssistantMessage,
    Message,
    RateLimitEvent,
    StreamEvent,
    SystemMessage,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UserMessage,
)

from agor_jupyter.agents.claude import tools
from agor_jupyter.agents.claude.plan import PlanKeeper
from agor_jupyter.agents.claude.results import content_of
from agor_jupyter.agents.claude.turns import added, usage_of
from agor_jupyter.agents.clip import clip_input
from agor_jupyter.domain.content import ToolStatus, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    Compaction,
    Notice,
    Plan,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import MessageId, ToolCallId

_COMMAND_OUTPUT = ("<local-command-stdout>", "</local-command-stdout>")
_NOT_OF_THE_MODEL = "<synthetic>"
"""The CLI's own words (a slash command's, an error's): no conversation can be forked at them."""


@dataclass
class _Call:
    """A tool call under way."""

    name: str
    parent: ToolCallId | None
    tool_input: Mapping[str, Any]


class Translator:
    """The accumulator of one conversation. Feed it every message, in order."""

    def __init__(self, worktree: str) -> None:
        self._worktree = worktree
        self._calls: dict[str, _Call] = {}
        self._streaming: dict[str | None, str] = {}  # parent → id of the message that streams now
        self._streamed: set[tuple[str, str]] = set()  # (message id, kind) whose words were sent
        self._plan = PlanKeeper()
        self._turn = Usage()
        self._request = Usage()  # what the request that streams now has used so far
        self.context_used: int | None = None
        self.context_size: int | None = None
        self.last_message_ref: str | None = None
        self._compacted = False  # the summary, which comes next, is the first that can be forked at again

    def knows(self, tool_call_id: str) -> bool:
        """Say whether the call was begun and has no result yet."""
        return tool_call_id in self._calls

    def input_of(self, tool_call_id: str) -> Mapping[str, Any]:
        call = self._calls.get(tool_call_id)
        return call.tool_input if call is not None else {}

    def call_of(self, server: str) -> ToolCallId | None:
        """Find the last call of an MCP server that is under way: its questions do not name it."""
        found = [key for key, call in self._calls.items() if call.name.startswith(f"mcp__{server}__")]
        return ToolCallId(found[-1]) if found else None

    def feed(self, message: Message) -> list[AgentUpdate]:
        """Translate one message. One that says nothing to a person gives an empty list."""
        match message:
            case StreamEvent():
                return self._stream(message)
            case AssistantMessage():
                return self._assistant(message)
            case UserMessage():
                return self._user(message)
            case SystemMessage():
                return self._system(message)
            case RateLimitEvent():
                return _rate_limit(message)
            case _:
                return []

    def end_turn(self, *, goes_on: bool = False) -> list[AgentUpdate]:
        """Forget the turn. Calls of it without a result were aborted; a background agent's go on.

        `goes_on`: another turn of the same task follows, so the task's totals are kept.
        """
        open_calls = [key for key, call in self._calls.items() if call.parent is None]
        for key in open_calls:
            del self._calls[key]
        self._request = Usage()
        self._turn = self._turn if goes_on else Usage()
        self._streaming.clear()
        self._streamed.clear()
        return [ToolCallUpdate(tool_call_id=ToolCallId(key), status="failed") for key in open_calls]

    # --- the stream ----------------------------------------------------------

    def _stream(self, message: StreamEvent) -> list[AgentUpdate]:
        event, parent = message.event, message.parent_tool_use_id
        match event.get("type"):
            case "message_start":
                start = event.get("message") or {}
                self._streaming[parent] = str(start.get("id", ""))
                self._request = usage_of(start.get("usage"))
                return []
            case "content_block_start":
                return self._block_begins(event.get("content_block") or {}, parent)
            case "content_block_delta":
                return self._delta(event.get("delta") or {}, parent)
            case "message_delta" if parent is None:
                return self._used(event.get("usage") or {})
            case _:
                return []

    def _block_begins(self, block: Mapping[str, Any], parent: str | None) -> list[AgentUpdate]:
        if block.get("type") != "tool_use":
            return []
        return self._begin(str(block.get("id", "")), str(block.get("name", "")), {}, parent)

    def _delta(self, delta: Mapping[str, Any], parent: str | None) -> list[AgentUpdate]:
        message_id = self._streaming.get(parent, "")
        match delta.get("type"):
            case "text_delta":
                return self._words("text", message_id, str(delta.get("text", "")), parent)
            case "thinking_delta":
                return self._words("thinking", message_id, str(delta.get("thinking", "")), parent)
            case _:
                return []

    def _words(self, kind: str, message_id: str, text: str, parent: str | None) -> list[AgentUpdate]:
        if not text:
            return []
        self._streamed.add((message_id, kind))
        chunk = AgentMessageChunk if kind == "text" else AgentThoughtChunk
        return [
            chunk(message_id=MessageId(message_id), text=text, parent_tool_call_id=_call_id(parent)),
        ]

    def _used(self, raw: Mapping[str, Any]) -> list[AgentUpdate]:
        """Tell how full the context is: all that one request read, and what it wrote."""
        output = usage_of(raw)
        self._request = self._request.model_copy(
            update={"output_tokens": output.output_tokens, "thought_tokens": output.thought_tokens}
        )
        self._turn = added(self._turn, self._request)
        self.context_used = self._request.total_tokens
        return [UsageUpdate(usage=self._turn, context_used=self.context_used, context_size=self.context_size)]

    # --- whole messages ------------------------------------------------------

    def _assistant(self, message: AssistantMessage) -> list[AgentUpdate]:
        parent = message.parent_tool_use_id
        if parent is None and message.uuid is not None and message.model != _NOT_OF_THE_MODEL:
            self.last_message_ref = message.uuid
        if message.error is not None:
            return []  # the CLI's own words about a failure: the turn's end says them once
        message_id = message.message_id or message.uuid or ""
        updates: list[AgentUpdate] = []
        for block in message.content:
            match block:
                case TextBlock(text=text) if (message_id, "text") not in self._streamed:
                    updates += self._whole("text", message_id, text, parent)
                case ThinkingBlock(thinking=text) if (message_id, "thinking") not in self._streamed:
                    updates += self._whole("thinking", message_id, text, parent)
                case ToolUseBlock(id=key, name=name, input=tool_input):
                    updates += self._called(key, name, tool_input, parent)
                case _:
                    pass
        return updates

    def _whole(self, kind: str, message_id: str, text: str, parent: str | None) -> list[AgentUpdate]:
        """Send a block that was not streamed. Not marked as streamed: its message may have more."""
        updates = self._words(kind, message_id, text, parent)
        self._streamed.discard((message_id, kind))
        return updates

    def _begin(
        self, key: str, name: str, tool_input: Mapping[str, Any], parent: str | None
    ) -> list[AgentUpdate]:
        self._calls[key] = _Call(name, _call_id(parent), tool_input)
        if name in tools.PLAN_TOOLS:
            return []
        return [
            ToolCall(
                tool_call_id=ToolCallId(key),
                title=tools.title_of(name, tool_input, self._worktree),
                kind=tools.kind_of(name),
                status="in_progress" if tool_input else "pending",
                input=clip_input(dict(tool_input)),
                locations=tools.locations_of(name, tool_input, self._worktree),
                parent_tool_call_id=_call_id(parent),
            )
        ]

    def _called(
        self, key: str, name: str, tool_input: Mapping[str, Any], parent: str | None
    ) -> list[AgentUpdate]:
        """Take a call's whole input; the call itself may have been told when its block began."""
        known = key in self._calls
        updates = [] if known else self._begin(key, name, tool_input, parent)
        self._calls[key].tool_input = tool_input
        if name == "TodoWrite":
            return _present(self._plan.todos(tool_input))
        if known and name not in tools.PLAN_TOOLS:
            updates.append(
                ToolCallUpdate(
                    tool_call_id=ToolCallId(key),
                    title=tools.title_of(name, tool_input, self._worktree),
                    status="in_progress",
                    input=clip_input(dict(tool_input)),
                    locations=tools.locations_of(name, tool_input, self._worktree),
                )
            )
        return updates

    def _user(self, message: UserMessage) -> list[AgentUpdate]:
        if isinstance(message.content, str):
            if self._compacted:
                self._compacted, self.last_message_ref = False, message.uuid
            return self._command_output(message)
        updates: list[AgentUpdate] = []
        for block in message.content:
            if isinstance(block, ToolResultBlock):
                updates += self._result(block, message.tool_use_result)
        return updates

    def _command_output(self, message: UserMessage) -> list[AgentUpdate]:
        """A slash command answers in a user message; all other plain ones are the person's own."""
        text = str(message.content)
        begin, end = _COMMAND_OUTPUT
        if not text.startswith(begin):
            return []
        words = text.removeprefix(begin).removesuffix(end).strip()
        return self._whole("text", message.uuid or "command", words, message.parent_tool_use_id)

    def _result(self, block: ToolResultBlock, structured: object) -> list[AgentUpdate]:
        call = self._calls.pop(block.tool_use_id, None)
        name = call.name if call is not None else ""
        failed = bool(block.is_error)
        if call is not None and name in tools.PLAN_TOOLS:
            return _present(None if failed else self._planned(call, structured))
        status: ToolStatus = "failed" if failed else "completed"
        return [
            ToolCallUpdate(
                tool_call_id=ToolCallId(block.tool_use_id),
                status=status,
                content=content_of(name, block.content, structured, failed=failed),
            )
        ]

    def _planned(self, call: _Call, structured: object) -> Plan | None:
        record = structured if isinstance(structured, Mapping) else {}
        match call.name:
            case "TaskCreate":
                return self._plan.created(record)
            case "TaskUpdate":
                return self._plan.updated(call.tool_input)
            case "TaskList":
                return self._plan.listed(record)
            case _:
                return None

    # --- the CLI's own news --------------------------------------------------

    def _system(self, message: SystemMessage) -> list[AgentUpdate]:
        data = message.data
        match message.subtype:
            case "compact_boundary":
                self._compacted = True
                sizes = data.get("compact_metadata") or {}
                self.context_used = _number(sizes.get("post_tokens"))
                return [
                    Compaction(
                        before_tokens=_number(sizes.get("pre_tokens")),
                        after_tokens=_number(sizes.get("post_tokens")),
                    )
                ]
            case "api_retry":
                return [_retry(data)]
            case _:
                return []


def _retry(data: Mapping[str, Any]) -> Notice:
    status = data.get("error_status")
    reason = f"The model answered with {status}" if status else "The model could not be reached"
    attempt, most = data.get("attempt", "?"), data.get("max_retries", "?")
    return Notice(level="warning", text=f"{reason}; Claude Code tries again ({attempt} of {most}).")


def _rate_limit(message: RateLimitEvent) -> list[AgentUpdate]:
    info = message.rate_limit_info
    if info.status == "allowed":
        return []
    level = info.rate_limit_type or "present"
    if info.status == "rejected":
        text = f"The {level.replace('_', '-')} limit of this account is used up."
        return [Notice(level="warning", text=text, hint="Wait until it is renewed.")]
    return [Notice(text=f"The {level.replace('_', '-')} limit of this account is nearly used up.")]


def _present(plan: Plan | None) -> list[AgentUpdate]:
    return [plan] if plan is not None else []


def _call_id(parent: str | None) -> ToolCallId | None:
    return ToolCallId(parent) if parent is not None else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
