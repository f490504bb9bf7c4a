"""What happened in a task as the steps of a script, cleaned: the second half of a recording. Pure.

A step is data as `demo.verbs` reads it; between steps stand comments for who reads the script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.demo.stage import PIECE_CHARACTERS
from agor_jupyter.agents.recording.edits import Edits
from agor_jupyter.agents.recording.nodes import Asked, Call, Node, Planned, Told, Turn, Words, printed_by
from agor_jupyter.domain.content import DiffContent, TextContent, Usage
from agor_jupyter.domain.events import TaskEnded
from agor_jupyter.domain.mcp_server import looks_secret
from agor_jupyter.domain.redaction import PLACEHOLDER, Redactor

DELAY_MS = 15
LONGEST_DELAY_MS = 60
SHORTEST_WAIT_MS, LONGEST_WAIT_MS = 400, 3000
LONGEST_CALL_SECONDS = 5.0
OUTPUT_CHARACTERS = 20_000
INPUT_CHARACTERS = 2000
MATCHED_CHARACTERS = 300
WILDCARDS = 2
DEEPEST_INPUT = 40
LEFT_OUT = "…"
"""Stands for what lies deeper in an input than anybody reads."""
REFUSED = "You did not allow this, and the recording has no other way from here."


@dataclass(frozen=True)
class Comment:
    """A line for who reads the script."""

    text: str


Item = dict[str, Any] | Comment


class Steps:
    """Writes the turns of one script."""

    def __init__(self, redactor: Redactor, worktree: str) -> None:
        self._redactor = redactor
        self._worktree = worktree
        self._words: dict[int, str] = {}
        self._edited: set[str] = set()
        self._check: Callable[[], None] = lambda: None

    def turn(self, turn: Turn, check: Callable[[], None] = lambda: None) -> tuple[str, list[Item]]:
        """Give a turn's prompt, cleaned, and its steps. `check` is called before each, and may raise."""
        self._check = check
        check()
        self._words = self._cleaned_words(turn.nodes)
        self._edited = set()
        ended_well = turn.ended is not None and turn.ended.stop_reason == "end_turn"
        items: list[Item] = []
        if turn.attached:
            names = ", ".join(turn.attached)
            items.append(self._comment(f"Files came with this prompt and are left out: {names}"))
        items += self._items(turn.nodes, ended_well=ended_well)
        items += self._end(turn)
        return self._redactor.clean(turn.prompt), items

    def _cleaned_words(self, nodes: Sequence[Node]) -> dict[int, str]:
        """Clean the words of each message as one text, whatever stands between them."""
        groups: dict[tuple[str, bool], list[Words]] = {}
        for node in _every(nodes):
            if isinstance(node, Words):
                groups.setdefault((node.message_id, node.thought), []).append(node)
        found: dict[int, str] = {}
        for group in groups.values():
            self._check()
            texts = self._redactor.clean_parts([node.text for node in group])
            found |= {id(node): text for node, text in zip(group, texts, strict=True)}
        return found

    def _items(self, nodes: Sequence[Node], *, ended_well: bool) -> list[Item]:
        items: list[Item] = []
        for node in nodes:
            self._check()
            made = self._of(node, ended_well=ended_well)
            if made and node.gap_ms >= SHORTEST_WAIT_MS:
                items.append({"wait": round(min(node.gap_ms, LONGEST_WAIT_MS) / 1000, 1)})
            items += made
        return items

    def _of(self, node: Node, *, ended_well: bool) -> list[Item]:
        match node:
            case Words():
                return self._speech(node)
            case Call():
                return self._call(node, ended_well=ended_well)
            case Asked(request=request):
                questions = [
                    self._clean(item.model_dump(exclude_defaults=True)) for item in request.questions
                ]
                return [{"ask": questions[0] if len(questions) == 1 else questions}]
            case Planned(entries=entries):
                return [{"plan": [self._clean(entry.model_dump()) for entry in entries]}]
            case Told(comment=True, text=text):
                return [self._comment(text)]
            case Told(text=text, level=level, hint=hint):
                more = {"level": level} if level != "info" else {}
                return [self._clean({"note": text, **more, **({"hint": hint} if hint else {})})]

    def _speech(self, node: Words) -> list[Item]:
        text = self._words[id(node)]
        if not text:
            return []
        step: dict[str, Any] = {"think" if node.thought else "say": text}
        if len(node.pieces) > 1:
            pieces = len(text) // PIECE_CHARACTERS + 1
            delay_ms = min(LONGEST_DELAY_MS, (node.last_ms - node.first_ms) // pieces)
            step |= {"delay_ms": delay_ms} if delay_ms != DELAY_MS else {}
        return [step]

    # --- tool calls ----------------------------------------------------------

    def _call(self, node: Call, *, ended_well: bool) -> list[Item]:
        call, request = node.call, node.request
        refused = request is not None and node.allowed is not True
        open_at_end = call.status not in ("completed", "failed") and not ended_well
        failed = call.status == "failed" or refused or open_at_end
        edits = self._edits(node, done=not failed)
        tool: dict[str, Any] = {"title": self._redactor.clean(call.title), "kind": call.kind}
        limit = 500 if edits.made or edits.shown else INPUT_CHARACTERS
        tool["input"] = self._clean(call.input, limit)
        paths = [self._redactor.clean(place.path) for place in call.locations]
        if set(paths) != {edit["path"] for edit in (*edits.made, *edits.shown)}:
            tool["paths"] = paths
        if request is not None:
            tool |= {"ask": True, "description": self._redactor.clean(request.description)}
            tool["preview"] = self._preview(node)
        tool["steps"] = self._items(node.within, ended_well=ended_well)
        tool |= self._given(node)
        tool |= {"edits": edits.made, "diffs": edits.shown, "failed": failed}
        remarks = list(edits.remarks)
        if request is not None and node.allowed is False:
            remarks.append(
                "This was not allowed when it was recorded, and is not done when it is allowed now."
            )
        items: list[Item] = [self._comment(text) for text in dict.fromkeys(remarks)]
        kept = {name: value for name, value in tool.items() if value not in (None, "", False, [], {}, 0.0)}
        if call.kind == "other":
            del kept["kind"]
        if tool.get("exit_code") is not None:
            kept["exit_code"] = tool["exit_code"]
        items.append({"tool": kept})
        if request is not None and not refused:
            then = [{"say": REFUSED}, {"end": "end_turn"}]
            items.append({"if": {"rejected": True, "then": then}})
        return items

    def _edits(self, node: Call, *, done: bool) -> Edits:
        edits = Edits()
        asked = node.request.content if node.request is not None else ()
        found = [item for item in node.content if isinstance(item, DiffContent)]
        for diff in found or [item for item in asked if isinstance(item, DiffContent)]:
            edits.take(diff, node.call.input, self._worktree, self._redactor, done=done)
        self._edited |= {edit["path"] for edit in edits.made}
        return edits

    def _preview(self, node: Call) -> str:
        """Give the words that were shown with the request, unless they only repeat its input."""
        request = node.request
        if request is None:
            return ""
        texts = [item.text for item in request.content if isinstance(item, TextContent)]
        command = request.input.get("command")
        whole = (
            command if isinstance(command, str) else json.dumps(request.input, indent=1, ensure_ascii=False)
        )
        told = "\n\n".join(text for text in texts if not whole.startswith(text))
        return self._short(told)

    def _given(self, node: Call) -> dict[str, Any]:
        """Give what came of the call: output, exit code, text, and how long it took."""
        given: dict[str, Any] = {}
        if node.ended_ms is not None and not node.within:
            seconds = min(LONGEST_CALL_SECONDS, (node.ended_ms - node.since_ms) / 1000)
            given["seconds"] = round(max(0.0, seconds), 1)
        if (terminal := printed_by(node)) is not None:
            given |= {"output": self._short(terminal.text), "exit_code": terminal.exit_code}
        texts = [item.text for item in node.content if isinstance(item, TextContent)]
        given["text"] = self._short("\n".join(texts))
        return given

    # --- the end -------------------------------------------------------------

    def _end(self, turn: Turn) -> list[Item]:
        items: list[Item] = []
        ended = turn.ended
        if ended is not None and ended.files_changed > len(self._edited):
            items.append(
                Comment(
                    f"{ended.files_changed} files were changed here, {len(self._edited)} of them by edits "
                    "that are made again. What commands changed is not."
                )
            )
        used = _usage(ended.usage if ended is not None else turn.usage or Usage(), turn)
        if used:
            items.append({"usage": used})
        match ended:
            case None:
                items.append(Comment("It was not at its end when this was saved."))
            case TaskEnded(stop_reason="failed" | "lost"):
                error = self._redactor.clean(ended.error) or "The agent failed."
                hint = {"hint": self._redactor.clean(ended.hint)} if ended.hint else {}
                items.append({"fail": error, **hint})
            case TaskEnded(stop_reason=reason) if reason != "end_turn":
                items.append({"end": reason})
            case _:
                pass
        return items

    # --- cleaning ------------------------------------------------------------

    def _comment(self, text: str) -> Comment:
        return Comment(self._redactor.clean(text))

    def _short(self, text: str) -> str:
        return clip(self._redactor.clean(text), OUTPUT_CHARACTERS)[0]

    def _clean(self, value: Any, limit: int = INPUT_CHARACTERS, depth: int = 0) -> Any:
        """Clean every text within a value, names too; a name that tells makes its value a secret."""
        match value:
            case dict() | list() | tuple() if depth >= DEEPEST_INPUT:
                return LEFT_OUT
            case str():
                return clip(self._redactor.clean(value), limit)[0]
            case dict():
                return {
                    self._redactor.clean(str(name)): self._member(str(name), item, limit, depth + 1)
                    for name, item in value.items()
                }
            case list() | tuple():
                return [self._clean(item, limit, depth + 1) for item in value]
            case int() | float() if not isinstance(value, bool):
                cleaned = self._redactor.clean(str(value))
                return value if cleaned == str(value) else cleaned
            case _:
                return value

    def _member(self, name: str, value: Any, limit: int, depth: int) -> Any:
        cleaned = self._clean(value, limit, depth)
        if isinstance(cleaned, str) and not PLACEHOLDER.search(cleaned) and looks_secret(name, cleaned):
            return self._redactor.take_out(cleaned, "named secret")
        return cleaned


def pattern_of(prompt: str) -> str:
    """Make the regular expression that finds a (cleaned) prompt again, however its spaces are.

    What was taken out may be anything; a long prompt is known by how it begins.
    """
    text = prompt.strip()
    head = text[:MATCHED_CHARACTERS]
    parts = PLACEHOLDER.split(head)
    whole = len(head) == len(text) and len(parts) <= WILDCARDS + 1
    words = (
        r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)) for part in parts[: WILDCARDS + 1]
    )
    return r"(?is)^\s*" + ".{1,300}?".join(words) + (r"\s*$" if whole else "")


def _usage(usage: Usage, turn: Turn) -> dict[str, int]:
    """Give the tokens that were used. Not what it cost: to play it again costs nothing."""
    told = usage.model_dump(exclude={"cost_usd"}, exclude_defaults=True)
    if turn.context is not None and turn.context[1]:
        told |= {"context_used": turn.context[0], "context_size": turn.context[1]}
    return told


def _every(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        if isinstance(node, Call):
            yield from _every(node.within)
