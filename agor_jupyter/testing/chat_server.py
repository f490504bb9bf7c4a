"""A scripted OpenAI-compatible server: chat completions (and responses) that say what a script says.

Inside a test: `async with ChatServer(book) as server:` and give the agent `server.environment()`. As a
process: `python -m agor_jupyter.testing.chat_server --script FILE` prints `{"url": …}` and serves until
it is stopped. It keeps no conversation (see `model_script`), only a record of what it was asked.
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

from agor_jupyter.testing import chat_responses, chat_wire
from agor_jupyter.testing.model_script import Choice, Fault, Said, Script, Text, Turn, choose, load_book
from agor_jupyter.testing.scripted_http import Request, Response, ScriptedHttp, json_response

CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
SUMMARY = "Scripted summary"


@dataclass(frozen=True)
class Asked:
    """One request for an answer, as it came, and the turn that was played."""

    path: str
    model: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    choice: Choice

    @property
    def history(self) -> list[Said]:
        return said(self.path, self.body)

    @property
    def tools(self) -> list[str]:
        """List the names of the tools that were offered."""
        offered = self.body.get("tools") or ()
        return [str((tool.get("function") or tool).get("name") or tool.get("type")) for tool in offered]


@dataclass
class ChatServer:
    """`book` and `models` may change while it runs. `unknown_models` are answered with 404.

    A request without tools is the agent's own (a summary): it gets `SUMMARY` and stands in `background`.
    """

    book: dict[str, Script] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(
        default_factory=lambda: [{"id": "scripted-small"}, {"id": "scripted-large"}]
    )
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
        return f"http://127.0.0.1:{self._http.port}/v1"

    def environment(self, key: str = "scripted-key") -> dict[str, str]:
        """Give the variables that lead an OpenAI client here, and nowhere else."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": key}

    async def serve(self, port: int = 0) -> None:
        """Serve until cancelled; prints the address as one JSON line."""
        await self._http.start(port)
        print(json.dumps({"url": self.url}), flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await self._http.close()

    async def _handle(self, request: Request) -> Response:
        if request.method == "POST" and request.path in ("/v1/chat/completions", "/v1/responses"):
            return await self._answer(request)
        self.probes.append(f"{request.method} {request.path}")
        if request.method == "GET" and request.path == "/v1/models":
            listed = [{"object": "model", "created": 0, "owned_by": "script", **item} for item in self.models]
            return json_response({"object": "list", "data": listed})
        return _error(Fault(status=404, message=f"There is nothing at {request.path}."))

    async def _answer(self, request: Request) -> Response:
        body = request.json()
        model = str(body.get("model", ""))
        if model in self.unknown_models:
            return _error(Fault(status=404, message=f"The model `{model}` does not exist."))
        if not body.get("tools"):
            self.background.append(body)
            return self._stream(request.path, Turn(blocks=(Text(text=SUMMARY),)), "background", body)
        choice = choose(self.book, said(request.path, body))
        self.asked.append(Asked(request.path, model, request.headers, body, choice))
        turn = choice.turn
        if turn.hold_seconds:
            await asyncio.sleep(turn.hold_seconds)
        if turn.fault is not None and self._strikes(choice):
            return _error(turn.fault)
        # Unique even where two conversations play one script: ids of tool calls must not meet.
        salt = hashlib.sha256(request.body + str(len(self.asked)).encode()).hexdigest()[:8]
        return self._stream(request.path, turn, f"{choice.script or 'echo'}_{choice.step}_{salt}", body)

    def _stream(self, path: str, turn: Turn, place: str, body: Mapping[str, Any]) -> Response:
        model = str(body.get("model", ""))
        if not path.endswith("/responses"):
            return Response(events=self._watched(chat_wire.events(turn, place, model)))
        sources = "web_search_call.action.sources" in (body.get("include") or ())
        return Response(events=self._watched(chat_responses.events(turn, place, model, sources=sources)))

    async def _watched(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Count the streams that did not come to their end."""
        finished = False
        try:
            async for event in events:
                yield event
            finished = True
        finally:
            self.cut_streams += not finished

    def _strikes(self, choice: Choice) -> bool:
        """Say whether the fault of this turn happens again: `fault_times` counts requests."""
        key = (choice.script, choice.step)
        self._faults[key] = self._faults.get(key, 0) + 1
        return choice.turn.fault_times == 0 or self._faults[key] <= choice.turn.fault_times


def said(path: str, body: Mapping[str, Any]) -> list[Said]:
    """Undress the history of a request: roles and words, without tools' input."""
    return chat_responses.said(body) if path.endswith("/responses") else chat_wire.said(body)


def _error(fault: Fault) -> Response:
    code = CODES.get(fault.status)
    headers = {} if fault.retry_after_seconds is None else {"retry-after": str(fault.retry_after_seconds)}
    error = {"message": fault.message, "type": "invalid_request_error", "param": None, "code": code}
    return json_response({"error": error}, status=fault.status, headers=headers)


def main() -> None:
    """Serve scripts from a file until stopped."""
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible server on loopback.")
    parser.add_argument("--script", type=Path, help="JSON file: {name: {turns: [...]}}")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = ChatServer(load_book(options.script) if options.script else {})
    try:
        asyncio.run(server.serve(options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
