"""What lies in a git folder was put there by anybody: a pipe holds nobody up, a set clock hides nothing."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import AgorError, GitFailed
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh

SES, TASK = SessionId("ses_1"), TaskId("task_1")
SECONDS = 20.0
"""How long a pipe is waited for before the test takes it that somebody hangs at it."""


def of_worktrees(repo: Path) -> Path:
    (repo / ".git" / "config.worktree").unlink(missing_ok=True)
    return repo / ".git" / "config.worktree"


def borrowed(repo: Path) -> Path:
    """A folder that a `.git` file names; its `commondir` is the pipe."""
    own = repo.parent / "own"
    own.mkdir()
    (repo / ".git").rename(repo.parent / "moved")
    (repo / ".git").write_text(f"gitdir: {own}\n")
    return own / "commondir"


def index(repo: Path) -> Path:
    (repo / ".git" / "index").unlink()
    return repo / ".git" / "index"


@pytest.mark.parametrize("place", [of_worktrees, borrowed, index])
async def test_a_pipe_in_a_git_folder_holds_nobody_up(
    room: GitRoom, repo: Path, place: Callable[[Path], Path]
) -> None:
    pipe = place(repo)
    os.mkfifo(pipe)
    late: list[Path] = []

    def free() -> None:
        """Let go of whoever waits for the pipe, be it the loop itself: the test must end."""
        late.append(pipe)
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    watchdog = threading.Timer(SECONDS, free)
    watchdog.start()
    with contextlib.suppress(AgorError):
        await room.checkpoints.record(str(repo), SES, TASK, "start")
    watchdog.cancel()
    assert late == []


async def test_a_config_whose_times_were_set_back_is_looked_at_again(
    room: GitRoom, repo: Path, tmp_path: Path, sh: Sh
) -> None:
    mark, config = tmp_path / "ran", repo / ".git" / "config"
    program = tmp_path / "p"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    evil = f'{config.read_text()}[filter "evil"]\n\tclean = {program}\n'
    harmless = config.read_text().ljust(len(evil), "#")
    config.write_text(harmless)
    before = config.stat()
    await room.diffs.status(str(repo))
    (repo / ".gitattributes").write_text("* filter=evil\n")
    with config.open("r+") as file:  # in place: it stays the same file
        file.write(evil)
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (config.stat().st_size, config.stat().st_ino) == (before.st_size, before.st_ino)
    (repo / "a.txt").write_text("changed\n")
    await room.diffs.status(str(repo))
    await room.checkpoints.record(str(repo), SES, TASK, "start")
    assert not mark.exists()
    sh("add", "a.txt", cwd=repo)
    assert mark.exists(), "the fixture does not bite"


async def test_files_elsewhere_are_not_recorded(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    """What a repository's shared configuration says after it was added is no reason to read a home folder."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret").write_text("s")
    sh("worktree", "add", "-q", str(tmp_path / "linked"), cwd=repo)
    sh("config", "core.worktree", str(tmp_path / "private"), cwd=repo)
    for act in (room.diffs.status(str(repo)), room.checkpoints.record(str(repo), SES, TASK, "start")):
        with pytest.raises(GitFailed, match="elsewhere"):
            await act
    assert (await room.diffs.status(str(tmp_path / "linked"))).changes == ()
    sh("--git-dir", str(repo / ".git"), "config", "core.worktree", "..", cwd=repo)  # as submodules have it
    assert (await room.diffs.status(str(repo))).changes == ()
