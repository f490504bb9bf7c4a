"""A small stdio MCP server to hand to agents under test. Run by its path; standard library only."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOLS: list[dict[str, Any]] = [
    {"name": "shout", "description": "Give the text in capitals.", "inputSchema": TEXT},
    {
        "name": "word",
        "description": "Give the word that this server was started with.",
        "inputSchema": {"type": "object", "properties": {}},
    },
]


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        server = {"name": "probe", "version": "1"}
        version = params.get("protocolVersion") or "2025-06-18"
        known = version if version < "2026" else "2025-06-18"
        return {"protocolVersion": known, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        given = (params.get("arguments") or {}).get("text", "")
        text = given.upper() if params.get("name") == "shout" else os.environ.get("PROBE_WORD", "")
        return {"content": [{"type": "text", "text": text}], "isError": False}
    return {} if method == "ping" else None


def main() -> None:
    for line in sys.stdin:
        if not line.strip():
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
