"""Canaries in the server's environment and in a prompt: none is found where it must not be."""

from __future__ import annotations

import json
import secrets
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agor_jupyter.agents.process import marked
from agor_jupyter.cli.board_look import look
from agor_jupyter.client.api import Record
from agor_jupyter.runner.host import SESSION_MARKER
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended

Make = Callable[..., Server]
SECRETS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY")
HUBS = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Put a secret into each variable that a server's environment often holds."""
    planted = {name: f"canary-{secrets.token_hex(12)}" for name in (*SECRETS, *HUBS)}
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    return {name: value.encode() for name, value in planted.items()}


def hits(where: str, data: bytes, canaries: dict[str, bytes]) -> list[str]:
    return [f"{name} in {where}" for name, value in canaries.items() if value in data]


def in_files(folder: Path, canaries: dict[str, bytes]) -> list[str]:
    """Look through every file but the runtime files, in which Jupyter itself hands out its token."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("jpserver-"):
            found += hits(str(path), path.read_bytes(), canaries)
    return found


def in_git(repository: Path, canaries: dict[str, bytes]) -> list[str]:
    """Look through every object: they are compressed in the files."""
    every = ["git", "cat-file", "--batch-all-objects", "--batch"]
    data = subprocess.run(every, cwd=repository, capture_output=True, check=True, timeout=60).stdout
    assert b"statistics" in data or len(data) > 1000, "nothing was read"
    return hits("git's objects", data, canaries)


def in_command_lines(canaries: dict[str, bytes]) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += hits(str(path), path.read_bytes(), canaries)
        except OSError:
            continue  # it ended meanwhile
    return found


def in_environments(session: Record, canaries: dict[str, bytes]) -> list[str]:
    """Look into the runner's and its agent's own environment."""
    pids = marked(f"{SESSION_MARKER}={session['id']}")
    assert len(pids) >= 2, "the runner and the command are there"
    return [
        line for pid in pids for line in hits(f"{pid}", Path(f"/proc/{pid}/environ").read_bytes(), canaries)
    ]


def kernels_token(server: Server) -> bytes:
    """Start a kernel and give the token that its environment holds."""
    http = server.api.http
    connection = http.connect()
    headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/kernels", body="{}", headers=headers)
    assert connection.getresponse().status == 201
    connection.close()

    def found() -> str | None:
        assert server.process is not None
        for child in psutil.Process(server.process.pid).children(recursive=True):
            token = child.environ().get("AGOR_JUPYTER_TOKEN")
            if token:
                return token
        return None

    return wait_until(found).encode()


def loose(folder: Path) -> Iterator[str]:
    """Name what others than the owner may look at."""
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and mode & 0o077:
            yield f"{path} {mode:o}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads other processes in /proc")
def test_no_canary_gets_out_of_the_servers_environment(make_server: Make, canaries: dict[str, bytes]) -> None:
    server = make_server()
    canaries["JUPYTER_TOKEN"] = server.token.encode()
    canaries["a kernel's token"] = kernels_token(server)
    board = server.post("/boards", {"name": "Board"})
    repo = server.post("/repos", {"path": str(server.repository)})
    wish = {"repo_id": repo["id"], "name": "tree", "board_id": board["id"], "pos": [0, 0]}
    tree = server.post("/worktrees", wish)
    said = f"prompt-{secrets.token_hex(12)}"
    steps = [
        {"say": "I look around. "},
        {"run": {"argv": ["env"], "ask": False}},
        {"edit": {"path": "note.txt", "write": "A note.\n", "ask": False}},
        {"run": {"argv": ["sleep", "3"], "ask": False}},
    ]
    prompt = f"{said}\n```demo\n{json.dumps(steps)}\n```\n"
    session = server.session(tree, prompt, mode="full_auto")
    marker = f"{SESSION_MARKER}={session['id']}"
    wait_until(lambda: [pid for pid in marked(marker) if psutil.Process(pid).name() == "sleep"])
    prompts = {"the prompt": said.encode()}
    assert in_command_lines({**canaries, **prompts}) == []
    assert in_environments(session, {**canaries, **prompts}) == []
    wait_until(lambda: ended(server, session["id"]))
    events = json.dumps(all_events(server, session["id"])).encode()
    assert b"PATH=" in events, "the agent printed its environment"
    assert hits("the events", events, canaries) == []
    shown = str(look(server.url, server.token, board["id"])).encode()
    assert session["id"].encode() in shown
    assert hits("the board's documents", shown, canaries) == []
    transcript = Path(server.api.transcript(session["id"])["path"])
    wait_until(lambda: transcript.exists() and said in transcript.read_text(encoding="utf-8"))
    assert in_files(server.folder, canaries) == [], "while the write-ahead log is there"
    server.stop()
    assert in_files(server.folder, canaries) == []
    assert in_files(server.folder / "data", prompts), "the search finds what is there"
    assert in_git(server.repository, canaries) == []
    logs = [server.folder / "server.log", *(server.folder / "data").rglob("*.log")]
    assert [line for path in logs for line in hits(str(path), path.read_bytes(), prompts)] == []
    assert list(loose(server.folder / "data")) == []
