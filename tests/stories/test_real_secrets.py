"""Secrets with the real programs: a stored key reaches its agent's model, and nothing else ever has it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agor_jupyter.cli.board_look import look
from agor_jupyter.client.api import Api, Record
from agor_jupyter.testing.conformance import PROBE, Act, Run, UseTool
from agor_jupyter.testing.harnesses.codex import CodexHarness, make_home
from agor_jupyter.testing.people import token_of
from tests.stories.conftest import Server, wait_until
from tests.stories.stage import Stage, Stages, traits
from tests.stories.test_kills import all_events, ended
from tests.stories.test_own_secrets import as_person, ask, canary, processes
from tests.stories.test_secrets import HUBS, SECRETS, hits, in_command_lines, in_files, in_git, loose

KEYS = {"claude": "ANTHROPIC_API_KEY", "codex": "OPENAI_API_KEY"}
EXTRA = "MY_EXTRA_WORD=an-extra-value"
COMMAND = "until [ -e go ]; do sleep 0.1; done"
NEVER = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "AGOR_JUPYTER_TOKEN", *KEYS.values())

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="reads other processes in /proc"
)


class KeyedCodex(CodexHarness):
    """Codex as people have it: the key is its login's, not one that its settings name."""

    def environment(self) -> dict[str, str]:
        return {name: value for name, value in super().environment().items() if name != "SCRIPTED_API_KEY"}

    async def open(self) -> None:
        await self._server.__aenter__()
        config = self._server.codex_config().replace(
            'env_key = "SCRIPTED_API_KEY"', "requires_openai_auth = true"
        )
        make_home(self._home, config)


def keys_received(stage: Stage) -> set[str]:
    """Say with which keys the agent came to its model."""
    asked = stage.harness._server.asked  # type: ignore[attr-defined]  # both harnesses have one
    names = ("x-api-key", "authorization")
    return {each.headers.get(name, "").removeprefix("Bearer ") for each in asked for name in names} - {""}


def without_key(found: dict[str, object]) -> dict[str, object]:
    """Take the scripted key out of the traits: what is stored must do."""
    environments = found["agent_environment"]
    assert isinstance(environments, dict)
    environments["claude"].pop("ANTHROPIC_API_KEY", None)
    return found


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Put a canary into what a server's environment often holds, another key of each agent included."""
    found = {name: canary() for name in (*SECRETS, *HUBS)}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return {f"the machine's {name}": value.encode() for name, value in found.items()}


def store(person: Api, kinds: Stages) -> dict[str, str]:
    """Set a key of each agent, a word for an MCP server that both have, and a variable that is no secret."""
    tools = {"name": "probe", "command": list(PROBE.command), "environment": {"PROBE_WORD": "${MY_WORD}"}}
    ask(person, "POST", "/mcp-servers", tools)
    kept = {name: canary() for name in (*(KEYS[kind] for kind in kinds), "MY_WORD")}
    for name, value in kept.items():
        ask(person, "PUT", "/me/credentials", {"name": name, "value": value})
    ask(person, "PATCH", "/me/settings", {f"environment.{kind}": EXTRA for kind in kinds})
    return kept


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_stored_key_reaches_the_model_and_nothing_else(
    make_stages: Callable[..., Stages], make_server: Callable[..., Server], planted: dict[str, bytes]
) -> None:
    agents = make_stages("claude", "codex", codex=KeyedCodex())
    trait = canary()
    others = {"AnotherExtension": {"api_key": trait}}
    server = make_server(named_users=True, others=others, **without_key(traits(agents)))
    mona = as_person(server, "mona")
    kept = store(mona, agents)
    for kind, stage in agents.items():
        if kind == "codex":
            stage.harness._server.key = kept[KEYS[kind]]  # type: ignore[attr-defined]  # it takes no other key
    board = ask(mona, "POST", "/boards", {"name": "Board"})
    repo = ask(mona, "POST", "/repos", {"path": str(server.repository)})
    printed = canary()
    acts = (
        Run("env | grep -v MY_WORD"),
        Run(f"printf {printed[:10]}; printf {printed[10:]}"),
        UseTool("probe", "shout", {"text": "hi"}),
        Run(f"sh -c '{COMMAND}'"),
    )
    trees, sessions = begin(mona, repo, board, agents, acts)
    every = {**planted, **{name: value.encode() for name, value in kept.items()}, "a trait": trait.encode()}
    every["the server's token"] = server.token.encode()
    every["mona's token"] = token_of("mona").encode()

    for kind, session in sessions.items():
        wait_until(lambda id=session["id"]: printed in told(server, id) and "HI" in told(server, id), 90)
        check_processes(session, every, kept, KEYS[kind])
    assert in_command_lines(every) == []
    check_environment_shown(server, sessions)
    for kind, stage in agents.items():
        assert keys_received(stage) == {kept[KEYS[kind]]}, "the stored one, not the machine's"
    for tree in trees.values():
        (Path(tree["path"]) / "go").touch()
    for session in sessions.values():
        wait_until(lambda id=session["id"]: ended(server, id), 60)
        assert hits("the events", told(server, session["id"]).encode(), every) == []
    shown = str(look(server.url, server.token, board["id"])).encode()
    assert hits("the board's documents", shown, {**every, "what was printed": printed.encode()}) == []
    crash(server)
    outputs = [*server.folder.rglob("*.log"), *server.folder.rglob("core*")]
    said = {"what was printed": printed.encode()}
    assert len([path for path in outputs if path.name == "runner.log"]) == len(agents)
    assert [line for path in outputs for line in hits(str(path), path.read_bytes(), {**every, **said})] == []
    server.stop()
    config = {"a trait", "mona's token"}
    elsewhere = {name: value for name, value in every.items() if name not in config}
    assert in_files(server.folder, elsewhere) == []
    assert in_files(server.folder / "data", every) == []
    assert in_files(server.folder / "data", said), "the search finds what is there"
    assert in_git(server.repository, every) == []
    for stage in agents.values():
        home = Path(stage.harness.environment()["HOME"])
        assert in_files(home, every) == [], "nor do the programs themselves keep it"
    assert list(loose(server.folder / "data")) == []


def begin(
    person: Api, repo: Record, board: Record, agents: Stages, acts: tuple[Act, ...]
) -> tuple[dict[str, Record], dict[str, Record]]:
    trees, sessions = {}, {}
    for kind, stage in agents.items():
        wish = {"repo_id": repo["id"], "name": kind, "board_id": board["id"], "pos": [0, 0]}
        trees[kind] = ask(person, "POST", "/worktrees", wish)
        asked = {"worktree_id": trees[kind]["id"], "agent": kind, "mode": "full_auto"}
        sessions[kind] = ask(person, "POST", "/sessions", {**asked, "prompt": stage.prompt(*acts)})
    return trees, sessions


def told(server: Server, session_id: str) -> str:
    return json.dumps(all_events(server, session_id))


def check_processes(session: Record, every: Mapping[str, bytes], kept: Mapping[str, str], key: str) -> None:
    """Look into the environment of each process of the session, its shell's commands included."""

    def at_work() -> dict[str, bytes] | None:
        found = processes(session)
        return found if any(COMMAND in line for line in found) else None

    found = wait_until(at_work, 60)
    assert any("mcp_probe" in line for line in found)
    needed = {key, "MY_WORD"}
    for line, environment in found.items():
        names = [name for name, value in every.items() if value in environment and name not in needed]
        assert names == [], (line, names)
        shell = COMMAND in line
        # docs/agents-claude.md: its shell sees what its MCP servers refer to, never its key.
        hidden = {key} if shell and session["agent"] == "claude" else needed
        if shell or "agor_jupyter.runner" in line:
            assert hits(line, environment, {name: kept[name].encode() for name in hidden}) == []
        if "mcp_probe" in line:
            assert kept["MY_WORD"].encode() in environment and kept[key].encode() not in environment


def check_environment_shown(server: Server, sessions: Mapping[str, Record]) -> None:
    """What each agent's own shell printed: the person's variable, and no token of the house."""
    for kind, session in sessions.items():
        text = told(server, session["id"])
        assert EXTRA in text and "PATH=" in text, kind
        assert [name for name in NEVER if f"{name}=" in text] == [], kind


def crash(server: Server) -> None:
    """Let a runner that is at rest die as by a fault of its own."""
    for runner in server.runners():
        runner.send_signal(signal.SIGABRT)
    wait_until(lambda: not server.runners(), 30)
