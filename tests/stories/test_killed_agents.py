"""`kill -9` of an agent's processes below a real server: it is said soon, and nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.process import marked
from agor_jupyter.client.api import Record
from agor_jupyter.runner.host import SESSION_MARKER
from agor_jupyter.testing.conformance import Run
from agor_jupyter.testing.model_script import dump_book, say, script, use
from tests.stories.conftest import Server, wait_until
from tests.stories.stage import Stages, traits
from tests.stories.test_kills import all_events, ended, words

SAID_SECONDS = 2.0
"""Until a session says that its agent was lost, beside what it takes to look: what is looked at may have
been true since the look before, and a look on a loaded machine is slow."""

MOST_SECONDS = 10.0
"""However slow a look is."""

POLL_SECONDS = 0.05
GONE_SECONDS = 10.0
LEFT = "setsid sleep 71 & (trap '' TERM; sleep 72) & nohup sleep 73 & sleep 74"

Make = Callable[..., Server]


def named(session_id: str, name: str) -> list[int]:
    found = []
    for pid in marked(f"{SESSION_MARKER}={session_id}"):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.name() == name or Path(process.exe()).name == name:
                found.append(pid)
    return found


def zombies(server: Server) -> list[psutil.Process]:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if child.is_running() and child.status() == psutil.STATUS_ZOMBIE]


def check_said_and_gone(server: Server, session_id: str, killed_at: float) -> Record:
    """Wait until the session says what happened, and until none of its processes is left."""
    looks: list[float] = []

    def look() -> Record | None:
        began = time.monotonic()
        found = ended(server, session_id)
        looks.append(time.monotonic() - began + POLL_SECONDS)
        return found

    told = wait_until(look, 60)
    said = time.monotonic() - killed_at
    wait_until(lambda: not marked(f"{SESSION_MARKER}={session_id}") and not zombies(server), 60)
    gone = time.monotonic() - killed_at
    slowest = max(looks)
    print(f"said after {said:.2f} s (a look: {slowest:.2f} s), nothing left after {gone:.2f} s")
    assert said < min(SAID_SECONDS + 2 * slowest, MOST_SECONDS)
    assert gone < GONE_SECONDS
    assert told["status"] in ("lost", "failed")
    assert told["error"] and told["hint"]
    return told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_runner_leaves_nothing(make_server: Make) -> None:
    """Once the process alone, once its whole group."""
    server = make_server()
    steps = json.dumps([{"say": "I begin. "}, {"run": {"argv": ["sh", "-c", LEFT], "ask": False}}])
    for name, kill in (("alone", os.kill), ("group", os.killpg)):
        session = server.session(server.worktree(name), f"```demo\n{steps}\n```\n", mode="full_auto")
        wait_until(lambda id=session["id"]: len(named(id, "sleep")) == 4)
        (runner,) = server.runners()
        assert os.getpgid(runner.pid) == runner.pid, "a group of its own"
        killed_at = time.monotonic()
        kill(runner.pid, signal.SIGKILL)
        check_said_and_gone(server, session["id"], killed_at)
        assert words(all_events(server, session["id"])) == "I begin. "


BUSY = Run("sh -c 'sleep 600'")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_agent_or_its_runner_is_said(make_stages: Callable[..., Stages], make_server: Make) -> None:
    """`kill -9` of each agent's own program in the middle of a tool, and of its runner."""
    agents = make_stages("claude", "codex", "acp")
    server = make_server(**traits(agents))
    killed = [(kind, what) for kind in agents for what in ("agent", "runner")]
    sessions = [
        agents[kind].session(server, server.worktree(f"{kind}-{what}"), BUSY)["id"] for kind, what in killed
    ]
    for session in sessions:
        wait_until(lambda id=session: named(id, "sleep"), 90)
    for (kind, what), session in zip(killed, sessions, strict=True):
        print(f"{kind}, its {what}: ", end="")
        victim = runner_of(server, session) if what == "runner" else program_of(session, kind)
        killed_at = time.monotonic()
        victim.kill()
        check_said_and_gone(server, session, killed_at)


def runner_of(server: Server, session_id: str) -> psutil.Process:
    (found,) = [each for each in server.runners() if each.environ().get(SESSION_MARKER) == session_id]
    return found


def program_of(session_id: str, kind: str) -> psutil.Process:
    """Find the agent's own program: the scripted ACP agent is Python's."""
    every = [psutil.Process(pid) for pid in marked(f"{SESSION_MARKER}={session_id}")]
    if kind == "acp":
        (found,) = [each for each in every if "agor_jupyter.testing.acp_agent" in each.cmdline()]
    else:
        (pid,) = named(session_id, kind)
        found = psutil.Process(pid)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A scripted Anthropic server as a process; gives the variables that lead Claude Code to it."""
    busy = use("Bash", command="sh -c 'sleep 600'", description="Work for long")
    book = {"busy": script(busy, say("Never said.")), "after": script(say("Here I am again."))}
    path = tmp_path / "book.json"
    path.write_text(dump_book(book), encoding="utf-8")
    argv = [sys.executable, "-m", "agor_jupyter.testing.anthropic_server", "--script", str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        try:
            yield {
                "ANTHROPIC_BASE_URL": url,
                "ANTHROPIC_API_KEY": "scripted",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "HOME": str(tmp_path),
                "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
            }
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_claude_code_killed_in_the_middle_of_a_tool(make_server: Make, model: dict[str, str]) -> None:
    pytest.importorskip("claude_agent_sdk")
    server = make_server(agent_environment={"claude": model})
    tree = server.worktree("tree")
    session = server.session(tree, "SCRIPT:busy", agent="claude", mode="full_auto")
    queued = server.api.prompt(session["id"], "SCRIPT:after")
    wait_until(lambda: named(session["id"], "sleep"), 60)
    before = server.api.session(session["id"])
    (cli,) = named(session["id"], "claude")
    killed_at = time.monotonic()
    os.kill(cli, signal.SIGKILL)
    told = check_said_and_gone(server, session["id"], killed_at)
    assert (told["last_stop_reason"], told["queue"]) == ("lost", [queued["id"]])
    calls = [e["update"] for e in all_events(server, session["id"]) if "tool_call" in e["update"]["type"]]
    assert calls[-1]["status"] == "failed", "the call that was cut off is not left open"

    server.api.resume(session["id"])
    done = wait_until(lambda: _rested(server, session["id"]), 60)
    assert (done["status"], done["native_ref"]) == ("idle", before["native_ref"])
    assert "Here I am again." in words(all_events(server, session["id"]))


def _rested(server: Server, session_id: str) -> Record | None:
    session = server.api.session(session_id)
    return session if not session["queue"] and not session["current_task"] else None
