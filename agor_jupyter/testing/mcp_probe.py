"""A small stdio MCP server to hand to agents under test. Run by its path; standard library only.

With the argument `--mute` it takes what it is sent and never says a word.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NOTHING = {"type": "object", "properties": {}}
TOOLS: list[dict[str, Any]] = [
    {"name": "shout", "description": "Give the text in capitals.", "inputSchema": TEXT},
    {
        "name": "word",
        "description": "Give the word that this server was started with.",
        "inputSchema": NOTHING,
    },
    {"name": "much", "description": "Give twenty million characters.", "inputSchema": NOTHING},
    {
        "name": "hang",
        "description": "Make the file `text`, and never answer.",
        "inputSchema": TEXT,
    },
    {
        "name": "ask",
        "description": "Ask the person, by a form or (page) a page to visit; give what the client answered.",
        "inputSchema": {"type": "object", "properties": {"page": {"type": "boolean"}}},
    },
]
MUCH = 20_000_000
FORM: dict[str, Any] = {
    "mode": "form",
    "message": "Who comes to tea?",
    "requestedSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Your name?", "minLength": 2},
            "guests": {"type": "integer", "description": "How many guests?", "minimum": 1, "maximum": 9},
            "cake": {"type": "boolean", "description": "With cake?"},
            "bird": {"type": "string", "description": "Which bird?", "enum": ["heron", "stork"]},
            "note": {"type": "string", "description": "A note?"},
        },
        "required": ["name", "guests", "cake", "bird"],
    },
}
PAGE: dict[str, Any] = {
    "mode": "url",
    "message": "Log in, please.",
    "url": "https://example.invalid/login",
    "elicitationId": "e1",
}


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        server = {"name": "probe", "version": "1"}
        version = params.get("protocolVersion") or "2025-06-18"
        known = version if version < "2026" else "2025-06-18"
        return {"protocolVersion": known, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        text = text_of(str(params.get("name")), (params.get("arguments") or {}).get("text", ""))
        return {"content": [{"type": "text", "text": text}], "isError": False}
    return {} if method == "ping" else None


def text_of(tool: str, given: str) -> str:
    if tool == "shout":
        return given.upper()
    if tool == "much":
        return "x" * MUCH
    if tool == "hang":
        Path(given).touch()
        time.sleep(3600)
    return os.environ.get("PROBE_WORD", "")


class Asked:
    """The questions to the client that have no answer yet: id of the question → id of the call."""

    def __init__(self) -> None:
        self._calls: dict[str, object] = {}
        self._can = False

    def hear(self, message: dict[str, Any]) -> bool:
        """Take what is about questions; say whether it was that."""
        if message.get("method") == "initialize":
            self._can = "elicitation" in ((message.get("params") or {}).get("capabilities") or {})
        params = message.get("params") or {}
        if message.get("method") == "tools/call" and params.get("name") == "ask":
            self._ask(message["id"], PAGE if (params.get("arguments") or {}).get("page") else FORM)
            return True
        if "method" not in message and message.get("id") in self._calls:
            given = message.get("result") or {"action": "failed", **(message.get("error") or {})}
            words = f"{given.get('action')} {json.dumps(given.get('content') or {}, sort_keys=True)}"
            self._tell(self._calls.pop(message["id"]), words)
            return True
        return False

    def _ask(self, call: object, params: dict[str, Any]) -> None:
        if not self._can:
            self._tell(call, "the client takes no questions")
            return
        number = f"q{len(self._calls)}-{call}"
        self._calls[number] = call
        send({"id": number, "method": "elicitation/create", "params": params})

    def _tell(self, call: object, text: str) -> None:
        send({"id": call, "result": {"content": [{"type": "text", "text": text}], "isError": False}})


def send(message: dict[str, Any]) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def main() -> None:
    mute = "--mute" in sys.argv
    asked = Asked()
    for line in sys.stdin:
        if mute or not line.strip():
            continue
        message = json.loads(line)
        if asked.hear(message) or "id" not in message or "method" not in message:
            continue
        found = result_of(message["method"], message.get("params") or {})
        if found is None:
            send({"id": message["id"], "error": {"code": -32601, "message": "no such method"}})
        else:
            send({"id": message["id"], "result": found})


if __name__ == "__main__":
    main()
