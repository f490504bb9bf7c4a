"""A session is saved and played by the demo agent of another server: the same is seen, and nothing runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agor_jupyter.client.api import Record
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended

Make = Callable[..., Server]


def prompted(server: Server, tree: Record, prompt: str, **more: str) -> Record:
    session = server.session(tree, prompt, mode="full_auto", **more)
    wait_until(lambda: ended(server, session["id"]), 60)
    return session


def seen(server: Server, session: Record) -> tuple[str, list[tuple[str, str]], str]:
    """Give what was said, which calls were made and how they ended, and how the task did."""
    updates = [event["update"] for event in all_events(server, session["id"])]
    said = "".join(update["text"] for update in updates if update["type"] == "agent_message_chunk")
    calls = {update["tool_call_id"]: update["title"] for update in updates if update["type"] == "tool_call"}
    states = [
        (calls[update["tool_call_id"]], update["status"])
        for update in updates
        if update["type"] == "tool_call_update" and update.get("status") in ("completed", "failed")
    ]
    return said, states, next(item["stop_reason"] for item in updates if item["type"] == "task_ended")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_session_is_played_by_another_server(make_server: Make, tmp_path: Path) -> None:
    server = make_server()
    tree = server.worktree("first")
    original = prompted(server, tree, "Please make the tests pass.")
    made = server.api.http.request("GET", f"/sessions/{original['id']}/script")
    assert made["name"] == "first.demo.yml" and str(server.folder) not in made["script"]
    assert server.token not in str(made)
    path = tmp_path / made["name"]
    path.write_text(made["script"], encoding="utf-8")

    other = make_server(agent_options={"demo": {"script": str(path)}})
    twin = other.worktree("twin")
    played = prompted(other, twin, "please make  the tests PASS.")
    assert seen(other, played) == seen(server, original)
    for name in ("stats/summary.py", "tests/test_summary.py"):
        assert (Path(twin["path"]) / name).read_bytes() == (Path(tree["path"]) / name).read_bytes()
    # The tests of the original left their traces; the recording of them ran nothing.
    assert list(Path(tree["path"]).rglob("*.pyc")) and not list(Path(twin["path"]).rglob("*.pyc"))
