"""Agents that call the house's tools: across a kill of the server, and after their session has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest

from agor_jupyter.client.api import Record
from agor_jupyter.executors.runtime import runtime_folder, socket_path
from agor_jupyter.runner.bridge import ask
from agor_jupyter.runner.protocol import tools_socket_path
from agor_jupyter.testing.conformance import Run, UseTool
from agor_jupyter.testing.harnesses.acp import AcpHarness
from tests.stories.conftest import Server, wait_until
from tests.stories.stage import traits
from tests.stories.test_kills import all_events, ended

WHO = UseTool("", "agor_whoami", {})
WAIT = Run("until [ -e go ]; do sleep 0.05; done")
Make = Callable[..., Any]
REFUSED = {"text": "The session has ended.", "failed": True}
RIGHT_SECONDS = 1.0
"""How long the right to call may outlive its session."""


def said(server: Server, session_id: str) -> str:
    updates = [event["update"] for event in all_events(server, session_id)]
    return "".join(update["text"] for update in updates if update["type"] == "agent_message_chunk")


def calls(updates: list[Record]) -> dict[str, str]:
    """Say of each call of the tool how it stands."""
    found: dict[str, str] = {}
    for update in updates:
        key = update.get("tool_call_id", "")
        begins = update["type"] == "tool_call" and "whoami" in update["title"]
        if begins or (key in found and update.get("status")):
            found[key] = update["status"]
    return found


def open_call(server: Server, session_id: str) -> bool:
    """Say whether the agent waits for the answer to its second call, by what its own runner logged."""
    return list(calls(server.logged(session_id)).values()) in (
        ["completed", "pending"],
        ["completed", "in_progress"],
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_calls_before_in_and_after_the_gap_of_a_kill_are_answered(
    make_stages: Make, make_server: Make
) -> None:
    """For tools in the agent's own process, for dynamic tools, and through the bridge on stdio."""
    agents = make_stages("demo", "claude", "codex", "acp")
    server = make_server(**traits(agents))
    trees = {kind: server.worktree(kind) for kind in agents}
    working = {
        kind: str(agent.session(server, trees[kind], WHO, WAIT, WHO)["id"]) for kind, agent in agents.items()
    }
    for kind, session in working.items():
        wait_until(lambda id=session: session_named(server, id, 1), 60)
        assert list(calls(server.logged(session)).values()) == ["completed"], kind
    server.kill()
    for tree in trees.values():
        (Path(tree["path"]) / "go").touch()
    for session in working.values():  # the second call is made while nobody is there
        wait_until(lambda id=session: open_call(server, id), 60)
    time.sleep(0.5)  # and it waits
    assert {kind for kind, session in working.items() if not open_call(server, session)} == set()
    server.start()
    for kind, session in working.items():
        done = wait_until(lambda id=session: ended(server, id), 60)
        assert done["last_stop_reason"] == "end_turn", kind
        assert session_named(server, session, 2), kind
        server.api.prompt(session, agents[kind].prompt(WHO))
    for kind, session in working.items():
        wait_until(lambda id=session: session_named(server, id, 3), 60)
        updates = [event["update"] for event in all_events(server, session)]
        assert list(calls(updates).values()) == ["completed"] * 3, kind
    print("answered before, in and after the gap:", *working)


def session_named(server: Server, session_id: str, times: int) -> bool:
    """Say whether the agent said the answer so often: it names its own session."""
    words = said(server, session_id).replace("\\", "")
    return words.count(f'"session_id": "{session_id}"') == times


@pytest.mark.timeout(120)
@pytest.mark.parametrize("frozen", [False, True], ids=["deaf", "frozen"])
def test_the_right_to_call_ends_with_the_session(make_stages: Make, make_server: Make, frozen: bool) -> None:
    """A second after a session was put away a call of its agent's is told that it has ended.

    The agent does not hear that it is to stop; where it is `frozen`, neither does its runner.
    """
    agents = make_stages("acp", acp=AcpHarness("--deaf"))
    server = make_server(**traits(agents))
    session = agents["acp"].session(server, server.worktree("tree"), WAIT)["id"]
    wait_until(lambda: _waits(server, session), 60)
    (runner,) = server.runners()
    assert session in str(call_as_agent(runner)), "while it lasts, it is answered"
    looks: list[float] = []
    with ThreadPoolExecutor() as threads, ExitStack() as stack:
        if frozen:
            runner.suspend()
            stack.callback(go_on, runner)
        began = time.monotonic()
        change = {"archived": True}
        putting = threads.submit(server.api.http.request, "PATCH", f"/sessions/{session}", body=change)
        wait_until(lambda: _is_archived(server, session, looks), 30)
        took = time.monotonic() - began
        print(f"the right ended after {took:.2f} s; a look takes up to {max(looks):.2f} s")
        assert took < RIGHT_SECONDS + 2 * max(looks)
        time.sleep(max(0.0, began + RIGHT_SECONDS - time.monotonic()))
        assert runner.is_running(), "it has not stopped yet"
        calling = Event()
        late = threads.submit(lambda: calling.set() or call_as_agent(runner))
        assert calling.wait(30)
        if frozen:
            time.sleep(0.3)  # the call is on its way to a runner that cannot answer
            assert not late.done()
            go_on(runner)
        assert late.result(60) in (REFUSED, None)
        putting.result(60)
    wait_until(lambda: not server.runners(), 30)


def test_an_agent_that_hears_ends_with_its_session(make_stages: Make, make_server: Make) -> None:
    agents = make_stages("acp")
    server = make_server(**traits(agents))
    session = agents["acp"].session(server, server.worktree("tree"), WAIT)["id"]
    wait_until(lambda: _waits(server, session), 60)
    server.api.http.request("PATCH", f"/sessions/{session}", body={"archived": True})
    wait_until(lambda: not server.runners(), 10)


def call_as_agent(runner: psutil.Process) -> Record | None:
    """Call a tool as a bridge of the agent's does; None where nobody listens any more."""
    path = tools_socket_path(socket_path(runtime_folder(), runner.cmdline()[-1]))
    try:
        answer = ask(path, {"type": "call_tool", "id": 1, "tool": "agor_whoami", "input": {}})
    except (OSError, ValueError):
        return None
    return dict(answer["answer"]) if answer else None


def go_on(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.resume()


def _waits(server: Server, session_id: str) -> bool:
    return any("until" in str(update.get("title")) for update in server.logged(session_id))


def _is_archived(server: Server, session_id: str, looks: list[float]) -> bool:
    began = time.monotonic()
    archived = bool(server.api.session(session_id)["archived"])
    looks.append(time.monotonic() - began)
    return archived
