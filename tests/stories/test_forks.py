"""Forks of real sessions: conversation and files go back together; and sessions that wait their turn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.http import Http, parse_url
from agor_jupyter.domain.conversation import REPLAY_NOTICE
from agor_jupyter.testing.demo_repo import BUG
from agor_jupyter.testing.people import token_of
from tests.stories.conftest import Server, wait_until


def prompted(server: Server, session: Record, prompt: str) -> Record:
    """Send a prompt and wait until its task has ended well; give the task."""
    task = server.post(f"/sessions/{session['id']}/tasks", {"prompt": prompt})
    return done(server, str(task["id"]))


def done(server: Server, task_id: str) -> Record:
    def ended() -> Record | None:
        task = dict(server.api.http.request("GET", f"/tasks/{task_id}"))
        return task if task["status"] == "ended" else None

    task = wait_until(ended, 60)
    assert task["stop_reason"] == "end_turn", task
    return task


def words(server: Server, session: Record) -> str:
    events = server.api.events(session["id"])
    return "".join(
        event["update"]["text"] for event in events if event["update"]["type"] == "agent_message_chunk"
    )


def median(server: Server, session: Record) -> str:
    tree = server.api.http.request("GET", f"/worktrees/{session['worktree_id']}")
    return (Path(str(tree["path"])) / "stats" / "summary.py").read_text(encoding="utf-8")


def fork(server: Server, session: Record, **wish: object) -> Record:
    return server.post(f"/sessions/{session['id']}/forks", dict(wish))


def test_conversation_and_files_go_back_together(make_server: Callable[..., Server]) -> None:
    server = make_server()
    tree = server.worktree("w")
    session = server.session(tree, mode="full_auto")
    first = prompted(server, session, "Mend the failing test")
    notes = Path(str(tree["path"])) / "NOTES.md"
    notes.write_text("by hand, never committed", encoding="utf-8")
    prompted(server, session, "stream 5 tokens at 100/s")
    assert BUG not in median(server, session) and notes.exists()

    # Before the first prompt: the bug is back, and nothing was ever asked.
    before = fork(server, session, at_task=first["id"], position="before", worktree="new")
    assert BUG in median(server, before)
    prompted(server, before, "What did I ask you?")
    assert "This is the first thing that you ask me." in words(server, before)

    # After it: mended, without what came later; and the agent itself knows what was asked, and that only.
    after = fork(server, session, at_task=first["id"], worktree="new")
    assert BUG not in median(server, after)
    other = server.api.http.request("GET", f"/worktrees/{after['worktree_id']}")
    assert not (Path(str(other["path"])) / "NOTES.md").exists()
    prompted(server, after, "What did I ask you?")
    assert "Earlier you asked: “Mend the failing test”." in words(server, after)
    assert after["origin"]["replayed"] is False

    # The last task: the file that was never committed is there too.
    last = fork(server, session, worktree="new", prompt="What did I ask you?")
    done(server, str(server.api.http.request("GET", f"/sessions/{last['id']}/tasks")["items"][0]["id"]))
    assert "Earlier you asked: “stream 5 tokens at 100/s”." in words(server, last)
    third = server.api.http.request("GET", f"/worktrees/{last['worktree_id']}")
    assert (Path(str(third["path"])) / "NOTES.md").read_text("utf-8") == "by hand, never committed"

    # The parent goes on as if nothing had been.
    prompted(server, session, "What did I ask you?")
    assert "Earlier you asked: “stream 5 tokens at 100/s”." in words(server, session)


def test_another_persons_fork_is_a_replay_and_says_so(make_server: Callable[..., Server]) -> None:
    server = make_server(named_users=True)
    session = server.session(server.worktree("w"), mode="full_auto")
    prompted(server, session, "stream 5 tokens at 100/s")
    made = dict(
        server.api.http.request("POST", f"/sessions/{session['id']}/forks", body={"worktree": "same"})
    )
    assert made["owner"] == session["owner"] and made["origin"]["replayed"] is False
    monas = Api(Http(parse_url(server.url)[0], token_of("mona")))
    hers = dict(monas.http.request("POST", f"/sessions/{session['id']}/forks", body={"worktree": "same"}))
    assert (hers["owner"], hers["origin"]["replayed"]) == ("mona", True)
    task = dict(monas.http.request("POST", f"/sessions/{hers['id']}/tasks", body={"prompt": "Hello"}))
    wait_until(lambda: server.api.http.request("GET", f"/tasks/{task['id']}")["status"] != "queued", 60)
    events = server.api.events(str(hers["id"]))
    assert REPLAY_NOTICE in [event["update"].get("text") for event in events]


def test_another_agent_goes_on_and_has_read_what_was_said(make_server: Callable[..., Server]) -> None:
    """From the demo's agent to one that is a program of its own, which is told the conversation."""
    command = [sys.executable, "-m", "agor_jupyter.testing.acp_agent"]
    server = make_server(agent_options={"acp": {"command": command}}, trusted_repositories=["/*"])
    session = server.session(server.worktree("w"), mode="full_auto")
    prompted(server, session, "stream 5 tokens at 100/s")
    other = fork(server, session, agent="acp", worktree="same")
    assert (other["agent"], other["mode"], other["model"]) == ("acp", "full_auto", "")
    assert other["origin"]["replayed"] is True and other["worktree_id"] == session["worktree_id"]
    prompted(server, other, "Go on.")
    echoed = words(server, other)  # it says what it was given
    assert echoed.startswith("You said: ") and "stream 5 tokens at 100/s" in echoed and "Go on." in echoed
    events = server.api.events(str(other["id"]))
    assert REPLAY_NOTICE in [event["update"].get("text") for event in events]
    assert server.api.session(str(session["id"]))["agent"] == "demo"


def test_agents_that_do_not_fork_are_told_the_conversation(make_server: Callable[..., Server]) -> None:
    """One says so when it starts, and its fork is made as a replay; one refuses, against its word."""
    command = [sys.executable, "-m", "agor_jupyter.testing.acp_agent"]
    agents = {
        "plain": {"label": "Plain", "command": [*command, "--without=fork"]},
        "moody": {"label": "Moody", "command": [*command, "--refuses-forks"]},
    }
    server = make_server(acp_agents=agents, trusted_repositories=["/*"])
    for name, lacks in ("plain", ["fork"]), ("moody", []):
        session = server.session(server.worktree(name), mode="full_auto", agent=f"acp.{name}")
        prompted(server, session, "the-word-is-heron")
        assert server.api.session(str(session["id"]))["unable"] == lacks
        made = fork(server, session, worktree="same")
        assert made["origin"]["replayed"] is bool(lacks)
        prompted(server, made, "Go on.")
        assert "the-word-is-heron" in words(server, made)
        told = [event["update"].get("text") for event in server.api.events(str(made["id"]))]
        assert REPLAY_NOTICE in told
        now = server.api.session(str(made["id"]))
        assert now["origin"]["replayed"] is True and now["fork"] is None
        refusals = [text for text in told if text and "No forks today" in text]
        assert len(refusals) == (0 if lacks else 1)


def test_one_waits_over_a_kill_of_the_server(make_server: Callable[..., Server]) -> None:
    server = make_server(max_running_sessions=1)
    first = server.session(server.worktree("one"), "Mend the failing test")  # it asks, and works till then
    wait_until(lambda: server.api.session(str(first["id"]))["pending"], 60)
    second = server.session(server.worktree("two"), "stream 5 tokens at 100/s")

    def waits() -> bool:
        now = server.api.session(str(second["id"]))
        reason = (now["waits"] or {}).get("reason")
        return now["status"] == "queued" and reason == "one session runs already"

    wait_until(waits, 60)
    server.kill()
    server.start()
    assert waits()
    third = server.session(server.worktree("three"), "stream 5 tokens at 100/s")
    wait_until(lambda: server.api.session(str(third["id"]))["waits"], 60)
    server.post(f"/sessions/{first['id']}/interrupt", {})
    tasks = [
        done(server, str(server.api.http.request("GET", f"/sessions/{each['id']}/tasks")["items"][0]["id"]))
        for each in (second, third)
    ]
    assert tasks[0]["ended_ms"] <= tasks[1]["started_ms"]
    assert server.api.session(str(second["id"]))["waits"] is None
