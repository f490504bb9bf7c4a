"""The wire of the Responses API, as `chat_server` speaks it: input items in, events out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from agor_jupyter.testing.model_script import Block, Echo, Looked, Said, Text, Thinking, ToolUse, Turn, pieces
from agor_jupyter.testing.scripted_http import Cut

ENCRYPTED = "c2NyaXB0ZWQ="


def said(body: Mapping[str, Any]) -> list[Said]:
    """Undress the input. The items of one answer (words, thoughts, calls) are one turn of the assistant."""
    given = body.get("input") or ""
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    history: list[Said] = []
    for item in items:
        kind, role = item.get("type", "message"), item.get("role")
        if kind == "function_call_output":
            history.append(Said(role="user", results=str(item.get("output", ""))))
        elif role == "user":
            images = sum(part.get("type") == "input_image" for part in _parts(item))
            history.append(Said(role="user", text=_words(item), images=images))
        elif role == "assistant" or kind in ("function_call", "reasoning", "web_search_call"):
            if not history or history[-1].role != "assistant":
                history.append(Said(role="assistant"))
            text = "\n".join(filter(None, [history[-1].text, _words(item)]))
            history[-1] = history[-1].model_copy(update={"text": text})
    return history


def _parts(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = item.get("content") or ""
    return content if isinstance(content, list) else [{"type": "input_text", "text": content}]


def _words(item: Mapping[str, Any]) -> str:
    return "\n".join(part["text"] for part in _parts(item) if str(part.get("type", "")).endswith("_text"))


async def events(turn: Turn, place: str, model: str, *, sources: bool = False) -> AsyncIterator[bytes]:
    """Stream one turn: each block is an output item, begun, filled and done.

    `sources`: the request wants to know what its searches found.
    """
    numbers = iter(range(10**9))
    whole = _response(turn, place, model)
    yield _event("response.created", numbers, response={**whole, "status": "in_progress", "output": []})
    output: list[dict[str, Any]] = []
    for look in turn.looked:
        item = _search(look, place, len(output), sources=sources)
        at = {"output_index": len(output), "item_id": item["id"]}
        begun = {key: value for key, value in item.items() if key != "action"}
        yield _event(
            "response.output_item.added",
            numbers,
            output_index=len(output),
            item={**begun, "status": "in_progress"},
        )
        yield _event("response.web_search_call.in_progress", numbers, **at)
        yield _event("response.web_search_call.searching", numbers, **at)
        if turn.cut_after == 0:
            raise Cut
        yield _event("response.web_search_call.completed", numbers, **at)
        yield _event("response.output_item.done", numbers, output_index=len(output), item=item)
        output.append(item)
    for number, block in enumerate(turn.blocks):
        if turn.cut_after is not None and number >= turn.cut_after:
            raise Cut
        index = len(output)
        item = _item(block, place, index, _citations(turn))
        at = {"output_index": index, "item_id": item["id"]}
        yield _event("response.output_item.added", numbers, output_index=index, item=_begun(item))
        name, extra, text = _delta(block)
        for piece in pieces(text, 12 if isinstance(block, Echo) else block.chunk):
            if not isinstance(block, Echo) and block.delay_seconds:
                await asyncio.sleep(block.delay_seconds)
            yield _event(name, numbers, **at, **extra, delta=piece)
        yield _event("response.output_item.done", numbers, output_index=index, item=item)
        output.append(item)
    if turn.cut_after is not None:
        raise Cut
    status = "incomplete" if turn.stop_reason == "max_tokens" else "completed"
    details = {"reason": "max_output_tokens"} if status == "incomplete" else None
    done = {**whole, "status": status, "output": output, "usage": _usage(turn), "incomplete_details": details}
    yield _event(f"response.{status}", numbers, response=done)


def _delta(block: Block) -> tuple[str, dict[str, Any], str]:
    match block:
        case Text(text=text):
            return "response.output_text.delta", {"content_index": 0, "logprobs": []}, text
        case Thinking(text=text):
            return "response.reasoning_summary_text.delta", {"summary_index": 0}, text
        case ToolUse(input=arguments):
            return "response.function_call_arguments.delta", {}, json.dumps(arguments)
        case Echo():
            raise AssertionError("the brain replaces echoes")


def _search(look: Looked, place: str, index: int, *, sources: bool) -> dict[str, Any]:
    action: dict[str, Any] = {"type": "open_page", "url": look.url}
    if look.query:
        action = {"type": "search", "query": look.query, "queries": [look.query]}
    if look.query and sources:
        action["sources"] = [{"type": "url", "url": source.url} for source in look.sources]
    status = "failed" if look.failed else "completed"
    return {"id": f"ws_{place}_{index}", "type": "web_search_call", "status": status, "action": action}


def _citations(turn: Turn) -> list[dict[str, Any]]:
    at = {"type": "url_citation", "start_index": 0, "end_index": 1}
    return [
        {**at, "title": source.title, "url": f"{source.url}?utm_source=openai"}
        for look in turn.looked
        for source in look.sources
    ]


def _item(block: Block, place: str, index: int, citations: list[dict[str, Any]]) -> dict[str, Any]:
    match block:
        case Text(text=text):
            part = {"type": "output_text", "text": text, "annotations": citations, "logprobs": []}
            head = {"id": f"msg_{place}_{index}", "type": "message", "role": "assistant"}
            return {**head, "status": "completed", "content": [part]}
        case Thinking(text=text):
            summary = [{"type": "summary_text", "text": text}]
            head = {"id": f"rs_{place}_{index}", "type": "reasoning"}
            return {**head, "summary": summary, "encrypted_content": ENCRYPTED}
        case ToolUse(name=name, input=arguments, id=id):
            head = {"id": f"fc_{place}_{index}", "type": "function_call", "status": "completed"}
            call = {"call_id": id or f"call_{place}_{index}", "name": name}
            return {**head, **call, "arguments": json.dumps(arguments)}
        case Echo():
            raise AssertionError("the brain replaces echoes")


def _begun(item: Mapping[str, Any]) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    return {**item, "status": "in_progress", **empty[item["type"]]}


def _response(turn: Turn, place: str, model: str) -> dict[str, Any]:
    return {
        "id": f"resp_{place}",
        "object": "response",
        "created_at": 0,
        "model": model,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _usage(turn: Turn) -> dict[str, Any]:
    thoughts = sum(len(block.text.split()) for block in turn.blocks if isinstance(block, Thinking))
    prompt = turn.input_tokens + turn.cached_read_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": turn.cached_read_tokens, "cache_write_tokens": 0},
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"reasoning_tokens": min(thoughts, turn.output_tokens)},
        "total_tokens": prompt + turn.output_tokens,
    }


def _event(name: str, numbers: Iterator[int], **data: Any) -> bytes:
    whole = {"type": name, "sequence_number": next(numbers), **data}
    return f"event: {name}\ndata: {json.dumps(whole)}\n\n".encode()
