"""The Responses API on the wire: history read from a request, a scripted turn written as events. Pure.

What stands in `input` is a flat list of items. A run of the assistant's items (thoughts, words,
calls) is one of its turns; what tools gave back, or a person's words, part two turns.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.testing.model_script import Block, Echo, Said, Text, Thinking, ToolUse, Turn, pieces
from agor_jupyter.testing.scripted_http import Cut

_OWN_WORDS = re.compile(r"\s*(<([a-z_]+)\b[^>]*>.*</\2>|# AGENTS\.md instructions.*)\s*", re.DOTALL)
"""What an agent puts in the person's mouth: its environment, an abort, the project's instructions."""


@dataclass(frozen=True)
class Call:
    """How a tool is called: `custom` takes a text instead of JSON; some live in a namespace."""

    name: str
    custom: bool = False
    namespace: str = ""


def calls_of(body: Mapping[str, Any]) -> dict[str, Call]:
    """List the tools of a request by the names that scripts use (`namespace__name`, else `name`)."""
    found: dict[str, Call] = {}
    offered = list(body.get("tools") or ())
    for item in body.get("input") or ():
        if isinstance(item, Mapping) and item.get("type") == "additional_tools":
            offered += item.get("tools") or ()
    for tool in offered:
        name = str(tool.get("name") or tool.get("type", ""))
        if tool.get("type") == "namespace":
            for inner in tool.get("tools") or ():
                whole = f"{name.rstrip('_')}__{inner['name']}"
                found[whole] = Call(inner["name"], inner.get("type") == "custom", name)
        else:
            found[name] = Call(name, tool.get("type") == "custom")
    return found


def said(body: Mapping[str, Any]) -> list[Said]:
    """Undress the history of a request: roles and words, without tools' input and output."""
    given = body.get("input")
    items = given if isinstance(given, list) else [{"role": "user", "content": str(given or "")}]
    history: list[Said] = []
    for item in items:
        found = _said(item)
        if found is None:
            continue
        if found.role == "assistant" and history and history[-1].role == "assistant":
            history[-1] = history[-1].model_copy(update={"text": history[-1].text + found.text})
        else:
            history.append(found)
    return history


def _said(item: Mapping[str, Any]) -> Said | None:
    kind = item.get("type", "message")
    if kind in ("function_call_output", "custom_tool_call_output"):
        return Said(role="user", results=_words(item.get("output")), images=_images(item.get("output")))
    if kind in ("reasoning", "function_call", "custom_tool_call"):
        return Said(role="assistant")
    if kind != "message" or item.get("role") not in ("user", "assistant"):
        return None
    text = _words(item.get("content"))
    if item["role"] == "assistant":
        return Said(role="assistant", text=text)
    images = _images(item.get("content"))
    if _OWN_WORDS.fullmatch(text) and not images:
        return None
    return Said(role="user", text=text, images=images)


def _parts(content: object) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    return [part for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []


def _words(content: object) -> str:
    """Join the texts of a message; one that an agent put in between is left out."""
    texts = [str(part.get("text", "")) for part in _parts(content) if "text" in str(part.get("type"))]
    own = [text for text in texts if not _OWN_WORDS.fullmatch(text)]
    return "\n".join(own or texts)


def _images(content: object) -> int:
    return sum(part.get("type") == "input_image" for part in _parts(content))


# --- answers -----------------------------------------------------------------


async def events_of(
    turn: Turn, place: str, model: str, known: Mapping[str, Call], on_gone: Callable[[], None]
) -> AsyncIterator[bytes]:
    """Write a turn as server-sent events. `on_gone` is called when it was not heard to its end."""
    finished = False
    response = {"id": f"resp_{place}", "object": "response", "model": model, "output": []}
    output: list[dict[str, Any]] = []
    try:
        yield _event("response.created", {"response": {**response, "status": "in_progress"}})
        for index, block in enumerate(turn.blocks):
            if turn.cut_after is not None and index >= turn.cut_after:
                raise Cut
            item = item_of(block, place, index, known)
            async for event in _block_events(block, item, index):
                yield event
            output.append(item)
        if turn.cut_after is not None:
            raise Cut
        yield _end(turn, {**response, "output": output, "usage": usage_of(turn)})
        finished = True
    finally:
        if not finished:
            on_gone()


def item_of(block: Block, place: str, index: int, known: Mapping[str, Call]) -> dict[str, Any]:
    """Make the whole item of one block."""
    match block:
        case Text(text=text):
            content = [{"type": "output_text", "text": text, "annotations": []}]
            base = {"type": "message", "id": f"msg_{place}_{index}", "role": "assistant"}
            return {**base, "status": "completed", "content": content}
        case Thinking(text=text):
            summary = [{"type": "summary_text", "text": text}]
            return {
                "type": "reasoning",
                "id": f"rs_{place}_{index}",
                "summary": summary,
                "encrypted_content": "c2NyaXB0ZWQ=",
            }
        case Echo():
            raise AssertionError("the brain replaces echoes")
        case ToolUse(name=name, input=tool_input, id=given):
            call = known.get(name) or _deferred(name)
            base = {
                "id": f"fc_{place}_{index}",
                "call_id": given or f"call_{place}_{index}",
                "name": call.name,
                "status": "completed",
            }
            if call.custom:
                return {**base, "type": "custom_tool_call", "input": str(tool_input.get("input", ""))}
            space = {"namespace": call.namespace} if call.namespace else {}
            return {**base, **space, "type": "function_call", "arguments": json.dumps(tool_input)}


def _deferred(name: str) -> Call:
    """Call a tool that is not listed: agents offer those of MCP servers by a search first."""
    space, _, inner = name.rpartition("__")
    return Call(inner, namespace=space) if name.startswith("mcp__") and space else Call(name)


async def _block_events(block: Block, item: dict[str, Any], index: int) -> AsyncIterator[bytes]:
    place = {"item_id": item["id"], "output_index": index}
    match block:
        case Text(text=text):
            start, name, where = {**item, "content": []}, "response.output_text.delta", {"content_index": 0}
        case Thinking(text=text):
            start, where = {**item, "summary": []}, {"summary_index": 0}
            name = "response.reasoning_summary_text.delta"
        case Echo():
            raise AssertionError("the brain replaces echoes")
        case ToolUse():
            custom = item["type"] == "custom_tool_call"
            body, where = "input" if custom else "arguments", {}
            text, start = item[body], {**item, body: ""}
            name = "response.custom_tool_call_input.delta"
            name = name if custom else "response.function_call_arguments.delta"
    yield _event("response.output_item.added", {"output_index": index, "item": start})
    if isinstance(block, Thinking):
        part = {"type": "summary_text", "text": ""}
        yield _event("response.reasoning_summary_part.added", {**place, **where, "part": part})
    for piece in pieces(text, block.chunk):
        if block.delay_seconds:
            await asyncio.sleep(block.delay_seconds)
        yield _event(name, {**place, **where, "delta": piece})
    yield _event("response.output_item.done", {"output_index": index, "item": item})


def _end(turn: Turn, response: dict[str, Any]) -> bytes:
    if turn.stop_reason == "max_tokens":
        details = {"reason": "max_output_tokens"}
        body = {**response, "status": "incomplete", "incomplete_details": details}
        return _event("response.incomplete", {"response": body})
    return _event("response.completed", {"response": {**response, "status": "completed"}})


def usage_of(turn: Turn) -> dict[str, Any]:
    """Count as the API does: cached tokens are within `input_tokens`."""
    whole = turn.input_tokens + turn.cached_read_tokens + turn.cached_write_tokens
    thought = sum(len(block.text) // 4 for block in turn.blocks if isinstance(block, Thinking))
    return {
        "input_tokens": whole,
        "input_tokens_details": {"cached_tokens": turn.cached_read_tokens},
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"reasoning_tokens": min(thought, turn.output_tokens)},
        "total_tokens": whole + turn.output_tokens,
    }


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
