"""`python bridge.py SOCKET`: the house's tools as a stdio MCP server, for agents that take only that.

Run by its path, with the standard library alone: it starts in a few hundredths of a second, and an
agent's environment needs nothing of ours. It holds no token; the socket is its runner's, and lets it
call tools and nothing else. One JSON-RPC message a line (MCP's stdio transport).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from typing import Any

Json = Any  # what stands in a message: any shape is legal

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
NOT_FOUND = -32601

_writing = threading.Lock()


def reply(number: Json, **members: Json) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": number, **members})
    with _writing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def ask(path: str, line: Json) -> Json:
    """Send the runner one line and give its answer. A connection a call: calls wait side by side."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as runner:
        runner.connect(path)
        runner.sendall(json.dumps(line).encode() + b"\n")
        with runner.makefile("rb") as answers:
            return json.loads(answers.readline() or b"null")


def call(path: str, number: Json, params: dict[str, Json]) -> None:
    name, arguments = params.get("name", ""), params.get("arguments") or {}
    line = {"type": "call_tool", "id": 1, "tool": name, "input": arguments}
    try:
        answer = (ask(path, line) or {}).get("answer")
    except (OSError, ValueError):
        answer = None
    except RecursionError:
        answer = {"text": "The arguments are nested too deep.", "failed": True}
    if answer is None:
        answer = {"text": "Agor's session has ended.", "failed": True}
    content = [{"type": "text", "text": answer["text"]}]
    reply(number, result={"content": content, "isError": bool(answer["failed"])})


def listed(path: str) -> list[Json]:
    found = (ask(path, {"type": "list_tools", "id": 1}) or {}).get("tools") or []
    return [
        {"name": tool["name"], "description": tool["description"], "inputSchema": tool["parameters"]}
        for tool in found
    ]


def handle(path: str, message: dict[str, Json]) -> None:
    method, number, params = message.get("method"), message.get("id"), message.get("params")
    params = params if isinstance(params, dict) else {}
    if number is None or method is None:
        return  # a notification, or an answer to what was never asked
    if method == "initialize":
        wanted = params.get("protocolVersion")
        reply(
            number,
            result={
                "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[1],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "agor", "version": "1"},
            },
        )
    elif method == "ping":
        reply(number, result={})
    elif method == "tools/list":
        try:
            reply(number, result={"tools": listed(path)})
        except (OSError, ValueError) as error:
            reply(number, error={"code": -32000, "message": f"Agor's session has ended: {error}"})
    elif method == "tools/call":
        threading.Thread(target=call, args=(path, number, params), daemon=True).start()
    else:
        reply(number, error={"code": NOT_FOUND, "message": f"no method {method}"})


def main(path: str) -> None:
    for line in sys.stdin.buffer:
        if line.strip():
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                handle(path, message)
    # Calls that still wait are nobody's any more.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
