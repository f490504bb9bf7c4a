"""A scripted OpenAI server: the Responses API of a model that says what a script says.

Inside a test: `async with ResponsesServer(book) as server:` and give the agent a model provider at
`server.base_url` (see `codex_config`). As a process: `python -m agor_jupyter.testing.responses_server
--script FILE` prints `{"url": …}` and serves until it is stopped. It keeps no conversation (see
`model_script`), only a record of what it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from agor_jupyter.testing.model_script import Choice, Fault, Said, Script, choose, load_book
from agor_jupyter.testing.responses_wire import Call, calls_of, events_of, said
from agor_jupyter.testing.scripted_http import Request, Response, ScriptedHttp, json_response

ERROR_CODES = {
    400: "invalid_request_error",
    401: "invalid_api_key",
    403: "permission_denied",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    500: "server_error",
    503: "server_error",
}


@dataclass(frozen=True)
class Asked:
    """One request for an answer, as it came, and the turn that was played."""

    model: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    choice: Choice

    @property
    def history(self) -> list[Said]:
        return said(self.body)

    @property
    def effort(self) -> str:
        """Name the effort that the model was asked for; empty where it was not said."""
        return str((self.body.get("reasoning") or {}).get("effort") or "")


@dataclass
class ResponsesServer:
    """`book` may change while it runs. `unknown_models` are answered with 404, other keys with 401."""

    book: dict[str, Script] = field(default_factory=dict)
    unknown_models: set[str] = field(default_factory=set)
    key: str = "scripted-key"
    asked: list[Asked] = field(default_factory=list)
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

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def environment(self) -> dict[str, str]:
        """Give the variable that `codex_config` names for the key."""
        return {"SCRIPTED_API_KEY": self.key}

    def codex_config(self, model: str = "gpt-5.5") -> str:
        """Give a `config.toml` of Codex that leads here, and nowhere else."""
        return (
            f'model = "{model}"\nmodel_provider = "scripted"\n'
            '[model_providers.scripted]\nname = "scripted"\n'
            f'base_url = "{self.base_url}"\nenv_key = "SCRIPTED_API_KEY"\nwire_api = "responses"\n'
            "request_max_retries = 0\nstream_max_retries = 0\n"
        )

    async def serve(self, port: int = 0) -> None:
        """Serve until cancelled; prints the address as one JSON line."""
        await self._http.start(port)
        print(json.dumps({"url": self.url}), flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            await self._http.close()

    async def _handle(self, request: Request) -> Response:
        if request.method == "POST" and request.path == "/v1/responses":
            return await self._respond(request)
        self.probes.append(f"{request.method} {request.path}")
        return json_response({"object": "list", "data": [], "models": []})

    async def _respond(self, request: Request) -> Response:
        body = request.json()
        model = str(body.get("model", ""))
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(Fault(status=401, message="Incorrect API key provided."))
        if model in self.unknown_models:
            return _error(Fault(status=404, message=f"The model `{model}` does not exist."))
        choice = choose(self.book, said(body))
        self.asked.append(Asked(model, request.headers, body, choice))
        turn = choice.turn
        if turn.hold_seconds:
            await asyncio.sleep(turn.hold_seconds)
        if turn.fault is not None and self._strikes(choice):
            return _error(turn.fault)
        # Unique even where two conversations play one script: ids of tool calls must not meet.
        salt = hashlib.sha256(request.body + str(len(self.asked)).encode()).hexdigest()[:8]
        place = f"{choice.script or 'echo'}_{choice.step}_{salt}"
        known: Mapping[str, Call] = calls_of(body)
        return Response(events=events_of(turn, place, model, known, self._note_cut))

    def _strikes(self, choice: Choice) -> bool:
        """Say whether the fault of this turn happens again: `fault_times` counts requests."""
        key = (choice.script, choice.step)
        self._faults[key] = self._faults.get(key, 0) + 1
        return choice.turn.fault_times == 0 or self._faults[key] <= choice.turn.fault_times

    def _note_cut(self) -> None:
        self.cut_streams += 1


def _error(fault: Fault) -> Response:
    code = ERROR_CODES.get(fault.status, "server_error")
    headers = {} if fault.retry_after_seconds is None else {"retry-after": str(fault.retry_after_seconds)}
    return json_response(
        {"error": {"message": fault.message, "type": code, "param": None, "code": code}},
        status=fault.status,
        headers=headers,
    )


def main() -> None:
    """Serve scripts from a file until stopped."""
    parser = argparse.ArgumentParser(description="A scripted OpenAI Responses server on loopback.")
    parser.add_argument("--script", type=Path, help="JSON file: {name: {turns: [...]}}")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    server = ResponsesServer(load_book(options.script) if options.script else {})
    try:
        asyncio.run(server.serve(options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
