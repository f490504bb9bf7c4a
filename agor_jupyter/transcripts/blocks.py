"""One block of what was said → its JSON for our renderer and its Markdown for every other viewer.

Pure. Grouping blocks into outputs is `render`'s part.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.domain.blocks import (
    Block,
    NoticeBlock,
    PermissionBlock,
    SteeredBlock,
    TextBlock,
    ToolBlock,
)
from agor_jupyter.domain.content import DiffContent, TerminalContent
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.transcripts.answering import choices, named_options, question_list, remark
from agor_jupyter.transcripts.markdown import (
    CLIP_BYTES,
    clean,
    clip,
    code_span,
    fenced,
    one_line,
    plain,
    prose,
    summary,
)

INPUT_BYTES = 2048
TEXT_BYTES = 200_000
DIFF_LIMIT = 200_000
"""Above this many characters a diff is told in numbers: computing it would hold up the drawing."""

_GLYPH = {"pending": "○", "in_progress": "◔", "completed": "✔", "failed": "✘"}


@dataclass(frozen=True)
class Drawn:
    """A block as it goes into an output: `said` tells words for the reader from doings."""

    json: dict[str, Any]  # goes into a notebook as it is
    markdown: str
    said: bool


def draw(block: Block, names: Mapping[str, str], tool_bytes: int = CLIP_BYTES) -> Drawn:
    """Draw one block. `names` maps a person's id to what others call them."""
    match block:
        case TextBlock():
            return _words(block)
        case ToolBlock():
            return _tool(block, tool_bytes)
        case PermissionBlock():
            return _permission(block, names)
        case NoticeBlock():
            return _notice(block)
        case SteeredBlock():
            return _steered(block, names)


def _words(block: TextBlock) -> Drawn:
    text = clip(clean(block.text), TEXT_BYTES)
    said = block.type == "text"
    data = {"type": "text" if said else "thinking", "id": block.id, "text": text}
    markdown = prose(text) if said else _details("💭 Thought", [prose(text)])
    if block.parent_tool_call_id is None:
        return Drawn(data, markdown, said)
    return Drawn(data | {"parent": block.parent_tool_call_id}, _quoted(markdown), False)


def _quoted(markdown: str) -> str:
    """Set what a sub-agent said or did apart from its caller's."""
    return "\n".join(f"> {line}".rstrip() for line in markdown.split("\n"))


def _details(title: str, parts: list[str], *, alone: str = "") -> str:
    """Fold `parts` under `title`, an HTML line. Without parts `alone` stands there, as Markdown."""
    body = "\n\n".join(part for part in parts if part)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>" if body else alone or title


def _tool(block: ToolBlock, limit: int) -> Drawn:
    took = max(0, block.ended_ms - block.started_ms) if block.ended_ms is not None else None
    output, diff = _output(block, limit)
    shown_input = _clipped_input(block.input)
    data: dict[str, Any] = {
        "type": "tool",
        "id": block.id,
        "name": one_line(block.title),
        "kind": block.kind,
        "status": block.status,
        "input": shown_input,
        "output": output,
    }
    if diff:
        data["diff"] = diff
    if took is not None:
        data["duration_ms"] = took
    if block.locations:
        data["locations"] = [{"path": clean(at.path), "line": at.line} for at in block.locations[:20]]
    if block.parent_tool_call_id:
        data["parent"] = block.parent_tool_call_id
    after = f" · {seconds(took)}" if took is not None else ""
    title = f"{_GLYPH[block.status]} {summary(block.title) or block.kind}{after}"
    alone = f"{_GLYPH[block.status]} {plain(block.title) or block.kind}{after}"
    parts = [_input_markdown(shown_input, bool(diff)), fenced(diff, "diff") if diff else ""]
    parts.append(fenced(output) if output else "")
    markdown = _details(title, parts, alone=alone)
    return Drawn(data, _quoted(markdown) if block.parent_tool_call_id else markdown, False)


def _output(block: ToolBlock, limit: int) -> tuple[str, str]:
    """Give what the tool answered and the diffs it made, each within `limit` bytes."""
    texts: list[str] = []
    diffs: list[str] = []
    for content in block.content:
        if isinstance(content, DiffContent):
            diffs.append(_diff(content))
            continue
        text = clean(content.text)
        if isinstance(content, TerminalContent) and content.exit_code not in (None, 0):
            text += f"\n[exit code {content.exit_code}]"
        if content.truncated:
            text += f"\n[{content.truncated:,} bytes were left out]"
        texts.append(text)
    return clip("\n".join(texts).strip("\n"), limit), clip("\n".join(diffs), limit)


def _diff(content: DiffContent) -> str:
    path = one_line(content.path)
    old, new = clean(content.old_text or ""), clean(content.new_text or "")
    if len(old) + len(new) > DIFF_LIMIT:
        return f"--- {path}\n+++ {path}\n@@ {old.count(chr(10))} lines → {new.count(chr(10))} lines @@"
    before = path if content.old_text is not None else "/dev/null"
    after = path if content.new_text is not None else "/dev/null"
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="")
    return "\n".join(lines)


def _clipped_input(given: Mapping[str, Any]) -> Any:
    text = json.dumps(given, ensure_ascii=False, default=str)
    if len(text) <= INPUT_BYTES:
        return _json_value(given)
    return {clean(str(key)): _clipped_value(value) for key, value in list(given.items())[:20]}


def _clipped_value(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return clip(clean(value), INPUT_BYTES // 4) if isinstance(value, str) else _json_value(value)


def _json_value(value: Any, depth: int = 8) -> Any:
    """Keep to what JSON *and* JavaScript can hold: no NaN, no integer that becomes a BigInt."""
    match value:
        case None | bool():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case dict() if depth:
            return {clean(str(key)): _json_value(item, depth - 1) for key, item in value.items()}
        case list() | tuple() if depth:
            return [_json_value(item, depth - 1) for item in value]
        case _:
            return clean(str(value))


def _input_markdown(given: Any, has_diff: bool) -> str:
    if not given:
        return ""
    command = given.get("command") if isinstance(given, Mapping) else None
    if isinstance(command, str):
        return fenced(command, "bash")
    if has_diff and isinstance(given, Mapping):
        # The diff says it better: keep what is short, leave out the texts.
        given = {key: value for key, value in given.items() if len(str(value)) <= 120}
    return fenced(json.dumps(given, ensure_ascii=False, indent=1), "json") if given else ""


def _permission(block: PermissionBlock, names: Mapping[str, str]) -> Drawn:
    request, resolved = block.request, block.resolved
    outcome = outcome_of(request, resolved)
    by = (resolved.by_name or names.get(resolved.by, resolved.by)) if resolved is not None else ""
    data: dict[str, Any] = {
        "type": "permission",
        "id": block.id,
        "title": one_line(request.title),
        "description": clip(clean(request.description), INPUT_BYTES),
        "kind": request.kind,
        "state": outcome,
        "options": [option.model_dump(mode="json") for option in request.options],
        "questions": [question.model_dump(mode="json") for question in request.questions],
    }
    if request.tool_call_id:
        data["tool"] = request.tool_call_id
    if resolved is not None:
        answers = {clean(key): clean(value) for key, value in resolved.answers.items()}
        data |= {"by": by, "by_id": resolved.by, "option": resolved.option_id}
        data |= {"message": clean(resolved.message), "answers": answers}
    return Drawn(data, _permission_markdown(request, resolved, outcome, by), False)


def outcome_of(request: PermissionRequest, resolved: PermissionResolved | None) -> str:
    """Name what became of a request: pending, answered, cancelled, or the option's kind."""
    if resolved is None:
        return "pending"
    if resolved.outcome == "cancelled":
        return "cancelled"
    if request.questions and resolved.option_id is None:
        return "answered"
    kinds = {option.option_id: option.kind for option in request.options}
    return kinds.get(resolved.option_id or "", "answered")


def _permission_markdown(
    request: PermissionRequest, resolved: PermissionResolved | None, outcome: str, by: str
) -> str:
    title = plain(request.title)
    who = plain(by)
    if resolved is None:
        asked = request.model_dump(mode="json", include={"kind", "options", "questions"})
        choice = "TEXT" if len(request.questions) == 1 else choices(asked, usual="allow")
        named = named_options(asked)
        how = f"%agor answer {request.request_id} {choice}"
        # An agent's own ids may hold anything.
        lines = [f"**‖ Waits for an answer:** {title} ({code_span(how) if named else f'`{how}`'})"]
        lines += (
            [plain(why)] if (why := remark(request.model_dump(include={"description", "questions"}))) else []
        )
        lines += question_list(asked["questions"])
        lines += [f"- {plain(name)}: {code_span(option)}" for option, name in named]
    elif outcome == "cancelled":
        lines = [f"Withdrawn: {title}"]
    elif outcome == "answered":
        lines = [f"**{who}** answered: {title}"]
        lines += [f"- {plain(key)} → **{plain(value)}**" for key, value in resolved.answers.items()]
    else:
        verb = "allowed" if outcome.startswith("allow") else "rejected"
        always = " (always, in this session)" if outcome.endswith("always") else ""
        lines = [f"**{who}** {verb}{always}: {title}"]
    if resolved is not None and resolved.message:
        lines.append(f"“{plain(resolved.message)}”")
    return "\n".join(line if line.lstrip().startswith("- ") else f"{line}  " for line in lines).rstrip()


def _notice(block: NoticeBlock) -> Drawn:
    data = {"type": "notice", "id": block.id, "level": block.level}
    data |= {"text": clean(block.text), "hint": clean(block.hint)}
    glyph = {"info": "i", "warning": "⚠", "error": "✘"}[block.level]
    hint = f" {plain(block.hint)}" if block.hint else ""
    return Drawn(data, f"{code_span(glyph)} {plain(block.text)}{hint}", False)


def _steered(block: SteeredBlock, names: Mapping[str, str]) -> Drawn:
    """Draw a person's words as a quotation: they are not the agent's, and no turn of their own."""
    by, text = block.by_name or names.get(block.by, block.by), clip(clean(block.text), TEXT_BYTES)
    data: dict[str, Any] = {"type": "steered", "id": block.id, "by": by, "by_id": block.by, "text": text}
    lines = [f"**{plain(by)}:**", *prose(text).split("\n")]
    if block.attached:
        data["attached"] = [one_line(name) for name in block.attached]
        lines += ["", "📎 " + ", ".join(code_span(name) for name in block.attached)]
    return Drawn(data, _quoted("\n".join(lines)), False)


def seconds(ms: int) -> str:
    if ms < 10_000:
        return f"{ms / 1000:.1f} s"
    whole = ms // 1000
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
