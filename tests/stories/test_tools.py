"""An agent that calls a tool of the house before, during and after a kill of the server is answered."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events

WHO = {"call": {"tool": "agor_whoami"}}
STEPS = [
    WHO,
    {"say": "first {result} "},
    {"wait": 1},
    WHO,
    {"say": "second {result} "},
    {"wait": 1},
    WHO,
    {"say": "third {result}"},
]


def said(server: Server, session_id: str) -> str:
    updates = [event["update"] for event in all_events(server, session_id)]
    return "".join(update["text"] for update in updates if update["type"] == "agent_message_chunk")


def test_a_call_waits_for_the_server(make_server: Callable[..., Server]) -> None:
    server = make_server()
    session = server.session(server.worktree("tools"), f"```demo\n{json.dumps(STEPS)}\n```")
    wait_until(lambda: "first" in said(server, session["id"]))
    server.kill()  # the second call is made while nobody is there
    server.start()
    wait_until(lambda: all_events(server, session["id"])[-1]["update"]["type"] == "task_ended", 60)
    assert said(server, session["id"]).count(f'"session_id": "{session["id"]}"') == 3
    updates = [event["update"] for event in all_events(server, session["id"])]
    ended = [update["status"] for update in updates if update["type"] == "tool_call_update"]
    assert ended == ["completed"] * 3


def test_the_right_to_call_ends_with_the_session(make_server: Callable[..., Server]) -> None:
    """Archived while it works: nothing that could call is left a moment later."""
    server = make_server()
    steps = [{"say": "begun "}, {"repeat": {"times": 400, "steps": [{"wait": 0.05}, WHO]}}]
    session = server.session(server.worktree("tools"), f"```demo\n{json.dumps(steps)}\n```")
    wait_until(lambda: "begun" in said(server, session["id"]))
    server.api.http.request("PATCH", f"/sessions/{session['id']}", body={"archived": True})
    wait_until(lambda: not server.runners(), 10)
