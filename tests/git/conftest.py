"""A real git in tmp_path: repositories, a room, and a plain synchronous `git` for the tests' own use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agor_jupyter.git.room import GitRoom

Sh = Callable[..., str]


def run_plain(*args: str, cwd: Path | str, check: bool = True, **more: str) -> str:
    """Run the user's own git, with nothing of ours around it."""
    environment = {**os.environ, **more}
    done = subprocess.run(["git", *args], cwd=cwd, env=environment, capture_output=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"git {args}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    yield folder


@pytest.fixture
def sh() -> Sh:
    return run_plain


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Path:
    """A repository with one commit of two files and an ignore rule."""
    top = tmp_path / "repo"
    top.mkdir()
    run_plain("init", "-q", "-b", "main", cwd=top)
    (top / "a.txt").write_text("one\ntwo\nthree\n")
    (top / "b.txt").write_text("b\n")
    (top / ".gitignore").write_text("*.log\n")
    run_plain("add", "-A", cwd=top)
    run_plain("commit", "-q", "-m", "first", cwd=top)
    return top


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "agor" / "worktrees"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def room(tmp_path: Path, root: Path, home: Path) -> GitRoom:
    return GitRoom(tmp_path / "state", root)
