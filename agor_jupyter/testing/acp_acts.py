"""What the scripted ACP agent does in a turn: the steps of a prompt, for real.

Standard library alone. See `acp_agent`, whose part this is.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

Json = Any  # what stands in a message: any shape is legal

STEPS = (
    "say: text (delay_ms between pieces)",
    "think: text",
    "write: [path, text]",
    "run: command line",
    "plan: [entries]",
    "recall: true  (the prompts before this one)",
    "use: [server, tool, arguments] (silent: says nothing of the result)",
    "count: images",
    "update: {a session update, sent as it is}",
    "notify: [method, {parameters}]  (of the agent's own)",
    "ask: {a tool call}  (a request for it, sent as it is)",
    "fail: [code, message]",
    "end: stop reason",
    "die: exit code",
    "cut: true  (die in the middle of a message)",
)
OPTIONS = (
    {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
    {"optionId": "yes-always", "name": "Yes, and never ask again", "kind": "allow_always"},
    {"optionId": "no", "name": "No", "kind": "reject_once"},
)
MODELS, EFFORTS = ("small", "large"), ("low", "high")
LINE_LIMIT = 64 * 2**20


class Refused(Exception):
    """An error answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Wire:
    """JSON-RPC, one message a line, both ways."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._number = 0

    def write(self, message: Json) -> None:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def tell(self, session_id: str, kind: str, /, **members: Json) -> None:
        params = {"sessionId": session_id, "update": {"sessionUpdate": kind, **members}}
        self.write({"method": "session/update", "params": params})

    async def ask(self, method: str, params: Json) -> Json:
        self._number += 1
        number = self._number
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self.write({"id": number, "method": method, "params": params})
        try:
            return await self._waiting[number]
        finally:
            del self._waiting[number]

    def answered(self, message: Json) -> None:
        future = self._waiting.get(message["id"])
        if future is not None and not future.done():
            future.set_result(message.get("result") or {})


class Session:
    """One conversation, kept as a file."""

    def __init__(self, store: Path, number: str, cwd: str, prompts: list[str], servers: list[Json]) -> None:
        self.path = store / f"{number}.json"
        self.id, self.cwd, self.prompts = number, Path(cwd), prompts
        self.servers = {server["name"]: server for server in servers}
        self.mode, self.model, self.effort = "default", MODELS[0], EFFORTS[0]
        self.turns = 0
        self.asks = True
        self.cost = 0.01 * len(prompts)
        self.turn: asyncio.Task[None] | None = None
        self.always: set[str] = set()
        self.connected: dict[str, asyncio.subprocess.Process] = {}

    def save(self) -> None:
        fresh = self.path.with_suffix(".tmp")
        fresh.write_text(json.dumps(self.prompts), encoding="utf-8")
        fresh.replace(self.path)


class Acts:
    """The steps of one turn."""

    def __init__(self, wire: Wire, session: Session, images: int, *, streams: bool) -> None:
        self.wire, self.session, self.images, self.streams = wire, session, images, streams
        self.running: list[asyncio.subprocess.Process] = []
        self.stop_reason = "end_turn"

    async def do(self, step: Json) -> None:
        name = next(key for key in step if key not in ("delay_ms", "silent"))
        value = step[name]
        match name:
            case "say" | "think":
                await self.speak(name, value, step.get("delay_ms", 0))
            case "write":
                await self.write(*value)
            case "run":
                await self.run(value)
            case "plan":
                entries = [{"content": entry, "priority": "high", "status": "pending"} for entry in value]
                self.tell("plan", entries=entries)
            case "recall":
                await self.speak("say", "\n".join(self.session.prompts[:-1]), 0)
            case "use":
                await self.use(*value, silent=step.get("silent", False))
            case "count":
                await self.speak("say", f"images: {self.images}", 0)
            case "update":
                self.tell(value.pop("sessionUpdate"), **value)
            case "notify":
                method, params = value
                self.wire.write({"method": method, "params": params})
            case "ask":
                asked = {"sessionId": self.session.id, "toolCall": value, "options": OPTIONS}
                await self.wire.ask("session/request_permission", asked)
            case "end":
                self.stop_reason = value
            case "fail":
                raise Refused(*value)
            case "die":
                sys.stderr.write("The scripted agent was told to die.\n")
                sys.stderr.flush()
                os._exit(value)
            case "cut":
                sys.stdout.write('{"jsonrpc": "2.0", "method": "session/up')
                sys.stdout.flush()
                os._exit(0)

    def tell(self, kind: str, /, **members: Json) -> None:
        self.wire.tell(self.session.id, kind, **members)

    async def speak(self, name: str, text: str, delay_ms: int) -> None:
        kind = "agent_message_chunk" if name == "say" else "agent_thought_chunk"
        for start in range(0, len(text), 12):
            self.tell(kind, content=words(text[start : start + 12]))
            await asyncio.sleep(delay_ms / 1000)

    async def write(self, name: str, text: str) -> None:
        path = self.session.cwd / name
        before = path.read_text(encoding="utf-8") if path.exists() else None
        diff = {"type": "diff", "path": str(path), "oldText": before, "newText": text}
        call = {
            "title": f"Write {name}",
            "kind": "edit",
            "rawInput": {"path": name},
            "locations": [{"path": str(path)}],
            "content": [diff],
        }
        key = await self.allowed(call)
        if key is None:
            return
        path.write_text(text, encoding="utf-8")
        self.tell("tool_call_update", toolCallId=key, status="completed", content=[diff])

    async def run(self, command: str) -> None:
        call = {"title": f"`{command}`", "kind": "execute", "rawInput": {"command": command}}
        key = await self.allowed(call)
        if key is None:
            return
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            cwd=self.session.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self.running.append(process)
        printed = ""
        while process.stdout is not None and (data := await process.stdout.read(65536)):
            printed += data.decode(errors="replace")
            if self.streams:
                told = {"terminal_output": {"terminal_id": key, "data": data.decode(errors="replace")}}
                self.tell("tool_call_update", toolCallId=key, status="in_progress", _meta=told)
        code = await process.wait()
        ended: Json = {"toolCallId": key, "status": "completed", "rawOutput": {"exit_code": code}}
        if self.streams:
            ended["_meta"] = {"terminal_exit": {"terminal_id": key, "exit_code": code}}
        else:
            ended["content"] = [{"type": "content", "content": words(f"```console\n{printed}\n```")}]
        self.tell("tool_call_update", **ended)

    async def use(self, server: str, tool: str, arguments: Json, *, silent: bool) -> None:
        call = {"title": f"mcp__{server}__{tool}", "kind": "other", "rawInput": arguments}
        key = await self.allowed(call)
        if key is None:
            return
        given = await self.call_tool(self.session.servers[server], tool, arguments)
        shown = [{"type": "content", "content": words(given)}]
        self.tell("tool_call_update", toolCallId=key, status="completed", content=shown)
        if not silent:
            await self.speak("say", given, 0)

    async def call_tool(self, server: Json, tool: str, arguments: Json) -> str:
        """Speak MCP with a stdio server, which is started once for the conversation."""
        name, servers = server["name"], self.session.connected
        if name not in servers:
            servers[name] = await asyncio.create_subprocess_exec(
                server["command"],
                *server["args"],
                env={**os.environ, **{item["name"]: item["value"] for item in server["env"]}},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT,
            )
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "scripted"}}
            await ask_server(servers[name], "initialize", hello)
        answer = await ask_server(servers[name], "tools/call", {"name": tool, "arguments": arguments})
        return "\n".join(block.get("text", "") for block in answer["content"])

    async def allowed(self, call: Json) -> str | None:
        """Tell of a call and ask for it; None when it may not be."""
        key = f"call-{uuid.uuid4().hex[:8]}"
        self.tell("tool_call", toolCallId=key, status="pending", **call)
        if not self.session.asks or self.session.mode == "auto" or call["title"] in self.session.always:
            return key
        asked = {"sessionId": self.session.id, "toolCall": {"toolCallId": key, **call}, "options": OPTIONS}
        answer = await self.wire.ask("session/request_permission", asked)
        outcome = answer.get("outcome") or {}
        if outcome.get("optionId") == "yes-always":
            self.session.always.add(call["title"])
        if str(outcome.get("optionId", "")).startswith("yes"):
            self.tell("tool_call_update", toolCallId=key, status="in_progress")
            return key
        self.tell("tool_call_update", toolCallId=key, status="failed")
        return None

    def end_commands(self) -> None:
        for process in self.running:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)


async def ask_server(process: asyncio.subprocess.Process, method: str, params: Json) -> Json:
    """Send one request to a tool server and wait for its answer."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  (both are pipes)
    line = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    process.stdin.write(json.dumps(line).encode() + b"\n")
    return json.loads(await process.stdout.readline())["result"]


def steps_of(prompt: str) -> list[Json]:
    """Read the steps of a prompt; words without any are echoed."""
    _, mark, steps = prompt.partition("STEPS:")
    if not mark:
        return [{"say": f"You said: {prompt}"}]
    found: list[Json] = json.JSONDecoder().raw_decode(steps.strip())[0]
    return found


def words(text: str) -> Json:
    return {"type": "text", "text": text}
