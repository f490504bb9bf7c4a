"""A stored credential and an MCP server's secret: they reach what needs them, and nothing else has them."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agor_jupyter.agents.process import marked
from agor_jupyter.client.api import Api, Record
from agor_jupyter.client.http import Http, parse_url
from agor_jupyter.runner.host import SESSION_MARKER
from agor_jupyter.testing.conformance import PROBE
from agor_jupyter.testing.people import token_of
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended
from tests.stories.test_secrets import hits, in_command_lines, in_files, in_git, loose

Make = Callable[..., Server]
AGENT = [sys.executable, "-m", "agor_jupyter.testing.acp_agent"]
# Tells names, and digests of values: a value itself would stand in the log, as whatever an agent prints does.
TELL = (
    "import hashlib, os; "
    "print('NAMES', *sorted(os.environ)); "
    "print('DIGEST', hashlib.sha256(os.environ.get('SCRIPTED_KEY', '').encode()).hexdigest())"
)


def as_person(server: Server, name: str) -> Api:
    address, _ = parse_url(server.url)
    return Api(Http(address, token_of(name)))


def ask(person: Api, method: str, path: str, body: Any = None) -> Any:
    return person.http.request(method, path, body=body)


def canary() -> str:
    return f"canary-{secrets.token_hex(12)}"


def begin(person: Api, tree: Record, steps: list[dict[str, Any]]) -> Record:
    prompt = f"Look.\nSTEPS: {json.dumps(steps)}"
    wish = {"worktree_id": tree["id"], "agent": "acp", "mode": "full_auto", "prompt": prompt}
    return dict(ask(person, "POST", "/sessions", wish))


def processes(session: Record) -> dict[str, bytes]:
    """Give the environment of each process of the session, by its command line."""
    found = {}
    for pid in marked(f"{SESSION_MARKER}={session['id']}"):
        try:
            line = " ".join(psutil.Process(pid).cmdline())
            found[f"{pid} {line}"] = Path(f"/proc/{pid}/environ").read_bytes()
        except (OSError, psutil.Error):
            continue  # it ended meanwhile
    return found


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads other processes in /proc")
def test_a_credential_reaches_its_owners_agent_and_nothing_else(make_server: Make) -> None:
    pytest.importorskip("acp")
    options = {"acp": {"command": AGENT, "credentials": ["SCRIPTED_KEY"]}}
    server = make_server(named_users=True, agent_options=options, trusted_repositories=["/*"])
    mona, oscar = as_person(server, "mona"), as_person(server, "oscar")
    monas_key, oscars_key, monas_word = canary(), canary(), canary()
    canaries = {"mona's key": monas_key.encode(), "oscar's": oscars_key.encode(), "word": monas_word.encode()}
    tools = {"name": "probe", "command": list(PROBE.command), "environment": {"PROBE_WORD": "${MY_WORD}"}}
    ask(mona, "POST", "/mcp-servers", tools)
    for person, name, value in (
        (mona, "SCRIPTED_KEY", monas_key),
        (mona, "MY_WORD", monas_word),
        (oscar, "SCRIPTED_KEY", oscars_key),
    ):
        ask(person, "PUT", "/me/credentials", {"name": name, "value": value})
    repo = ask(mona, "POST", "/repos", {"path": str(server.repository)})
    tree = ask(mona, "POST", "/worktrees", {"repo_id": repo["id"], "name": "tree"})
    tell = {"run": f'{sys.executable} -c "{TELL}"'}
    session = begin(mona, tree, [tell, {"use": ["probe", "shout", {"text": "hi"}]}, {"run": "sleep 3"}])

    def at_work() -> dict[str, bytes]:
        found = processes(session)
        return found if any("sleep 3" in line for line in found) else {}

    seen = wait_until(at_work, 60)
    with_key = [line for line, environment in seen.items() if monas_key.encode() in environment]
    with_word = [line for line, environment in seen.items() if monas_word.encode() in environment]
    assert not [line for line in with_key if "agor_jupyter.runner" in line], "the runner's own has none"
    assert any("acp_agent" in line for line in with_key), "the agent needs it"
    assert not [line for line, environment in seen.items() if oscars_key.encode() in environment]
    assert all("mcp_probe" in line for line in with_word), with_word
    assert in_command_lines(canaries) == []
    wait_until(lambda: ended(server, session["id"]), 60)

    # Whoever prompts it: it is mona's session, and runs with her key. Oscar's own runs with his.
    ask(oscar, "POST", f"/sessions/{session['id']}/tasks", {"prompt": f"Again.\nSTEPS: {json.dumps([tell])}"})
    other = begin(oscar, tree, [tell])
    for record, key, count in ((session, monas_key, 2), (other, oscars_key, 1)):

        def told(record: Record = record, key: str = key, count: int = count) -> bool:
            return json.dumps(all_events(server, record["id"])).count(f"DIGEST {digest(key)}") >= count

        wait_until(told, 60)
    events = json.dumps([*all_events(server, session["id"]), *all_events(server, other["id"])])
    assert "SCRIPTED_KEY" in events and "MY_WORD" not in events and "PROBE_WORD" not in events
    assert hits("the events", events.encode(), canaries) == []
    assert digest(monas_key) not in json.dumps(all_events(server, other["id"]))
    for path in ("/me/credentials", "/mcp-servers", "/agents", "/me/settings", f"/sessions/{session['id']}"):
        assert hits(path, json.dumps(ask(mona, "GET", path)).encode(), canaries) == []
    wait_until(lambda: Path(server.api.transcript(session["id"])["path"]).exists())
    assert in_files(server.folder, canaries) == [], "while the write-ahead log is there"
    server.stop()
    assert in_files(server.folder, canaries) == []
    assert in_git(server.repository, canaries) == []
    assert list(loose(server.folder / "data")) == []
    assert (server.folder / "data" / "credentials.key").exists()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_lost_key_holds_the_prompt_and_says_why(make_server: Make) -> None:
    pytest.importorskip("acp")
    options = {"acp": {"command": AGENT, "credentials": ["SCRIPTED_KEY"]}}
    server = make_server(named_users=True, agent_options=options, trusted_repositories=["/*"])
    mona = as_person(server, "mona")
    ask(mona, "PUT", "/me/credentials", {"name": "SCRIPTED_KEY", "value": canary()})
    repo = ask(mona, "POST", "/repos", {"path": str(server.repository)})
    tree = ask(mona, "POST", "/worktrees", {"repo_id": repo["id"], "name": "tree"})
    (server.folder / "data" / "credentials.key").unlink()
    session = begin(mona, tree, [{"say": "All is well."}])
    paused = wait_until(lambda: ask(mona, "GET", f"/sessions/{session['id']}")["queue_paused"], 60)
    assert "credentials" in paused and "gone" in paused
    mona.http.request("DELETE", "/me/credentials", query={"name": "SCRIPTED_KEY"})
    ask(mona, "POST", f"/sessions/{session['id']}/resume", {})
    wait_until(lambda: "All is well." in json.dumps(all_events(server, session["id"])), 60)
