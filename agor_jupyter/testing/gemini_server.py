"""A scripted Gemini server: the Gemini API of a model that says what a script says.

Inside a test: `async with GeminiServer(book) as server:` and give the agent `server.environment()`
(or a client of the API `server.url` as its base address). As a process: `python -m
agor_jupyter.testing.gemini_server --script FILE` prints `{"url": …}` and serves until it is stopped.
It keeps no conversation (see `model_script`), only a record of what it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from agor_jupyter.testing import gemini_grounding
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

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
FINISH_REASONS = {"auto": "STOP", "max_tokens": "MAX_TOKENS", "refusal": "SAFETY"}
SIGNATURE = "c2NyaXB0ZWQ="
MODELS = ("gemini-3-pro-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite")

_CALL = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+)(?::(\w+))?$")


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

    @property
    def tools(self) -> list[str]:
        """List the names of the functions that were offered."""
        return [
            str(function.get("name", ""))
            for tool in self.body.get("tools") or ()
            for function in tool.get("functionDeclarations") or ()
        ]

    @property
    def builtin(self) -> set[str]:
        """Name the provider's own tools that were offered."""
        return {name for tool in self.body.get("tools") or () for name in tool} - {"functionDeclarations"}

    @property
    def system(self) -> str:
        """Give the system instruction as text."""
        return _words(self.body.get("systemInstruction") or {})


@dataclass
class GeminiServer:
    """`book` may change while it runs. `unknown_models` are answered with 404.

    `wants_signatures`: as newer models do, refuse a function call in the present turn that comes back
    without its `thoughtSignature`.
    """

    book: dict[str, Script] = field(default_factory=dict)
    unknown_models: set[str] = field(default_factory=set)
    wants_signatures: bool = False
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
        """Give the variables that lead Gemini's own clients here, and nowhere else."""
        return {"GOOGLE_GEMINI_BASE_URL": self.url, "GEMINI_API_KEY": key}

    async def serve(self, port: int = 0) -> None:
        """Serve until cancelled; prints the address as one JSON line."""
        await self._http.start(port)
        print(json.dumps({"url": self.url}), flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await self._http.close()

    async def _handle(self, request: Request) -> Response:
        called = _CALL.search(request.path)
        model, verb = (called[1], called[2]) if called else ("", None)
        if request.method == "POST" and verb == "countTokens":
            return json_response({"totalTokens": max(1, len(request.body) // 4)})
        if request.method == "POST" and verb in ("generateContent", "streamGenerateContent"):
            return await self._generate(request, model, stream=verb == "streamGenerateContent")
        self.probes.append(f"{request.method} {request.path}")
        if request.method == "GET" and request.path.endswith("/models"):
            return json_response({"models": [_model(name) for name in MODELS]})
        if request.method == "GET" and model:
            return json_response(_model(model))
        return json_response({})

    async def _generate(self, request: Request, model: str, *, stream: bool) -> Response:
        body = request.json()
        if model in self.unknown_models:
            message = f"models/{model} is not found for API version v1beta"
            return _error(Fault(status=404, message=message))
        if _is_background(body):
            self.background.append(body)
            return _answer(_background_turn(body), "background", model, stream=stream)
        if problem := gemini_grounding.refusal(body):
            return _error(Fault(status=400, message=problem))
        if self.wants_signatures and (missing := _unsigned(body)):
            message = f"Function call `{missing}` is missing a thought_signature in functionCall parts."
            return _error(Fault(status=400, message=message))
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
        return _answer(turn, place, model, stream=stream, on_gone=self._note_cut)

    def _strikes(self, choice: Choice) -> bool:
        """Say whether the fault of this turn happens again: `fault_times` counts requests."""
        key = (choice.script, choice.step)
        self._faults[key] = self._faults.get(key, 0) + 1
        return choice.turn.fault_times == 0 or self._faults[key] <= choice.turn.fault_times

    def _note_cut(self) -> None:
        self.cut_streams += 1


def said(body: Mapping[str, Any]) -> list[Said]:
    """Undress the history of a request: roles and words, without functions' input and output."""
    return [
        Said(
            role="assistant" if content.get("role") == "model" else "user",
            text=_words(content),
            results="\n".join(_results(content)),
            images=sum(_is_image(part) for part in _parts(content)),
        )
        for content in body.get("contents") or ()
    ]


def _parts(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [part for part in content.get("parts") or () if isinstance(part, Mapping)]


def _words(content: Mapping[str, Any]) -> str:
    return "\n".join(
        str(part["text"]) for part in _parts(content) if part.get("text") and not part.get("thought")
    )


def _results(content: Mapping[str, Any]) -> Iterator[str]:
    """Give what functions gave back: the `output` or `error` that clients wrap it in, else its JSON."""
    for part in _parts(content):
        given = part.get("functionResponse")
        if not isinstance(given, Mapping):
            continue
        response = given.get("response") or {}
        plain = [response[name] for name in ("output", "result", "error", "content") if name in response]
        yield plain[0] if plain and isinstance(plain[0], str) else json.dumps(response)


def _is_image(part: Mapping[str, Any]) -> bool:
    data = part.get("inlineData") or part.get("fileData") or {}
    # The API takes both spellings, and google-genai writes the second.
    return str(data.get("mimeType") or data.get("mime_type") or "").startswith("image/")


def _unsigned(body: Mapping[str, Any]) -> str:
    """Find a call of the present turn whose signature was lost: the first call of each message has one."""
    contents = body.get("contents") or []
    last = max((at for at, content in enumerate(contents) if _words(content)), default=0)
    for content in contents[last:]:
        calls = [part for part in _parts(content) if "functionCall" in part]
        if calls and not calls[0].get("thoughtSignature"):
            return str(calls[0]["functionCall"].get("name", ""))
    return ""


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    wanted = body.get("generationConfig") or {}
    found = wanted.get("responseJsonSchema") or wanted.get("responseSchema")
    if isinstance(found, Mapping):
        return found
    return {} if wanted.get("responseMimeType") == "application/json" else None


def _is_background(body: Mapping[str, Any]) -> bool:
    """Say whether a program asks on its own behalf: routing, titles, summaries.

    Those want JSON, or offer no tools; a prompt that names a script is a person's all the same.
    """
    if _schema(body) is not None:
        return True
    return not body.get("tools") and not any("SCRIPT:" in item.text for item in said(body))


def _background_turn(body: Mapping[str, Any]) -> Turn:
    schema = _schema(body)
    return Turn(blocks=(Text(text="Scripted" if schema is None else json.dumps(_fitting(schema))),))


def _fitting(schema: Mapping[str, Any]) -> Any:
    """Make the plainest value that a schema allows."""
    if schema.get("enum"):
        return schema["enum"][0]
    match str(schema.get("type", "object")).lower():
        case "object":
            properties = schema.get("properties") or {}
            return {name: _fitting(inner) for name, inner in properties.items()}
        case "array":
            return []
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return "Scripted"


def _model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _error(fault: Fault) -> Response:
    status = STATUSES.get(fault.status, "UNKNOWN")
    details: list[dict[str, Any]] = []
    headers: dict[str, str] = {}
    if fault.retry_after_seconds is not None:
        headers["retry-after"] = str(fault.retry_after_seconds)
        delay = f"{fault.retry_after_seconds}s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    error = {"code": fault.status, "message": fault.message, "status": status, "details": details}
    return json_response({"error": error}, status=fault.status, headers=headers)


def _answer(turn: Turn, place: str, model: str, *, stream: bool, on_gone: Any = None) -> Response:
    if stream:
        return Response(events=_events(turn, place, model, on_gone))
    if turn.cut_after is not None:
        raise Cut
    parts = [_part(block, place, index) for index, block in enumerate(turn.blocks)]
    return json_response(_chunk(parts, turn, place, model, last=True))


def _part(block: Block, place: str, index: int) -> dict[str, Any]:
    match block:
        case Text(text=text):
            return {"text": text}
        case Thinking(text=text):
            return {"text": text, "thought": True}
        case ToolUse(name=name, input=arguments, id=id):
            call = {"id": id or f"call_{place}_{index}", "name": name, "args": arguments}
            return {"functionCall": call, "thoughtSignature": SIGNATURE}
        case Echo():
            raise AssertionError("the brain replaces echoes")


async def _events(turn: Turn, place: str, model: str, on_gone: Any) -> AsyncIterator[bytes]:
    finished = False
    try:
        for index, block in enumerate(turn.blocks):
            if turn.cut_after is not None and index >= turn.cut_after:
                raise Cut
            for part in _streamed(block, place, index):
                if not isinstance(block, Echo) and block.delay_seconds:
                    await asyncio.sleep(block.delay_seconds)
                yield _event(_chunk([part], turn, place, model, last=False))
        if turn.cut_after is not None:
            raise Cut
        yield _event(_chunk([{"text": ""}], turn, place, model, last=True))
        finished = True
    finally:
        if not finished and on_gone is not None:
            on_gone()


def _streamed(block: Block, place: str, index: int) -> Iterator[dict[str, Any]]:
    """Cut words into chunks; a function call comes whole."""
    whole = _part(block, place, index)
    if isinstance(block, Text | Thinking):
        for piece in pieces(block.text, block.chunk):
            yield {**whole, "text": piece}
    else:
        yield whole


def _chunk(parts: list[dict[str, Any]], turn: Turn, place: str, model: str, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    chunk: dict[str, Any] = {"candidates": [candidate], "modelVersion": model, "responseId": f"resp_{place}"}
    if last:
        candidate["finishReason"] = FINISH_REASONS[turn.stop_reason]
        candidate |= gemini_grounding.of(turn)
        chunk["usageMetadata"] = _usage(turn)
    return chunk


def _usage(turn: Turn) -> dict[str, int]:
    """Count as Gemini does: cached tokens are within the prompt's, thoughts beside the answer's."""
    prompt = turn.input_tokens + turn.cached_read_tokens
    thoughts = sum(len(block.text.split()) for block in turn.blocks if isinstance(block, Thinking))
    return {
        "promptTokenCount": prompt,
        "cachedContentTokenCount": turn.cached_read_tokens,
        "candidatesTokenCount": turn.output_tokens,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + turn.output_tokens + thoughts,
    }


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def main() -> None:
    """Serve scripts from a file until stopped."""
    parser = argparse.ArgumentParser(description="A scripted Gemini API server on loopback.")
    parser.add_argument("--script", type=Path, help="JSON file: {name: {turns: [...]}}")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = GeminiServer(load_book(options.script) if options.script else {})
    try:
        asyncio.run(server.serve(options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
