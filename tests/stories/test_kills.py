"""`kill -9` of the server, of a runner, of both, with real processes: nothing accepted is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from agor_jupyter.client.api import Record
from tests.stories.conftest import Server, wait_until

KILLS = 20
SESSIONS = 10
TOKENS = 400
PER_SECOND = 5
LAST = f"tok{TOKENS - 1}"

Make = Callable[..., Server]


def all_events(server: Server, session_id: str) -> list[Record]:
    events: list[Record] = []
    while page := server.api.events(session_id, after_seq=len(events)):
        events += page
    return events


def words(events: list[Record]) -> str:
    chunks = [e["update"]["text"] for e in events if e["update"]["type"] == "agent_message_chunk"]
    return "".join(chunks)


def tokens(count: int) -> list[str]:
    return [f"tok{number}" for number in range(count)]


def ended(server: Server, session_id: str) -> Record | None:
    session = server.api.session(session_id)
    return session if session["last_stop_reason"] is not None and not session["current_task"] else None


def transcript_of(server: Server, session_id: str) -> str:
    path = Path(server.api.transcript(session_id)["path"])
    if not path.exists():
        return ""
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    return str(notebook)


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_a_server_killed_twenty_times_in_mid_stream_misses_nothing(make_server: Make) -> None:
    server = make_server()
    moments = random.Random(20261122)
    prompt = f"stream {TOKENS} tokens at {PER_SECOND}/s"
    sessions = [server.session(server.worktree(f"tree-{number}"), prompt) for number in range(SESSIONS)]
    for session in sessions:
        wait_until(lambda id=session["id"]: server.api.session(id)["current_task"])
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.0, 0.8))  # the moment is the point of the test
        server.kill()
        server.start()
    for session in sessions:
        wait_until(lambda id=session["id"]: ended(server, id), 180)
        events = all_events(server, session["id"])
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert words(events).split() == tokens(TOKENS)
        assert server.api.session(session["id"])["last_stop_reason"] == "end_turn"
    for session in sessions:
        wait_until(lambda id=session["id"]: LAST in transcript_of(server, id), 60)


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


def test_both_killed_loses_nothing_that_was_accepted(make_server: Make) -> None:
    server = make_server()
    session = server.session(server.worktree("tree"), "stream 4000 tokens at 50/s")
    queued = [server.api.prompt(session["id"], f"say {number}")["id"] for number in range(3)]
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    runners = server.runners()
    server.kill()
    for runner in runners:
        os.kill(runner.pid, signal.SIGKILL)
    server.start()
    lost = wait_until(lambda: ended(server, session["id"]), 30)
    assert (lost["status"], lost["queue"]) == ("lost", queued)
    events = all_events(server, session["id"])
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    said = words(events).split()
    assert said[:-1] == tokens(len(said))[:-1]


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
    session = server.session(server.worktree("tree"), "stream 60 tokens at 20/s")
    queued = server.api.prompt(session["id"], "what did I ask earlier?")
    resting = server.session(server.worktree("other"), "stream 1 tokens at 50/s")
    wait_until(lambda: ended(server, resting["id"]))
    wait_until(lambda: "tok" in server.api.session(session["id"])["last_words"])
    assert len(server.runners()) == 2
    server.stop()
    assert "runners list" in (server.folder / "server.log").read_text()
    wait_until(lambda: len(server.runners()) == 1, 3)
    wait_until(lambda: not server.runners(), 30)
    server.start()
    done = wait_until(lambda: _at_rest(server, session["id"]))
    events = all_events(server, session["id"])
    first = [event for event in events if event["task_id"] != queued["id"]]
    assert words(first).split() == tokens(60)
    assert [e["update"]["stop_reason"] for e in events if e["update"]["type"] == "task_ended"] == [
        "end_turn",
        "end_turn",
    ]
    assert (done["status"], done["error"]) == ("idle", "")
    assert "stream 60 tokens" in words(events), "what was queued came next, in the same conversation"


def _at_rest(server: Server, session_id: str) -> Record | None:
    session = server.api.session(session_id)
    return session if not session["queue"] and not session["current_task"] else None


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
