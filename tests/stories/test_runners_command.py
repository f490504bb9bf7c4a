"""`jupyter agor runners list|stop`, as people run it: with a server, without one, for a wrong session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest

from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended, words

Make = Callable[..., Server]
ENDLESS = "stream 4000 tokens at 20/s"
NOBODY = "No agent is running in {}. For another data folder: --data-dir."


def runners(server: Server, *arguments: str) -> tuple[int, list[str]]:
    """Run the command on this server's data folder; give its exit code and its lines."""
    argv = [sys.executable, "-m", "agor_jupyter.cli", "runners", *arguments]
    environment = {**os.environ, "HOME": str(server.folder)}
    ran = subprocess.run(
        [*argv, f"--data-dir={server.folder / 'data'}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.returncode, ran.stdout.splitlines()


def streaming(server: Server, name: str) -> str:
    session = str(server.session(server.worktree(name), ENDLESS)["id"])
    server.api.prompt(session, "what did I ask earlier?")
    wait_until(lambda: "tok" in server.api.session(session)["last_words"])
    return session


def pids(server: Server) -> set[int]:
    return {process.pid for process in server.runners()}


def check_stopped(server: Server, session: str, *, killed: bool = False) -> None:
    """The log says how it ended, after every word up to there; what was queued waits for a person."""
    stopped = wait_until(lambda: ended(server, session))
    said = words(all_events(server, session)).split()
    assert said == [f"tok{number}" for number in range(len(said))]
    assert 0 < len(said) < 4000
    how = ("lost", "lost") if killed else ("interrupted", "cancelled")
    assert (stopped["status"], stopped["last_stop_reason"]) == how
    assert stopped["queue_paused"]
    assert bool(stopped["error"] and stopped["hint"]) == killed


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_the_server_alive(make_server: Make) -> None:
    server = make_server()
    assert runners(server, "list") == (0, [NOBODY.format(server.data)])
    first, second = streaming(server, "one"), streaming(server, "two")
    code, lines = runners(server, "list")
    assert code == 0
    assert {line.split()[0] for line in lines} == {first, second}
    assert {int(line.split("pid ")[1].split()[0]) for line in lines} == pids(server)
    assert {tuple(line.split()[-3:]) for line in lines} == {
        ("demo", "running", "one"),
        ("demo", "running", "two"),
    }

    code, lines = runners(server, "stop", "ses_0000000000000000", first)
    assert (code, lines) == (1, ["No agent is running for ses_0000000000000000."])
    assert len(pids(server)) == 2, "nothing is stopped when one of the names is wrong"

    assert runners(server, "stop", first) == (0, [f"{first}  stopped"])
    check_stopped(server, first)
    assert server.api.session(second)["current_task"], "the other one works on"
    assert [line.split()[0] for line in runners(server, "list")[1]] == [second]

    server.api.resume(first)
    wait_until(lambda: ENDLESS in words(all_events(server, first)))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_the_server_killed_and_a_runner_that_hangs(make_server: Make) -> None:
    server = make_server()
    first, second = streaming(server, "one"), streaming(server, "two")
    server.kill()
    found = {line.split()[0]: int(line.split("pid ")[1].split()[0]) for line in runners(server, "list")[1]}
    assert set(found) == {first, second}
    psutil.Process(found[second]).suspend()
    code, lines = runners(server, "stop")
    assert (code, set(lines)) == (0, {f"{first}  stopped", f"{second}  killed"})
    assert pids(server) == set()
    assert runners(server, "stop", first) == (0, [NOBODY.format(server.data)])
    server.start()
    check_stopped(server, first)
    check_stopped(server, second, killed=True)
