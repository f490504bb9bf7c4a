"""The wire of chat completions, as `chat_server` speaks it: history in, chunks out. Pure but for delays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from agor_jupyter.testing.model_script import Block, Echo, Said, Text, Thinking, ToolUse, Turn, pieces
from agor_jupyter.testing.scripted_http import Cut

REASONS = {"max_tokens": "length", "refusal": "content_filter"}


def said(body: Mapping[str, Any]) -> list[Said]:
    """Undress the messages. Each tool's result is a message of its own; it is nobody's words."""
    history: list[Said] = []
    for message in body.get("messages") or ():
        role = message.get("role")
        if role in ("user", "assistant"):
            images = sum(part.get("type") == "image_url" for part in _parts(message))
            history.append(Said(role=role, text=_words(message), images=images))
        elif role == "tool":
            history.append(Said(role="user", results=_words(message)))
    return history


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content") or ""
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _words(message: Mapping[str, Any]) -> str:
    return "\n".join(part["text"] for part in _parts(message) if part.get("type") == "text")


async def events(turn: Turn, place: str, model: str) -> AsyncIterator[bytes]:
    """Stream one turn as chunks, the usage last."""
    yield _chunk(place, model, {"role": "assistant", "content": ""})
    calls = 0
    for index, block in enumerate(turn.blocks):
        if turn.cut_after is not None and index >= turn.cut_after:
            raise Cut
        for delta in _deltas(block, place, index, calls):
            if not isinstance(block, Echo) and block.delay_seconds:
                await asyncio.sleep(block.delay_seconds)
            yield _chunk(place, model, delta)
        calls += isinstance(block, ToolUse)
    if turn.cut_after is not None:
        raise Cut
    reason = REASONS.get(turn.stop_reason) or ("tool_calls" if turn.uses_tools else "stop")
    yield _chunk(place, model, {}, reason)
    yield _event({**_head(place, model), "choices": [], "usage": _usage(turn)})
    yield b"data: [DONE]\n\n"


def _deltas(block: Block, place: str, index: int, call: int) -> Iterator[dict[str, Any]]:
    match block:
        case Text(text=text):
            for piece in pieces(text, block.chunk):
                yield {"content": piece}
        case Thinking(text=text):
            for piece in pieces(text, block.chunk):
                yield {"reasoning_content": piece}
        case ToolUse(name=name, input=arguments, id=id):
            head = {"id": id or f"call_{place}_{index}", "type": "function", "index": call}
            yield {"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]}
            for piece in pieces(json.dumps(arguments), block.chunk):
                yield {"tool_calls": [{"index": call, "function": {"arguments": piece}}]}
        case Echo():
            raise AssertionError("the brain replaces echoes")


def _usage(turn: Turn) -> dict[str, Any]:
    """Count as OpenAI does: cached tokens are within the prompt's, thoughts within the answer's."""
    thoughts = sum(len(block.text.split()) for block in turn.blocks if isinstance(block, Thinking))
    prompt = turn.input_tokens + turn.cached_read_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": turn.output_tokens,
        "total_tokens": prompt + turn.output_tokens,
        "prompt_tokens_details": {"cached_tokens": turn.cached_read_tokens},
        "completion_tokens_details": {"reasoning_tokens": min(thoughts, turn.output_tokens)},
    }


def _head(place: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{place}", "object": "chat.completion.chunk", "created": 0, "model": model}


def _chunk(place: str, model: str, delta: dict[str, Any], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _event({**_head(place, model), "choices": [choice]})


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
