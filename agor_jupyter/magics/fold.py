"""Events of a task as JSON → what its display shows. Pure, and of the standard library only.

The blocks have the shapes of a transcript's outputs (docs/transcripts.md), so one renderer draws both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agor_jupyter.transcripts.answering import choices, named_options, question_list, remark
from agor_jupyter.transcripts.markdown import clean, clip, code_span, fenced, one_line, plain, prose, summary

TURN_MIME = "application/vnd.agor.turn+json"
SHOWN_STEPS = 40
"""How many of a turn's steps the Markdown shows; the JSON holds the last `KEPT_BLOCKS`."""
KEPT_BLOCKS = 400
INPUT_BYTES = 2048

Event = Mapping[str, Any]
Block = dict[str, Any]

_GLYPH = {"pending": "○", "in_progress": "◔", "completed": "✔", "failed": "✘"}
_STATES = {"cancelled": "interrupted", "failed": "error", "lost": "error"}


@dataclass
class Fold:
    """What one task's display shows, up to event `seq`."""

    session: str
    task: str
    state: str = "queued"
    seq: int = 0
    blocks: list[Block] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    dropped: int = 0

    @property
    def over(self) -> bool:
        return self.state not in ("queued", "running", "waiting")

    def feed(self, event: Event) -> bool:
        """Fold one event; say whether anything to be seen changed."""
        self.seq = max(self.seq, int(event["seq"]))
        if event.get("task_id") != self.task:
            return False
        update = event["update"]
        act = _ACTS.get(str(update.get("type")))
        if act is None:
            return False
        act(self, update, event)
        if len(self.blocks) > KEPT_BLOCKS:
            self.dropped += len(self.blocks) - KEPT_BLOCKS
            del self.blocks[: len(self.blocks) - KEPT_BLOCKS]
        return True

    def _block(self, kind: str, key: object) -> Block | None:
        """Find the last block of a kind: an agent may name a call as the house names a request."""
        found = (block for block in reversed(self.blocks) if (block["type"], block["id"]) == (kind, key))
        return next(found, None)

    def _settle(self) -> None:
        if not self.over:
            waits = any(block.get("state") == "pending" for block in self.blocks)
            self.state = "waiting" if waits else "running"

    def bundle(self) -> dict[str, Any]:
        """Give the display's MIME bundle."""
        turn = {"v": 1, "session": self.session, "task": self.task, "state": self.state, "seq": self.seq}
        turn |= {"blocks": list(self.blocks), "usage": self.usage or None, "dropped": self.dropped}
        markdown = self.markdown()
        return {TURN_MIME: turn, "text/markdown": markdown, "text/plain": self.text()}

    def markdown(self) -> str:
        parts = [_markdown(block) for block in self.blocks[-SHOWN_STEPS:]]
        hidden = self.dropped + max(0, len(self.blocks) - SHOWN_STEPS)
        if hidden:
            parts.insert(0, f"*{hidden} earlier steps are in the transcript.*")
        parts.append(self._foot())
        return "\n\n".join(part for part in parts if part)

    def text(self) -> str:
        said = [block["text"] for block in self.blocks if block["type"] == "text"]
        return "\n\n".join(said) or f"agor: {self.state}"

    def _foot(self) -> str:
        if not self.usage:
            return f"<sub>{self.state} …</sub>"
        facts = [str(self.usage.get("stop") or self.state)]
        facts.append(f"{self.usage['in']:,} in / {self.usage['out']:,} out")
        if self.usage.get("cost_usd") is not None:
            facts.append(f"\\${self.usage['cost_usd']:.4f}")
        if self.usage.get("files_changed"):
            count = self.usage["files_changed"]
            facts.append(f"{count} file{'s' if count != 1 else ''} changed")
        line = f"<sub>{' · '.join(facts)}</sub>"
        error = plain(f"{self.usage.get('error', '')} {self.usage.get('hint', '')}".strip())
        return f"**✘ {error}**\n\n{line}" if self.usage.get("error") else line


def _started(fold: Fold, update: Event, event: Event) -> None:
    fold.state = "running"


def _said(fold: Fold, update: Event, event: Event) -> None:
    kind = "text" if update["type"] == "agent_message_chunk" else "thinking"
    last = fold.blocks[-1] if fold.blocks else None
    text = clean(str(update.get("text", "")))
    if last is not None and last["type"] == kind and last["message"] == update.get("message_id"):
        last["text"] += text
    else:
        key = f"{update.get('message_id')}#{event['seq']}"
        fold.blocks.append({"type": kind, "id": key, "message": update.get("message_id"), "text": text})
    fold._settle()


def _tool(fold: Fold, update: Event, event: Event) -> None:
    fold.blocks.append(
        {
            "type": "tool",
            "id": update["tool_call_id"],
            "name": one_line(str(update.get("title", ""))),
            "kind": update.get("kind", "other"),
            "status": update.get("status", "pending"),
            "input": _clipped(update.get("input")),
            "output": "",
        }
    )
    fold._settle()


def _tool_changed(fold: Fold, update: Event, event: Event) -> None:
    block = fold._block("tool", update["tool_call_id"])
    if block is None:
        return
    if update.get("title") is not None:
        block["name"] = one_line(str(update["title"]))
    if update.get("status") is not None:
        block["status"] = update["status"]
    if update.get("input") is not None:
        block["input"] = _clipped(update["input"])
    if update.get("content") is not None:
        block["output"] = clip("\n".join(_content(part) for part in update["content"]))
    if update.get("output_delta"):
        block["output"] = clip(block["output"] + clean(str(update["output_delta"])))


def _content(part: Event) -> str:
    if part.get("type") == "diff":
        return f"{part.get('path', '')}: changed"
    code = part.get("exit_code")
    return clean(str(part.get("text", ""))) + (f"\n[exit code {code}]" if code else "")


def _clipped(given: object) -> str:
    if isinstance(given, Mapping) and isinstance(given.get("command"), str):
        return clip(clean(given["command"]), INPUT_BYTES)
    return clip(clean(json.dumps(given, ensure_ascii=False, indent=1)), INPUT_BYTES) if given else ""


def _asked(fold: Fold, update: Event, event: Event) -> None:
    fold.blocks.append(
        {
            "type": "permission",
            "id": update["request_id"],
            "title": one_line(str(update.get("title", ""))),
            "kind": update.get("kind"),
            "description": clip(clean(str(update.get("description", ""))), INPUT_BYTES),
            "state": "pending",
            "options": list(update.get("options") or []),
            "questions": list(update.get("questions") or []),
            "digest": update.get("digest"),
        }
    )
    fold._settle()


def _answered(fold: Fold, update: Event, event: Event) -> None:
    block = fold._block("permission", update["request_id"])
    if block is not None:
        kinds = {option.get("option_id"): option.get("kind") for option in block["options"]}
        outcome = kinds.get(update.get("option_id")) or "answered"
        block["state"] = "cancelled" if update.get("outcome") == "cancelled" else outcome
        block["by"] = update.get("by_name") or update.get("by", "")
        block["message"] = clean(str(update.get("message") or ""))
    fold._settle()


def _steered(fold: Fold, update: Event, event: Event) -> None:
    by = update.get("by_name") or update.get("by", "")
    text = clip(clean(str(update.get("text", ""))), INPUT_BYTES)
    fold.blocks.append({"type": "steered", "id": f"steered-{event['seq']}", "by": by, "text": text})


def _noticed(fold: Fold, update: Event, event: Event) -> None:
    text = f"{update.get('text', '')} {update.get('hint', '')}".strip()
    level = update.get("level", "info")
    fold.blocks.append(
        {"type": "notice", "id": f"notice-{event['seq']}", "level": level, "text": clean(text)}
    )


def _ended(fold: Fold, update: Event, event: Event) -> None:
    stop = str(update.get("stop_reason"))
    usage = update.get("usage") or {}
    read = sum(int(usage.get(f"{name}_tokens") or 0) for name in ("input", "cached_read", "cached_write"))
    fold.state = _STATES.get(stop, "end_turn")
    fold.usage = {
        "stop": stop,
        "in": read,
        "out": int(usage.get("output_tokens") or 0),
        "cost_usd": usage.get("cost_usd"),
        "files_changed": update.get("files_changed") or 0,
        "error": clean(str(update.get("error") or "")),
        "hint": clean(str(update.get("hint") or "")),
    }


def _removed(fold: Fold, update: Event, event: Event) -> None:
    fold.state = "removed"


_ACTS = {
    "task_started": _started,
    "agent_message_chunk": _said,
    "agent_thought_chunk": _said,
    "tool_call": _tool,
    "tool_call_update": _tool_changed,
    "permission_request": _asked,
    "permission_resolved": _answered,
    "notice": _noticed,
    "steered": _steered,
    "task_ended": _ended,
    "task_removed": _removed,
}


def _markdown(block: Block) -> str:
    match block["type"]:
        case "text":
            return prose(block["text"])
        case "thinking":
            return f"<details><summary>💭 Thought</summary>\n\n{prose(block['text'])}\n\n</details>"
        case "tool":
            parts = [fenced(block["input"]) if block["input"] else ""]
            parts.append(fenced(block["output"]) if block["output"] else "")
            inside = "\n\n".join(part for part in parts if part)
            glyph = _GLYPH.get(block["status"], "○")
            if not inside:
                return f"{glyph} {plain(block['name'])}"
            title = f"{glyph} {summary(block['name'])}"
            return f"<details><summary>{title}</summary>\n\n{inside}\n\n</details>"
        case "permission":
            return _permission(block)
        case "steered":
            lines = [f"**{plain(str(block['by']))}:**", *prose(block["text"]).split("\n")]
            return "\n".join(f"> {line}".rstrip() for line in lines)
        case _:
            return f"*{plain(block['text'])}*"


def _permission(block: Block) -> str:
    title = plain(block["title"])
    if block["state"] == "pending":
        lines = [f"**‖ Waits for an answer:** {title}"]
        lines += [plain(why)] if (why := remark(block)) else []
        lines += question_list(block["questions"])
        lines += [f"- {plain(name)}: {code_span(option)}" for option, name in named_options(block)]
        choice = choices(block)
        lines += ["", "On the card, in the session, or from another notebook (this one waits):"]
        return "\n".join([*lines, "", fenced(f"%agor answer {one_line(block['id'])} {choice}")])
    if block["state"] == "cancelled":
        return f"Withdrawn: {title}"
    verb = "allowed" if block["state"].startswith("allow") else "answered"
    verb = "rejected" if block["state"].startswith("reject") else verb
    message = f" “{plain(block['message'])}”" if block.get("message") else ""
    return f"**{plain(str(block.get('by', '')))}** {verb}: {title}{message}"
