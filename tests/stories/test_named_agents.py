"""Two agents by command line side by side on one server; and what a session's agent starts with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.client.api import Record
from agor_jupyter.client.errors import ClientError
from agor_jupyter.testing.conformance import PROBE
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Make = Callable[..., Server]
AGENT = [sys.executable, "-m", "agor_jupyter.testing.acp_agent"]
TELL = f"{sys.executable} -c \"import os; print('I AM', os.environ['WHO'])\""


def prompt_of(*steps: dict[str, Any]) -> str:
    return f"Look.\nSTEPS: {json.dumps(steps)}"


def begin(server: Server, tree: Record, agent: str, *steps: dict[str, Any]) -> Record:
    return server.session(tree, prompt_of(*steps), agent=agent, mode="full_auto")


def told(server: Server, session: Record, words: str, count: int = 1) -> bool:
    return json.dumps(all_events(server, session["id"])).count(words) >= count


def test_two_stand_side_by_side_and_one_is_removed_and_added_again(make_server: Make) -> None:
    pytest.importorskip("acp")
    setting = {"one": {"label": "One", "command": AGENT, "environment": {"WHO": "one"}}}
    server = make_server(acp_agents=setting, trusted_repositories=["/*"])
    two = {"name": "two", "label": "Two", "command": AGENT, "environment": {"WHO": "two"}}
    server.post("/named-agents", two)
    listed = {each["kind"]: each for each in server.api.http.request("GET", "/agents")["items"]}
    assert [(listed[kind]["title"], listed[kind]["named"]) for kind in ("acp.one", "acp.two")] == [
        ("One", "setting"),
        ("Two", "panel"),
    ]
    assert listed["acp.one"]["installed"] and listed["acp.two"]["installed"]
    tree = server.worktree("tree")
    first = begin(server, tree, "acp.one", {"run": TELL})
    second = begin(server, tree, "acp.two", {"run": TELL})
    wait_until(lambda: told(server, first, "I AM one"), 90)
    wait_until(lambda: told(server, second, "I AM two"), 90)
    assert not told(server, first, "I AM two") and not told(server, second, "I AM one")
    wait_until(lambda: ended(server, second["id"]), 60)
    drawn = Path(server.api.http.request("GET", f"/sessions/{second['id']}/transcript")["path"])
    wait_until(lambda: drawn.exists() and "**Two" in drawn.read_text("utf-8"), 60)

    # Removed: what was said stays, a prompt is refused; the next server knows it no more than this one.
    server.api.http.request("DELETE", "/named-agents/two")
    for _ in range(2):
        assert told(server, second, "I AM two")
        with pytest.raises(ClientError) as refused:
            server.post(f"/sessions/{second['id']}/tasks", {"prompt": "more"})
        assert refused.value.status == 409 and "not here any more" in str(refused.value)
        server.stop()
        server.start()
    server.post("/named-agents", {**two, "environment": {"WHO": "two, again"}})
    server.stop()
    server.start()
    # Its agent outlived the servers, and keeps what it was started with.
    task = server.post(f"/sessions/{second['id']}/tasks", {"prompt": prompt_of({"run": TELL})})
    wait_until(lambda: server.api.http.request("GET", f"/tasks/{task['id']}")["status"] == "ended", 90)
    assert not told(server, second, "I AM two, again")
    server.post(f"/sessions/{second['id']}/close-agent", {})
    server.post(f"/sessions/{second['id']}/tasks", {"prompt": prompt_of({"run": TELL})})
    wait_until(lambda: told(server, second, "I AM two, again"), 90)


def test_a_server_that_is_added_for_a_session_counts_from_the_next_start(make_server: Make) -> None:
    pytest.importorskip("acp")
    setting = {"one": {"command": AGENT}}
    server = make_server(acp_agents=setting, trusted_repositories=["/*"])
    session = begin(server, server.worktree("tree"), "acp.one", {"say": "Here."})
    wait_until(lambda: ended(server, session["id"]), 90)
    path = f"/sessions/{session['id']}/mcp-servers"

    def shown() -> Record:
        return dict(server.api.http.request("GET", path))

    own = {"scope": "session", "session_id": session["id"], "name": "probe", "command": list(PROBE.command)}
    server.post("/mcp-servers", own)
    before = wait_until(lambda: found if (found := shown())["agent"] == "idle" else None, 30)
    assert [(item["name"], item["enabled"], item["running"]) for item in before["items"]] == [
        ("probe", True, False)
    ]
    server.post(f"/sessions/{session['id']}/close-agent", {})
    assert shown()["agent"] == "none"
    use = prompt_of({"use": ["probe", "shout", {"text": "hi"}]}, {"recall": True})
    server.post(f"/sessions/{session['id']}/tasks", {"prompt": use})
    wait_until(lambda: told(server, session, "HI"), 90)
    after = wait_until(lambda: found if (found := shown())["agent"] == "idle" else None, 60)
    assert [(item["running"], item["trouble"]) for item in after["items"]] == [(True, "")]
    resumed = [event["update"] for event in all_events(server, session["id"])]
    ready = [update for update in resumed if update["type"] == "agent_ready"]
    assert len({update["native_ref"] for update in ready}) == 1, "the same conversation"
