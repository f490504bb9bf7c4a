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
]
MUCH = 20_000_000


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


def main() -> None:
    mute = "--mute" in sys.argv
    for line in sys.stdin:
        if mute or not line.strip():
            continue
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        found = result_of(message["method"], message.get("params") or {})
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        if found is None:
            answer["error"] = {"code": -32601, "message": "no such method"}
        else:
            answer["result"] = found
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
