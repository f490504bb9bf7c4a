"""Row A10 on a whole server: a repository that wants to be run reaches no agent before it is trusted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agor_jupyter.client.api import Record
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.hostile_repo import Hostile, make_hostile
from agor_jupyter.testing.model_script import script, use
from tests.stories.conftest import Server, wait_until

Make = Callable[..., Server]


def ended(server: Server, session: Record) -> Record:
    def at_rest() -> Record | None:
        found = server.api.session(session["id"])
        return found if found["last_stop_reason"] is not None and not found["current_task"] else None

    return wait_until(at_rest, 60)


def worked(server: Server, tree: Record) -> Record:
    """Let the demo agent have a turn in full auto: the files are recorded before and after it."""
    return ended(server, server.session(tree, "stream 5 tokens at 100/s", mode="full_auto"))


def taken_in(server: Server, hostile: Hostile) -> tuple[Record, Record]:
    repo = server.post("/repos", {"path": str(hostile.repo)})
    return repo, server.post("/worktrees", {"repo_id": repo["id"], "name": "tree"})


def test_nothing_runs_before_it_is_trusted_and_agents_are_told(make_server: Make) -> None:
    server = make_server()
    hostile = make_hostile(server.folder)
    repo, tree = taken_in(server, hostile)
    first = worked(server, tree)
    for part in ("status", "checkpoints", "diff"):
        server.api.http.request("GET", f"/worktrees/{tree['id']}/{part}")
    place = f"/repos/{repo['id']}/trust"
    shown = server.api.http.request("GET", place)
    assert (shown["state"], first["trusted"]) == ("untrusted", False)
    assert {"CLAUDE.md", ".claude/settings.json", ".codex/"} <= {item["path"] for item in shown["items"]}
    assert hostile.ran() == set()

    told = server.post(place, {"trusted": True, "digest": shown["digest"]})
    assert told["state"] == "trusted"
    assert worked(server, tree)["trusted"] is True
    # The agent that was there before goes on as it began; nothing of git ran for any of it.
    again = server.post(f"/sessions/{first['id']}/tasks", {"prompt": "stream 5 tokens at 100/s"})
    wait_until(lambda: server.api.http.request("GET", f"/tasks/{again['id']}")["status"] == "ended", 60)
    assert server.api.session(first["id"])["trusted"] is False
    assert hostile.ran() == set()


@contextmanager
def scripted_model() -> Iterator[AnthropicServer]:
    """Serve scripts beside the test: the server under test is a process that waits for nobody's loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    look = use("Bash", command="git status; git diff", description="Look")
    model = AnthropicServer({"work": script(look)})
    try:
        asyncio.run_coroutine_threadsafe(model.__aenter__(), loop).result(10)
        yield model
    finally:
        asyncio.run_coroutine_threadsafe(model.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_the_real_claude_code_reads_it_only_once_it_is_trusted(
    make_server: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("claude_agent_sdk")
    home = tmp_path / "home"
    home.mkdir()
    with scripted_model() as model:
        places = {"HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / ".claude")}
        for name, value in {**model.environment(), **places}.items():
            monkeypatch.setenv(name, value)
        server = make_server()
        hostile = make_hostile(server.folder)
        repo, tree = taken_in(server, hostile)
        wish = {"agent": "claude", "mode": "full_auto"}

        first = ended(server, server.session(tree, "SCRIPT:work", **wish))
        assert (first["last_stop_reason"], first["error"]) == ("end_turn", "")
        assert (first["trusted"], first["instructions"]) == (False, [])
        assert model.asked and "CANARY" not in str([asked.body for asked in model.asked])
        assert hostile.ran() == set()

        place = f"/repos/{repo['id']}/trust"
        server.post(place, {"trusted": True, "digest": server.api.http.request("GET", place)["digest"]})
        second = ended(server, server.session(tree, "SCRIPT:work", **wish))
        assert (second["trusted"], second["instructions"]) == (True, ["CLAUDE.md"])
        assert "CANARY-CLAUDE" in str([asked.body for asked in model.asked])
        assert {"hook-SessionStart", "fsmonitor"} <= hostile.ran(), "else the first half could not fail"


def test_a_setting_trusts_a_folder(make_server: Make, tmp_path: Path) -> None:
    server = make_server(trusted_repositories=[f"{tmp_path}/*/hostile"])
    hostile = make_hostile(server.folder)
    _, tree = taken_in(server, hostile)
    assert worked(server, tree)["trusted"] is True
    other = server.post("/repos", {"path": str(server.repository)})
    tree = server.post("/worktrees", {"repo_id": other["id"], "name": "other"})
    assert worked(server, tree)["trusted"] is False
