"""A scripted agent that speaks the Agent Client Protocol on its stdio, for tests of those who host one.

`python -m agor_jupyter.testing.acp_agent`; `--help` lists what it can be told to lack. Standard
library alone. It does what the prompt's own steps say, for real: it writes files, runs
commands, asks for permission, calls tool servers. Its conversations are files in the store.

A prompt holds its steps as JSON behind a line `STEPS:`. See `acp_acts.STEPS`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

from agor_jupyter.testing.acp_acts import (
    EFFORTS,
    LINE_LIMIT,
    MODELS,
    Acts,
    Json,
    Refused,
    Session,
    Wire,
    steps_of,
    words,
)

ABILITIES = ("load", "resume", "fork", "image", "embedded", "models", "modes", "commands", "terminal")


class Agent:
    """The methods of the protocol."""

    def __init__(
        self, wire: Wire, store: Path, without: set[str], needs_login: bool, stuck: bool = False
    ) -> None:
        self.wire, self.store, self.without, self.needs_login = wire, store, without, needs_login
        self.stuck = stuck
        self.deaf = False
        self.title = "Scripted agent"
        self.modes: tuple[str, ...] = ("default", "plan", "auto")
        self.counts_the_session = False
        self.forks_open_ones = self.refuses_forks = False
        self.sessions: dict[str, Session] = {}
        self.streams_terminals = False
        self.methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "initialize": self.initialize,
            "authenticate": self.authenticate,
            "session/new": self.new,
            "session/load": self.load,
            "session/resume": self.resume,
            "session/fork": self.fork,
            "session/set_mode": self.set_mode,
            "session/set_config_option": self.set_config,
        }

    def can(self, ability: str) -> bool:
        return ability not in self.without

    async def initialize(self, params: Json) -> Json:
        meta = (params.get("clientCapabilities") or {}).get("_meta") or {}
        self.streams_terminals = self.can("terminal") and bool(meta.get("terminal_output"))
        sessions: Json = {name: {} for name in ("resume", "fork") if self.can(name)}
        return {
            "protocolVersion": params["protocolVersion"],
            "authMethods": [{"id": "token", "name": "A token"}],
            "agentInfo": {"name": "scripted", "title": self.title, "version": "1.0"},
            "agentCapabilities": {
                "loadSession": self.can("load"),
                "promptCapabilities": {
                    "image": self.can("image"),
                    "embeddedContext": self.can("embedded"),
                },
                "mcpCapabilities": {"http": False},
                "sessionCapabilities": sessions,
            },
        }

    async def authenticate(self, params: Json) -> Json:
        if params["methodId"] != "token":
            raise Refused(-32602, f"There is no login {params['methodId']}")
        self.needs_login = False
        return {}

    async def new(self, params: Json) -> Json:
        if self.needs_login:
            raise Refused(-32000, "Authentication required")
        if self.stuck and any(server["name"] != "agor" for server in params["mcpServers"]):
            await asyncio.Event().wait()  # as agents do that wait for a tool server
        return self.open(params, str(uuid.uuid4()), [])

    async def load(self, params: Json) -> Json:
        answer = await self.resume(params)
        session = self.sessions[params["sessionId"]]
        for prompt in session.prompts:
            self.wire.tell(session.id, "user_message_chunk", content=words(prompt))
            self.wire.tell(session.id, "agent_message_chunk", content=words("A replayed answer."))
        return answer

    async def resume(self, params: Json) -> Json:
        return self.open(params, params["sessionId"], self.kept(params["sessionId"]))

    async def fork(self, params: Json) -> Json:
        if self.needs_login:
            raise Refused(-32000, "Authentication required")
        if self.refuses_forks:
            raise Refused(-32603, "No forks today")
        if self.forks_open_ones and params["sessionId"] not in self.sessions:
            raise Refused(-32602, "Session not found")
        return self.open(params, str(uuid.uuid4()), self.kept(params["sessionId"]))

    def kept(self, number: str) -> list[str]:
        try:
            found: list[str] = json.loads((self.store / f"{number}.json").read_text(encoding="utf-8"))
        except OSError:
            raise Refused(-32002, f"No session {number}") from None
        return found

    def open(self, params: Json, number: str, prompts: list[str]) -> Json:
        session = Session(self.store, number, params["cwd"], prompts, params["mcpServers"])
        session.asks = not self.deaf
        session.mode = self.modes[0]
        self.sessions[number] = session
        if prompts:
            session.save()
        if self.can("commands"):
            listed = [{"name": "notes", "description": "Show the notes."}]
            later = asyncio.get_running_loop().call_soon
            later(lambda: self.wire.tell(session.id, "available_commands_update", availableCommands=listed))
        return {"sessionId": number, **self.choices(session)}

    def choices(self, session: Session) -> Json:
        found: Json = {}
        if self.can("modes"):
            modes = [{"id": name, "name": name.capitalize()} for name in self.modes]
            found["modes"] = {"currentModeId": session.mode, "availableModes": modes}
        if self.can("models"):
            found["configOptions"] = [
                select("model", "model", session.model, MODELS),
                select("effort", "thought_level", session.effort, EFFORTS),
            ]
        return found

    async def set_mode(self, params: Json) -> Json:
        self.sessions[params["sessionId"]].mode = params["modeId"]
        return {}

    async def set_config(self, params: Json) -> Json:
        session = self.sessions[params["sessionId"]]
        name, value = params["configId"], params["value"]
        if value not in (*MODELS, *EFFORTS):
            raise Refused(-32602, f"There is no {name} {value}")
        setattr(session, name, value)
        return {"configOptions": self.choices(session)["configOptions"]}

    async def prompt(self, params: Json) -> Json:
        session = self.sessions[params["sessionId"]]
        blocks = params["prompt"]
        texts = [block.get("text") or (block.get("resource") or {}).get("text") or "" for block in blocks]
        session.prompts.append("\n".join(texts))
        session.save()
        images = sum(block["type"] == "image" for block in blocks)
        acts = Acts(self.wire, session, images, streams=self.streams_terminals)
        try:
            for step in steps_of(session.prompts[-1]):
                await acts.do(step)
        except asyncio.CancelledError:
            return {"stopReason": "cancelled"}
        finally:
            acts.end_commands()
        session.cost += 0.01
        cost = {"amount": round(session.cost, 4), "currency": "USD"}
        self.wire.tell(session.id, "usage_update", used=1000 * len(session.prompts), size=200_000, cost=cost)
        session.turns += 1
        times = session.turns if self.counts_the_session else 1
        tokens = {"totalTokens": 120, "inputTokens": 100, "outputTokens": 20, "cachedReadTokens": 5}
        usage = {name: count * times for name, count in tokens.items()}
        return {"stopReason": acts.stop_reason, "usage": usage}


def select(name: str, category: str, current: str, values: tuple[str, ...]) -> Json:
    options = [{"value": value, "name": value.capitalize()} for value in values]
    return {
        "id": name,
        "name": name.capitalize(),
        "category": category,
        "type": "select",
        "currentValue": current,
        "options": options,
    }


async def serve(agent: Agent) -> None:
    """Take messages until stdin ends. Requests are answered side by side."""
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    jobs: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        message = json.loads(line)
        method, params = message.get("method"), message.get("params") or {}
        if method is None:
            agent.wire.answered(message)
        elif method == "session/cancel":
            turn = agent.sessions[params["sessionId"]].turn
            if turn is not None and not agent.deaf:
                turn.cancel()
        elif "id" in message:
            job = asyncio.create_task(answer(agent, message["id"], method, params))
            jobs.add(job)
            job.add_done_callback(jobs.discard)
            if method == "session/prompt":
                agent.sessions[params["sessionId"]].turn = job
                await asyncio.sleep(0)  # it has begun: cancelled before, it would never answer
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def answer(agent: Agent, number: Json, method: str, params: Json) -> None:
    handler = agent.prompt if method == "session/prompt" else agent.methods.get(method)
    if handler is None:
        agent.wire.write({"id": number, "error": {"code": -32601, "message": "Method not found"}})
        return
    try:
        agent.wire.write({"id": number, "result": await handler(params)})
    except Refused as error:
        agent.wire.write({"id": number, "error": {"code": error.code, "message": str(error)}})


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted ACP agent.")
    parser.add_argument("--store", type=Path, default=Path.home() / ".scripted-acp-agent")
    parser.add_argument("--without", action="append", default=[], choices=ABILITIES)
    parser.add_argument("--needs-login", action="store_true")
    parser.add_argument("--stuck-servers", action="store_true", help="as if tool servers never answered")
    parser.add_argument("--deaf", action="store_true", help="ask nobody, go on when cancelled")
    parser.add_argument("--title", default="Scripted agent", help="the name that it gives itself")
    parser.add_argument("--modes", default="default,plan,auto", help="its modes; it begins in the first")
    parser.add_argument("--counts-the-session", action="store_true", help="tell the tokens of all turns")
    parser.add_argument("--forks-open-ones", action="store_true", help="fork only what was loaded before")
    parser.add_argument("--refuses-forks", action="store_true", help="say that it forks, and refuse to")
    options = parser.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    agent = Agent(Wire(), options.store, set(options.without), options.needs_login, options.stuck_servers)
    agent.deaf = options.deaf
    agent.title, agent.modes = options.title, tuple(options.modes.split(","))
    agent.counts_the_session = options.counts_the_session
    agent.forks_open_ones, agent.refuses_forks = options.forks_open_ones, options.refuses_forks
    asyncio.run(serve(agent))


if __name__ == "__main__":
    main()
