"""P7: what it costs to bring one streamed event to a hundred browsers, against a bare websocket.

`python -m benchmarks.event_fanout` prints a table. The server runs here, the hundred clients in a
process of their own. *ours*: events appended to the log, read by the hub, framed once, sent to all.
*bare*: a tornado handler that writes ready-made texts of the same size to all, at the same rate.
What is judged is the server's CPU for each event delivered; 79 to 127 us were measured elsewhere for
Agor's `POST /messages`, of which P7 allows 0.15. The log is in memory: its cost is `durable_append`'s.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketHandler, websocket_connect

from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.user import LOCAL_USER
from agor_jupyter.server.routes import open_server, routes
from agor_jupyter.service import sessions
from agor_jupyter.service.house import server_actor
from agor_jupyter.service.requests import CreateSession
from agor_jupyter.testing.house import TestHouse, open_house
from agor_jupyter.testing.live_server import LiveServer, live_server

CLIENTS = 100
SECONDS = 5.0
RATES = {"one agent (20 events/s)": (20, 1), "a burst (200 events/s)": (20, 10)}
ROUNDS = 3
WORDS = "some words that an agent says, "
ELSEWHERE_US = (79, 127)


class BareHandler(WebSocketHandler):
    """The floor: write a text to everybody."""

    everybody: set[BareHandler] = set()

    def open(self, *args: str, **kwargs: str) -> None:
        self.everybody.add(self)
        self.set_nodelay(True)

    def on_close(self) -> None:
        self.everybody.discard(self)

    def on_message(self, message: str | bytes) -> None:
        """Take the subscription that the other kind needs."""


async def clients(url: str, token: str, session: str, expected: int) -> None:
    """Be a hundred browsers; say how late events came."""
    late: list[float] = []

    async def client() -> None:
        connection = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {token}"}))
        await connection.write_message(
            json.dumps({"id": 1, "subscribe": {"session": session, "after_seq": 0}})
        )
        seen = 0
        while seen < expected:
            message = await connection.read_message()
            if message is None:
                raise RuntimeError(f"closed with {connection.close_code}")
            for event in json.loads(message).get("events", []):
                words = event["update"].get("text", "")
                if words.startswith("at "):
                    seen += 1
                    late.append(1000 * (time.time() - float(words.split()[1])))
        connection.close()

    jobs = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    await asyncio.sleep(1.5)
    print("ready", flush=True)
    await asyncio.gather(*jobs)
    late.sort()
    print(json.dumps({"p50": late[len(late) // 2], "p99": late[int(0.99 * (len(late) - 1))]}), flush=True)


def text() -> str:
    return f"at {time.time()} {WORDS}"


async def stream(kind: str, made: TestHouse, session_id: SessionId, ticks: float, each: int) -> None:
    """Say `each` events, `ticks` times a second."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for tick in range(int(ticks * SECONDS)):
        if kind == "ours":
            await made.work.say(session_id, *(text() for _ in range(each)))
        else:
            event = {"seq": 1, "session_id": session_id, "task_id": "t" * 21, "at_ms": 0}
            update = {"type": "agent_message_chunk", "message_id": "m1", "parent_tool_call_id": None}
            events = [{**event, "update": {**update, "text": text()}} for _ in range(each)]
            frame = json.dumps({"session": session_id, "events": events})
            for handler in tuple(BareHandler.everybody):
                handler.write_message(frame)
        await asyncio.sleep(max(0, start + (tick + 1) / ticks - loop.time()))


async def once(server: LiveServer, made: TestHouse, kind: str, ticks: int, each: int) -> dict[str, float]:
    session_id = await new_session(made)
    expected = int(ticks * SECONDS) * each
    path = "agor/api/v1/events" if kind == "ours" else "bare"
    token = str(server.app.identity_provider.token)
    arguments = ["clients", server.url(path, scheme="ws"), token, session_id, str(expected)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.event_fanout", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    idle = await spent(1.0)
    before = time.process_time()
    await stream(kind, made, session_id, ticks, each)
    said = json.loads(await process.stdout.readline())
    cpu = time.process_time() - before - idle * SECONDS
    await process.wait()
    return {"cpu_us": 1e6 * cpu / (expected * CLIENTS), **said}


async def spent(seconds: float) -> float:
    before = time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - before) / seconds


async def new_session(made: TestHouse) -> SessionId:
    worktree = await made.house.records.worktrees.get("wt_0000000000000000")
    body = CreateSession(worktree_id="wt_0000000000000000", agent="demo", prompt="go")
    if worktree is None:
        path = made.house.paths.worktrees_root / "w"
        (path / ".git").mkdir(parents=True)
        names: dict[str, Any] = {
            "repo_id": "repo_0",
            "name": "w",
            "branch": "w",
            "base": "main",
            "base_sha": "",
        }
        record = Worktree(
            id="wt_0000000000000000", path=str(path), owner=LOCAL_USER, created_ms=0, **names
        )  # fmt: skip
        await made.house.records.worktrees.put(record, by=LOCAL_USER)
    session = await sessions.create(made.house, server_actor(), body)
    await made.work.start(session.id)
    return session.id


async def measure() -> dict[str, dict[str, list[dict[str, float]]]]:
    found: dict[str, dict[str, list[dict[str, float]]]] = {rate: {"ours": [], "bare": []} for rate in RATES}
    with tempfile.TemporaryDirectory() as name:
        async with live_server(Path(name), named_users=False) as server:
            made = open_house(Path(name))
            hub = open_server(server.app.web_app.settings, made.house)
            bare = [(f"{server.base_url}bare", BareHandler)]
            server.app.web_app.add_handlers(".*$", [*routes(server.base_url), *bare])
            for _ in range(ROUNDS):
                for rate, (ticks, each) in RATES.items():
                    for kind in random.sample(["ours", "bare"], 2):
                        found[rate][kind].append(await once(server, made, kind, ticks, each))
            await hub.close()
            await made.close()
    return found


def run() -> dict[str, object]:
    """Measure; give the figures and whether P7 is met (against the figure measured elsewhere)."""
    found = asyncio.run(measure())
    result: dict[str, object] = {}
    print(f"{'rate':<26}{'kind':<6}{'CPU us/delivery':>16}{'p50 ms':>9}{'p99 ms':>9}{'ours/bare':>11}")
    for rate, kinds in found.items():
        middle = {
            kind: {name: statistics.median(one[name] for one in rounds) for name in ("cpu_us", "p50", "p99")}
            for kind, rounds in kinds.items()
        }
        pairs = zip(kinds["ours"], kinds["bare"], strict=True)
        ratio = statistics.median(ours["cpu_us"] / bare["cpu_us"] for ours, bare in pairs)
        for kind, figures in middle.items():
            shown = f"{ratio:>11.2f}" if kind == "ours" else ""
            print(
                f"{rate:<26}{kind:<6}{figures['cpu_us']:>16.1f}{figures['p50']:>9.1f}{figures['p99']:>9.1f}{shown}"
            )
        result[rate] = {**middle, "ratio": ratio}
        result[f"P7 {rate}"] = middle["ours"]["cpu_us"] <= 0.15 * ELSEWHERE_US[1]
    return result


if __name__ == "__main__":
    if sys.argv[1:2] == ["clients"]:
        asyncio.run(clients(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
    else:
        run()
