"""A session's events folded into what happened in each task, as a tree: the first half of a recording. Pure.

What an agent did within a call of its own (a sub-agent) stands within that call. Times are those of the
events; how long a person thought is told apart from how long the agent did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agor_jupyter.domain.content import DiffContent, PlanEntry, TerminalContent, ToolContent, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    Compaction,
    Notice,
    PermissionRequest,
    PermissionResolved,
    Plan,
    SessionEvent,
    Steered,
    TaskEnded,
    TaskQueued,
    TaskStarted,
    TaskUpdated,
    ToolCall,
    ToolCallUpdate,
    UsageUpdate,
)
from agor_jupyter.domain.ids import RequestId, TaskId, ToolCallId

DEEPEST = 50
"""So many calls stand one within the other: what lies deeper is shown beside the last of them."""
FLATTENED = f"Calls that lay more than {DEEPEST} deep within others stand beside each other here."


@dataclass
class Words:
    """What was said or thought without a break. `message_id`: words of one message belong together."""

    message_id: str
    thought: bool
    gap_ms: int
    first_ms: int
    last_ms: int
    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class Call:
    """A tool call, its last state, who was asked for it, and what happened within it."""

    call: ToolCall
    gap_ms: int
    since_ms: int  # when it could begin: after the answer, where one was asked for
    ended_ms: int | None = None
    content: tuple[ToolContent, ...] = ()
    printed: list[str] = field(default_factory=list)
    request: PermissionRequest | None = None
    allowed: bool | None = None
    within: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)  # where what happens in it goes; mostly `within`
    depth: int = 1


@dataclass
class Asked:
    """Questions to the person."""

    request: PermissionRequest
    gap_ms: int


@dataclass
class Planned:
    entries: tuple[PlanEntry, ...]
    gap_ms: int


@dataclass
class Told:
    """A notice; or, where `comment` is set, what cannot be played and is only said in the script."""

    text: str
    gap_ms: int
    level: str = "info"
    hint: str = ""
    comment: bool = False


Node = Words | Call | Asked | Planned | Told


@dataclass
class Turn:
    """One task: its prompt, what happened, how it ended."""

    prompt: str
    attached: tuple[str, ...] = ()
    started_ms: int | None = None
    base_sha: str = ""
    nodes: list[Node] = field(default_factory=list)
    ended: TaskEnded | None = None
    context: tuple[int, int] | None = None
    last_ms: int = 0
    usage: Usage | None = None
    flattened: bool = False


class Fold:
    """Takes events in their order, page by page."""

    def __init__(self) -> None:
        self._turns: dict[TaskId, Turn] = {}
        self._order: list[TaskId] = []
        self._calls: dict[ToolCallId, Call] = {}
        self._asking: dict[RequestId, Call] = {}
        self.characters = 0

    @property
    def turns(self) -> list[Turn]:
        """Give the tasks that have started, in the order of their starts."""
        return [self._turns[task] for task in self._order]

    def take(self, events: Iterable[SessionEvent]) -> None:
        for event in events:
            if event.task_id is not None:
                self._take(event.task_id, event)

    def _take(self, task_id: TaskId, event: SessionEvent) -> None:
        update = event.update
        if isinstance(update, TaskQueued):
            attached = tuple(item.name for item in update.attachments)
            self._turns[task_id] = Turn(prompt=update.prompt, attached=attached)
        turn = self._turns.get(task_id)
        if turn is None:
            return
        match update:
            case TaskUpdated(prompt=prompt) if prompt is not None:
                turn.prompt = prompt
                self.characters += len(prompt)
            case TaskStarted(base_sha=base_sha) if turn.started_ms is None:
                turn.started_ms, turn.base_sha = event.at_ms, base_sha
                self._order.append(task_id)
                self.characters += len(turn.prompt)
            case TaskEnded():
                turn.ended = update
            case _:
                self._take_work(turn, event)
                return
        turn.last_ms = event.at_ms

    def _take_work(self, turn: Turn, event: SessionEvent) -> None:
        update, at_ms = event.update, event.at_ms
        if isinstance(update, PermissionRequest | Plan | Notice | Steered):
            self.characters += len(update.model_dump_json())
        gap_ms = max(0, at_ms - turn.last_ms)
        match update:
            case AgentMessageChunk() | AgentThoughtChunk():
                self._say(turn, update, at_ms, gap_ms)
            case ToolCall():
                node = Call(update, gap_ms, at_ms)
                # Found before it is known itself: a call that names itself as its parent is nobody's.
                self._put(turn, node, update.parent_tool_call_id)
                self._calls[update.tool_call_id] = node
                self.characters += len(str(update.input)) + len(update.title)
            case ToolCallUpdate():
                self._change(update, at_ms)
            case PermissionRequest():
                self._ask(turn, update, at_ms, gap_ms)
            case PermissionResolved():
                self._answer(update, at_ms)
            case Plan(entries=entries):
                turn.nodes.append(Planned(entries, gap_ms))
            case Notice(text=text, level=level, hint=hint):
                turn.nodes.append(Told(text, gap_ms, level, hint))
            case Compaction(before_tokens=before, after_tokens=after):
                sizes = f" ({before} → {after} tokens)" if before and after else ""
                turn.nodes.append(Told(f"The context was compacted{sizes}.", gap_ms))
            case Steered(text=text):
                turn.nodes.append(Told(f"Somebody put in here: {text}", gap_ms, comment=True))
            case UsageUpdate(usage=usage, context_used=used, context_size=size):
                turn.usage = usage
                turn.context = (used, size) if used is not None and size is not None else turn.context
                return  # it takes no time of its own
            case _:
                return
        turn.last_ms = at_ms

    def _list_of(self, turn: Turn, parent: ToolCallId | None) -> list[Node]:
        call = self._calls.get(parent) if parent is not None else None
        return turn.nodes if call is None else call.inside

    def _put(self, turn: Turn, node: Call, parent: ToolCallId | None) -> None:
        """Put a call into that which it is part of, or beside the deepest that there may be."""
        nodes = self._list_of(turn, parent)
        above = self._calls.get(parent) if parent is not None else None
        node.depth = above.depth + 1 if above is not None else 1
        if node.depth > DEEPEST:
            node.depth = DEEPEST
            if not turn.flattened:
                turn.flattened = True
                nodes.append(Told(FLATTENED, 0, comment=True))
        nodes.append(node)
        node.inside = nodes if node.depth == DEEPEST else node.within

    def _say(self, turn: Turn, chunk: AgentMessageChunk | AgentThoughtChunk, at_ms: int, gap_ms: int) -> None:
        nodes, thought = self._list_of(turn, chunk.parent_tool_call_id), isinstance(chunk, AgentThoughtChunk)
        self.characters += len(chunk.text)
        last = nodes[-1] if nodes else None
        if isinstance(last, Words) and (last.message_id, last.thought) == (chunk.message_id, thought):
            last.pieces.append(chunk.text)
            last.last_ms = at_ms
            return
        nodes.append(Words(chunk.message_id, thought, gap_ms, at_ms, at_ms, [chunk.text]))

    def _change(self, update: ToolCallUpdate, at_ms: int) -> None:
        node = self._calls.get(update.tool_call_id)
        if node is None:
            return
        names = ("title", "status", "input", "locations")
        changes = {name: value for name in names if (value := getattr(update, name)) is not None}
        node.call = node.call.model_copy(update=changes)
        self.characters += len(str(update.input or "")) + len(update.title or "")
        if update.content is not None:
            self.characters += _size(update.content) - _size(node.content)
            node.content, node.printed = update.content, []
        if update.output_delta is not None:
            node.printed.append(update.output_delta)
            self.characters += len(update.output_delta)
        if update.status in ("completed", "failed"):
            node.ended_ms = at_ms

    def _ask(self, turn: Turn, request: PermissionRequest, at_ms: int, gap_ms: int) -> None:
        node = self._calls.get(request.tool_call_id) if request.tool_call_id is not None else None
        if request.questions:
            (turn.nodes if node is None else node.inside).append(Asked(request, gap_ms))
            return
        if node is None:
            call = ToolCall(
                tool_call_id=request.tool_call_id or ToolCallId(request.request_id),
                title=request.title,
                kind=request.kind,
                input=request.input,
                locations=request.locations,
            )
            node = Call(call, gap_ms, at_ms)
            self._put(turn, node, None)
            self._calls[call.tool_call_id] = node
        node.request = request
        self._asking[request.request_id] = node

    def _answer(self, resolved: PermissionResolved, at_ms: int) -> None:
        node = self._asking.pop(resolved.request_id, None)
        if node is None or node.request is None:
            return
        chosen = {option.option_id: option.kind for option in node.request.options}
        kind = chosen.get(resolved.option_id or "", "reject_once")
        node.allowed = resolved.outcome == "selected" and kind.startswith("allow")
        node.since_ms = at_ms


def printed_by(node: Call) -> TerminalContent | None:
    """Give what a command printed: as its last state says, with what came after that."""
    terminals = [item for item in node.content if isinstance(item, TerminalContent)]
    rest = "".join(node.printed)
    if not terminals:
        return TerminalContent(text=rest) if rest else None
    last = terminals[-1]
    text = "\n".join(item.text for item in terminals)
    return last.model_copy(update={"text": text + rest})


def _size(content: Iterable[ToolContent]) -> int:
    """Count the characters of a call's content."""
    return sum(
        len(item.old_text or "") + len(item.new_text or "")
        if isinstance(item, DiffContent)
        else len(item.text)
        for item in content
    )
