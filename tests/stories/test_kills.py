"""`kill -9` of the server, of a runner, of both, with real processes: nothing accepted is lost."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import nbformat
import psutil
import pytest

from agor_jupyter.client.api import Record
from agor_jupyter.runner.host import ALONE_SECONDS
from tests.stories.conftest import BareServer, Server, wait_until

KILLS = 20
SESSIONS = 10
BLOCKS = 600
TOKENS_A_BLOCK = 5
ENOUGH = "enough.txt"
SLOWER_SECONDS = 5.0
"""How much longer than a bare Jupyter server ours may take to be back."""

Make = Callable[..., Server]


def all_events(server: Server, session_id: str) -> list[Record]:
    events: list[Record] = []
    while page := server.api.events(session_id, after_seq=len(events)):
        events += page
    return events


def words(events: list[Record]) -> str:
    return spoken([event["update"] for event in events])


def spoken(updates: list[Record]) -> str:
    return "".join(update["text"] for update in updates if update["type"] == "agent_message_chunk")


def tokens(count: int) -> list[str]:
    return [f"tok{number}" for number in range(count)]


def check_database(server: Server, scratch: Path) -> None:
    """Check a copy of what a killed server left: to open the file itself would mend it."""
    scratch.mkdir()
    for path in (server.folder / "data").glob("agor.db*"):
        shutil.copy(path, scratch)
    with closing(sqlite3.connect(scratch / "agor.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    shutil.rmtree(scratch)


def ended(server: Server, session_id: str) -> Record | None:
    session = server.api.session(session_id)
    return session if session["last_stop_reason"] is not None and not session["current_task"] else None


def in_transcript(server: Server, session_id: str) -> list[str]:
    """Read the tokens out of what the session's notebook shows in any Jupyter."""
    path = Path(server.api.transcript(session_id)["path"])
    if not path.exists():
        return []
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return re.findall(r"tok\d+|over", "".join(str(output.data["text/markdown"]) for output in outputs))


def until_enough(folder: Path) -> Path:
    """Write a script that counts on, five tokens a second, until there is a file `enough.txt`."""
    steps: list[Record] = []
    for block in range(BLOCKS):
        first = block * TOKENS_A_BLOCK
        said = "".join(f"tok{number} " for number in range(first, first + TOKENS_A_BLOCK))
        leave = [{"say": "over"}, {"end": "end_turn"}]
        steps += [{"if": {"exists": ENOUGH, "then": leave}}, {"say": said, "delay_ms": 300}]
    path = folder / "until-enough.yml"
    path.write_text(json.dumps({"version": 1, "turns": [{"steps": steps}]}), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_server_killed_twenty_times_in_mid_stream_misses_nothing(make_server: Make, tmp_path: Path) -> None:
    server = make_server(agent_options={"demo": {"script": str(until_enough(tmp_path))}})
    moments = random.Random(20261122)
    trees = [server.worktree(f"tree-{number}") for number in range(SESSIONS)]
    seen: dict[str, list[Record]] = {str(server.session(tree, "count")["id"]): [] for tree in trees}
    for session in seen:
        wait_until(lambda id=session: "tok" in server.api.session(id)["last_words"], 60)
    restarts: list[float] = []
    streamed = 0
    for number in range(KILLS):
        time.sleep(moments.uniform(0.0, 0.8))  # the moment is the point of the test
        for session, events in seen.items():
            assert server.api.session(session)["current_task"], f"kill {number} hits no stream"
            events += server.api.events(session, after_seq=len(events))
        server.kill()
        check_database(server, tmp_path / "copy")
        streamed, before = sum(len(spoken(server.logged(session))) for session in seen), streamed
        assert streamed > before, "the agents work on"
        begun = time.monotonic()
        server.start()
        restarts.append(time.monotonic() - begun)
    for tree in trees:
        (Path(tree["path"]) / ENOUGH).touch()
    for session, before_kills in seen.items():
        wait_until(lambda id=session: ended(server, id), 60)
        events = all_events(server, session)
        assert len(before_kills) > KILLS
        assert events[: len(before_kills)] == before_kills
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        said = words(events)
        assert said == spoken(server.logged(session)), "what the agent's own log holds, each word once"
        told = said.split()
        assert told == [*tokens(len(told) - 1), "over"]
        assert server.api.session(session)["last_stop_reason"] == "end_turn"
        wait_until(lambda id=session, told=told: in_transcript(server, id) == told, 60)
    bare = restart_seconds(tmp_path / "bare")
    ours = statistics.median(restarts)
    print(f"back after {ours:.2f} s (slowest {max(restarts):.2f} s); a bare Jupyter server: {bare:.2f} s")
    assert ours < 2 * bare + SLOWER_SECONDS


def restart_seconds(folder: Path) -> float:
    """Measure how long a Jupyter server without us takes to be back after a kill."""
    server = BareServer(folder)
    times = []
    try:
        for _ in range(4):
            begun = time.monotonic()
            server.start()
            times.append(time.monotonic() - begun)
            server.kill()
    finally:
        server.end()
    return statistics.median(times[1:])


def test_a_killed_runner_is_said_and_its_conversation_goes_on(make_server: Make) -> None:
    server = make_server()
    session = server.session(server.worktree("tree"), "stream 4000 tokens at 50/s")
    queued = server.api.prompt(session["id"], "what did I ask earlier?")
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    native = server.api.session(session["id"])["native_ref"]
    (runner,) = server.runners()
    tree = [runner, *runner.children(recursive=True)]
    os.kill(runner.pid, signal.SIGKILL)
    lost = wait_until(lambda: ended(server, session["id"]), 30)
    assert (lost["status"], lost["last_stop_reason"], lost["queue"]) == ("lost", "lost", [queued["id"]])
    assert lost["error"]
    assert lost["hint"]
    wait_until(lambda: not [process for process in tree if _lives(process)], 30)
    server.api.resume(session["id"])
    done = wait_until(lambda: _at_rest(server, session["id"]))
    assert (done["status"], done["native_ref"]) == ("idle", native)
    assert "stream 4000 tokens" in words(all_events(server, session["id"]))


def test_both_killed_loses_nothing_that_was_accepted(make_server: Make, tmp_path: Path) -> None:
    server = make_server()
    session = server.session(server.worktree("tree"), "stream 4000 tokens at 50/s")
    queued = [server.api.prompt(session["id"], f"say {number}")["id"] for number in range(3)]
    wait_until(lambda: "tok20 " in words(all_events(server, session["id"])))
    before = all_events(server, session["id"])
    runners = server.runners()
    server.kill()
    for runner in runners:
        os.kill(runner.pid, signal.SIGKILL)
    check_database(server, tmp_path / "copy")
    server.start()
    lost = wait_until(lambda: ended(server, session["id"]), 30)
    assert (lost["status"], lost["queue"]) == ("lost", queued)
    events = all_events(server, session["id"])
    assert events[: len(before)] == before
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert words(events) == spoken(server.logged(session["id"])), "what the runner said last as well"
    said = words(events).split()
    assert len(said) > 20
    assert said == tokens(len(said))


def test_an_orderly_stop_that_keeps_lets_the_agent_work_on(make_server: Make) -> None:
    server = make_server()
    session = server.session(server.worktree("tree"), "stream 60 tokens at 20/s")
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    server.stop()
    assert "runners list" in (server.folder / "server.log").read_text()
    assert server.runners()
    server.start()
    wait_until(lambda: ended(server, session["id"]))
    assert words(all_events(server, session["id"])).split() == tokens(60)


def test_an_orderly_stop_can_end_the_agents(make_server: Make) -> None:
    server = make_server(on_server_stop="stop")
    session = server.session(server.worktree("tree"), "stream 4000 tokens at 20/s")
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    server.stop()
    assert server.runners() == []


def test_an_orderly_stop_can_let_the_agents_finish_their_task(make_server: Make) -> None:
    server = make_server(on_server_stop="finish_task", idle_minutes=0)
    session = server.session(server.worktree("tree"), "stream 240 tokens at 20/s")
    queued = server.api.prompt(session["id"], "what did I ask earlier?")
    resting = server.session(server.worktree("other"), "stream 1 tokens at 50/s")
    wait_until(lambda: ended(server, resting["id"]))
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    assert len(server.runners()) == 2
    server.stop()
    assert "runners list" in (server.folder / "server.log").read_text()
    wait_until(lambda: len(server.runners()) == 1, ALONE_SECONDS / 2)
    wait_until(lambda: not server.runners(), 30)
    server.start()
    done = wait_until(lambda: _at_rest(server, session["id"]))
    events = all_events(server, session["id"])
    first = [event for event in events if event["task_id"] != queued["id"]]
    assert words(first).split() == tokens(240)
    assert [e["update"]["stop_reason"] for e in events if e["update"]["type"] == "task_ended"] == [
        "end_turn",
        "end_turn",
    ]
    assert (done["status"], done["error"]) == ("idle", "")
    assert "stream 240 tokens" in words(events), "what was queued came next, in the same conversation"


def _at_rest(server: Server, session_id: str) -> Record | None:
    session = server.api.session(session_id)
    return session if not session["queue"] and not session["current_task"] else None


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
