"""The SDK or command line of each kind, driven by as little as it takes: the floor of `agents_cost`.

`python -m benchmarks.bare_agents KIND FOLDER [COMMAND…]` says `{"ready": true}` when it could take a prompt.
For each line `{"prompt": text}` it answers, at the turn's end, `{"first": seconds}`: from sending it to the
first piece of words. No policy, no log, no approvals: nothing but the vendor's own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

LINE_LIMIT = 2**26
Json = dict[str, Any]


class Bare(Protocol):
    async def start(self) -> None: ...

    def turn(self, prompt: str) -> AsyncIterator[None]:
        """Yield once for each piece of words, until the turn has ended."""
        ...

    async def close(self) -> None: ...


class Claude:
    """`ClaudeSDKClient`, as its documentation shows it."""

    def __init__(self, folder: str, command: list[str]) -> None:
        self.folder = folder

    async def start(self) -> None:
        from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

        options = ClaudeAgentOptions(
            cwd=self.folder,
            system_prompt={"type": "preset", "preset": "claude_code"},
            include_partial_messages=True,
            setting_sources=[],
            strict_mcp_config=True,
        )
        self.client = ClaudeSDKClient(options)
        await self.client.connect()

    async def turn(self, prompt: str) -> AsyncIterator[None]:
        from claude_agent_sdk import StreamEvent

        await self.client.query(prompt)
        async for message in self.client.receive_response():
            if isinstance(message, StreamEvent) and "text_delta" in json.dumps(message.event):
                yield

    async def close(self) -> None:
        await self.client.disconnect()


class Wire:
    """JSON-RPC, a line a message, over a program's stdio."""

    def __init__(self, argv: list[str], folder: str) -> None:
        self.argv, self.folder = argv, folder
        self.numbers = itertools.count(1)
        self.told: asyncio.Queue[Json] = asyncio.Queue()
        self.waiting: dict[int, asyncio.Future[Json]] = {}

    async def open(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self.argv,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
            limit=LINE_LIMIT,
        )
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said = json.loads(line)
            if "method" not in said and said.get("id") in self.waiting:
                self.waiting.pop(said["id"]).set_result(said)
            await self.told.put(said)

    def say(self, method: str, params: Json, number: int | None = None) -> None:
        assert self.process.stdin is not None
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        self.process.stdin.write(
            json.dumps(body if number is None else {**body, "id": number}).encode() + b"\n"
        )

    def ask(self, method: str, params: Json) -> asyncio.Future[Json]:
        number = next(self.numbers)
        found = self.waiting[number] = asyncio.get_running_loop().create_future()
        self.say(method, params, number)
        return found

    async def call(self, method: str, params: Json) -> Json:
        answer = await asyncio.wait_for(self.ask(method, params), 60)
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer.get('error')}")
        found: Json = answer["result"]
        return found

    async def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await asyncio.wait([self.listening])


class Codex:
    """`codex app-server`, with the same features switched off as the kind does."""

    def __init__(self, folder: str, command: list[str]) -> None:
        from agor_jupyter.agents.codex import options, probe

        program = probe.find_program(os.environ)
        self.folder = folder
        self.wire = Wire(options.argv_of(str(program), hold_key=False), folder)

    async def start(self) -> None:
        await self.wire.open()
        client = {"name": "bare", "title": "Bare", "version": "1"}
        await self.wire.call("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})
        self.wire.say("initialized", {})
        asked = {"cwd": self.folder, "approvalPolicy": "on-request", "sandbox": "read-only"}
        self.thread = (await self.wire.call("thread/start", asked))["thread"]["id"]

    async def turn(self, prompt: str) -> AsyncIterator[None]:
        self.wire.ask("turn/start", {"threadId": self.thread, "input": [{"type": "text", "text": prompt}]})
        while (said := await self.wire.told.get()).get("method") != "turn/completed":
            if said.get("method") == "item/agentMessage/delta":
                yield

    async def close(self) -> None:
        await self.wire.close()


class Acp:
    """Any program that speaks the Agent Client Protocol."""

    def __init__(self, folder: str, command: list[str]) -> None:
        self.folder = folder
        self.wire = Wire(command, folder)

    async def start(self) -> None:
        await self.wire.open()
        await self.wire.call("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
        new = await self.wire.call("session/new", {"cwd": self.folder, "mcpServers": []})
        self.session = new["sessionId"]

    async def turn(self, prompt: str) -> AsyncIterator[None]:
        words = [{"type": "text", "text": prompt}]
        ended = self.wire.ask("session/prompt", {"sessionId": self.session, "prompt": words})
        while True:
            said = await self.wire.told.get()
            update = (said.get("params") or {}).get("update") or {}
            if update.get("sessionUpdate") == "agent_message_chunk":
                yield
            if ended.done() and said is ended.result():
                return

    async def close(self) -> None:
        await self.wire.close()


class OpenAi:
    """The SDK's own `Runner`, on chat completions."""

    def __init__(self, folder: str, command: list[str]) -> None:
        self.history: list[Any] = []

    async def start(self) -> None:
        import agents
        import openai

        agents.set_tracing_disabled(True)
        self.runner = agents.Runner
        model = agents.OpenAIChatCompletionsModel("scripted-small", openai.AsyncOpenAI())
        # With a tool, as an agent has: the scripted server takes one without for a summary.
        self.agent = agents.Agent(
            name="bare", instructions="Help.", model=model, tools=[agents.function_tool(no_tool)]
        )

    async def turn(self, prompt: str) -> AsyncIterator[None]:
        asked = [*self.history, {"role": "user", "content": prompt}]
        result = self.runner.run_streamed(self.agent, asked)
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                yield
        self.history = result.to_input_list()

    async def close(self) -> None:
        """Nothing to close."""


def no_tool(word: str) -> str:
    """Do nothing with a word."""
    return word


class GeminiApi:
    """`generate_content_stream`, with the history sent along."""

    def __init__(self, folder: str, command: list[str]) -> None:
        self.history: list[Any] = []

    async def start(self) -> None:
        from google import genai

        self.client = genai.Client()

    async def turn(self, prompt: str) -> AsyncIterator[None]:
        self.history.append({"role": "user", "parts": [{"text": prompt}]})
        said = ""
        asked = await self.client.aio.models.generate_content_stream(
            model="gemini-flash-latest", contents=self.history
        )
        async for piece in asked:
            if piece.text:
                said += piece.text
                yield
        self.history.append({"role": "model", "parts": [{"text": said}]})

    async def close(self) -> None:
        await self.client.aio.aclose()


BARE: dict[str, Callable[[str, list[str]], Bare]] = {
    "acp": Acp,
    "claude": Claude,
    "codex": Codex,
    "gemini": Acp,
    "gemini_api": GeminiApi,
    "openai": OpenAi,
}
PROGRAMS = frozenset({"acp", "claude", "codex", "gemini"})
"""Those with a program of their own: its memory is what counts, without this process's."""


async def serve(kind: str, folder: str, command: list[str]) -> None:
    bare = BARE[kind](folder, command)
    await bare.start()
    print(json.dumps({"ready": True}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        began, first = time.perf_counter(), None
        async for _ in bare.turn(json.loads(line)["prompt"]):
            first = first or time.perf_counter() - began
        print(json.dumps({"first": first}), flush=True)
    await bare.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3:]))
