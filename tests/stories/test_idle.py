"""An agent that has nothing to do is closed, and the next prompt takes its conversation up again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from agor_jupyter.agents.process import marked
from agor_jupyter.runner.host import SESSION_MARKER
from agor_jupyter.testing.conformance import Recall, Say
from tests.stories.conftest import Server, wait_until
from tests.stories.stage import Stages, traits
from tests.stories.test_kills import all_events, ended, words

IDLE_MINUTES = 0.05


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_idle_agent_is_closed_and_resumed(
    make_stages: Callable[..., Stages], make_server: Callable[..., Server]
) -> None:
    """Measured and printed; about a second is expected of a machine that is not loaded."""
    agents = make_stages("claude", "codex")
    server = make_server(**traits(agents), idle_minutes=IDLE_MINUTES)
    sessions = {
        kind: agent.session(server, server.worktree(kind), Say("Here I am."))["id"]
        for kind, agent in agents.items()
    }
    for session in sessions.values():
        wait_until(lambda id=session: ended(server, id), 90)
        wait_until(lambda id=session: not marked(f"{SESSION_MARKER}={id}"), 60)
    assert server.runners() == []
    for kind, session in sessions.items():
        before = server.api.session(session)
        assert (before["status"], before["error"]) == ("idle", ""), "it was closed, not lost"
        began = time.monotonic()
        task = server.api.prompt(session, agents[kind].prompt(Recall()))["id"]
        wait_until(lambda id=session, task=task: spoken(server, id, task), 60)
        print(f"{kind}: closed when idle, first words {time.monotonic() - began:.2f} s after the next prompt")
        after = wait_until(lambda id=session, task=task: done(server, id, task), 60)
        assert after["native_ref"] == before["native_ref"] != ""
        assert "Do it." in spoken(server, session, task), "it knows what it was asked before"


def spoken(server: Server, session_id: str, task_id: str) -> str:
    return words([event for event in all_events(server, session_id) if event["task_id"] == task_id])


def done(server: Server, session_id: str, task_id: str) -> dict[str, object] | None:
    ends = [e for e in all_events(server, session_id) if e["update"]["type"] == "task_ended"]
    return ended(server, session_id) if task_id in {event["task_id"] for event in ends} else None
