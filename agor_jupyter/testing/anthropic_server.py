"""A scripted Anthropic server: the Messages API of a model that says what a script says.

Inside a test: `async with AnthropicServer(book) as server:` and give the agent
`server.environment()`. As a process: `python -m agor_jupyter.testing.anthropic_server --script
FILE` prints `{"url": …}` and serves until it is stopped. It keeps no conversation (see
`model_script`), only a record of what it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from agor_jupyter.testing.model_script import (
    Block,
    Choice,
    Echo,
    Fault,
    Said,
    Script,
    Text,
    Thinking,
    ToolUse,
    Turn,
    choose,
    load_book,
    pieces,
)
from agor_jupyter.testing.scripted_http import Cut, Request, Response, ScriptedHttp, json_response

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Asked:
    """One request for an answer, as it came, and the turn that was played."""

    model: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    choice: Choice
    stream: bool

    @property
    def history(self) -> list[Said]:
        return said(self.body)


@dataclass
class AnthropicServer:
    """`book` may change while it runs. `unknown_models` are answered with 404."""

    book: dict[str, Script] = field(default_factory=dict)
    unknown_models: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    background: list[Mapping[str, Any]] = field(default_factory=list)
    probes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._http = ScriptedHttp(self._handle)
        self._faults: dict[tuple[str, int], int] = {}
        self.cut_streams = 0

    async def __aenter__(self) -> Self:
        await self._http.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.port}"

    def environment(self, key: str = "scripted-key") -> dict[str, str]:
        """Give the variables that lead Claude Code here, and nowhere else."""
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": key,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        }

    async def serve(self, port: int = 0) -> None:
        """Serve until cancelled; prints the address as one JSON line."""
        await self._http.start(port)
        print(json.dumps({"url": self.url}), flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await self._http.close()

    async def _handle(self, request: Request) -> Response:
        if request.method == "POST" and request.path == "/v1/messages":
            return await self._messages(request)
        if request.method == "POST" and request.path == "/v1/messages/count_tokens":
            return json_response({"input_tokens": max(1, len(request.body) // 4)})
        self.probes.append(f"{request.method} {request.path}")
        return json_response({})

    async def _messages(self, request: Request) -> Response:
        body = request.json()
        model = str(body.get("model", ""))
        stream = bool(body.get("stream"))
        if model in self.unknown_models:
            return _error(Fault(status=404, message=f"model: {model}"))
        if _is_background(body):
            self.background.append(body)
            return _answer(_background_turn(body), "background", model, stream)
        choice = choose(self.book, said(body))
        self.asked.append(Asked(model, request.headers, body, choice, stream))
        turn = choice.turn
        if turn.hold_seconds:
            await asyncio.sleep(turn.hold_seconds)
        if turn.fault is not None and self._strikes(choice):
            return _error(turn.fault)
        # Unique even where two conversations play one script: ids of tool calls must not meet.
        salt = hashlib.sha256(request.body + str(len(self.asked)).encode()).hexdigest()[:8]
        place = f"{choice.script or 'echo'}_{choice.step}_{salt}"
        return _answer(turn, place, model, stream, on_gone=self._note_cut)

    def _strikes(self, choice: Choice) -> bool:
        """Say whether the fault of this turn happens again: `fault_times` counts requests."""
        key = (choice.script, choice.step)
        self._faults[key] = self._faults.get(key, 0) + 1
        return choice.turn.fault_times == 0 or self._faults[key] <= choice.turn.fault_times

    def _note_cut(self) -> None:
        self.cut_streams += 1


def said(body: Mapping[str, Any]) -> list[Said]:
    """Undress the history of a request: roles and words, without tools' input and output."""
    return [
        Said(
            role=message["role"],
            text=_words(message),
            results=_results(message),
            images=sum(block.get("type") == "image" for block in _blocks(message)),
        )
        for message in body.get("messages", [])
        if message.get("role") in ("user", "assistant")
    ]


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content", "")
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _words(message: Mapping[str, Any]) -> str:
    return "\n".join(block.get("text", "") for block in _blocks(message) if block.get("type") == "text")


def _results(message: Mapping[str, Any]) -> str:
    return "\n".join(
        _words({"content": block.get("content") or ""})
        for block in _blocks(message)
        if block.get("type") == "tool_result"
    )


def _is_background(body: Mapping[str, Any]) -> bool:
    """Say whether the agent asks on its own behalf: titles, quotas, topics have no tools."""
    return not body.get("tools") or int(body.get("max_tokens") or 0) <= 1


def _background_turn(body: Mapping[str, Any]) -> Turn:
    structured = "output_config" in body or "output_format" in body
    return Turn(blocks=(Text(text='{"title": "A scripted title"}' if structured else "Scripted"),))


def _error(fault: Fault) -> Response:
    kind = ERROR_TYPES.get(fault.status, "api_error")
    headers = {} if fault.retry_after_seconds is None else {"retry-after": str(fault.retry_after_seconds)}
    return json_response(
        {"type": "error", "error": {"type": kind, "message": fault.message}},
        status=fault.status,
        headers=headers,
    )


def _answer(turn: Turn, place: str, model: str, stream: bool, on_gone: Any = None) -> Response:
    if not stream:
        if turn.cut_after is not None:
            raise Cut
        return json_response(_whole(turn, place, model))
    return Response(events=_events(turn, place, model, on_gone))


def _whole(turn: Turn, place: str, model: str) -> dict[str, Any]:
    content = [_full_block(block, place, index) for index, block in enumerate(turn.blocks)]
    message = _message(turn, place, model)
    usage = {**message["usage"], "output_tokens": turn.output_tokens}
    return {**message, "content": content, "stop_reason": _stop_reason(turn), "usage": usage}


def _full_block(block: Block, place: str, index: int) -> dict[str, Any]:
    match block:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Echo():
            raise AssertionError("the brain replaces echoes")
        case Thinking(text=text):
            return {"type": "thinking", "thinking": text, "signature": "c2NyaXB0ZWQ="}
        case ToolUse(name=name, input=tool_input, id=id):
            return {
                "type": "tool_use",
                "id": id or f"toolu_{place}_{index}",
                "name": name,
                "input": tool_input,
            }


def _message(turn: Turn, place: str, model: str) -> dict[str, Any]:
    usage = {
        "input_tokens": turn.input_tokens,
        "output_tokens": 1,
        "cache_read_input_tokens": turn.cached_read_tokens,
        "cache_creation_input_tokens": turn.cached_write_tokens,
    }
    return {
        "id": f"msg_{place}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _stop_reason(turn: Turn) -> str:
    if turn.stop_reason != "auto":
        return turn.stop_reason
    return "tool_use" if turn.uses_tools else "end_turn"


async def _events(turn: Turn, place: str, model: str, on_gone: Any) -> AsyncIterator[bytes]:
    finished = False
    try:
        yield _event("message_start", {"message": _message(turn, place, model)})
        yield _event("ping", {})
        for index, block in enumerate(turn.blocks):
            if turn.cut_after is not None and index >= turn.cut_after:
                raise Cut
            async for event in _block_events(block, place, index):
                yield event
        if turn.cut_after is not None:
            raise Cut
        delta = {"stop_reason": _stop_reason(turn), "stop_sequence": None}
        yield _event("message_delta", {"delta": delta, "usage": {"output_tokens": turn.output_tokens}})
        yield _event("message_stop", {})
        finished = True
    finally:
        if not finished and on_gone is not None:
            on_gone()


async def _block_events(block: Block, place: str, index: int) -> AsyncIterator[bytes]:
    full = _full_block(block, place, index)
    match block:
        case Text(text=text):
            start, field_name, kind = {**full, "text": ""}, "text", "text_delta"
        case Thinking(text=text):
            start, field_name, kind = {**full, "thinking": "", "signature": ""}, "thinking", "thinking_delta"
        case Echo():
            raise AssertionError("the brain replaces echoes")
        case ToolUse(input=tool_input):
            text = json.dumps(tool_input)
            start, field_name, kind = {**full, "input": {}}, "partial_json", "input_json_delta"
    yield _event("content_block_start", {"index": index, "content_block": start})
    for piece in pieces(text, block.chunk):
        if block.delay_seconds:
            await asyncio.sleep(block.delay_seconds)
        yield _event("content_block_delta", {"index": index, "delta": {"type": kind, field_name: piece}})
    if isinstance(block, Thinking):
        delta = {"type": "signature_delta", "signature": full["signature"]}
        yield _event("content_block_delta", {"index": index, "delta": delta})
    yield _event("content_block_stop", {"index": index})


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def main() -> None:
    """Serve scripts from a file until stopped."""
    parser = argparse.ArgumentParser(description="A scripted Anthropic Messages server on loopback.")
    parser.add_argument("--script", type=Path, help="JSON file: {name: {turns: [...]}}")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = AnthropicServer(load_book(options.script) if options.script else {})
    try:
        asyncio.run(server.serve(options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
