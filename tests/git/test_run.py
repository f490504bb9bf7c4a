"""Starting git: deadlines, bounds, environment, errors, and never the wrong checkout."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import GitFailed, GitMissing, NotARepository, NotFound, StorageFull, TimedOut
from agor_jupyter.git.lock import RepoLocks
from agor_jupyter.git.process import run_to_end
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.run import Git, Output, failure
from tests.git.conftest import Sh


async def start(*argv: str, cwd: Path, timeout_seconds: float = 10.0, max_bytes: int = 1 << 20) -> object:
    return await run_to_end(
        argv, cwd=str(cwd), environment=dict(os.environ), stdin=None,
        timeout_seconds=timeout_seconds, max_bytes=max_bytes,
    )  # fmt: skip


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    return not is_running(pid)


STUBBORN = "trap '' TERM; sleep 60 & echo $! > child; wait; sleep 60"


async def test_the_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        await start("sh", "-c", STUBBORN, cwd=tmp_path, timeout_seconds=0.3)
    assert await gone(int((tmp_path / "child").read_text()))


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    job = asyncio.create_task(start("sh", "-c", STUBBORN, cwd=tmp_path))
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        await asyncio.sleep(0.01)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert await gone(int((tmp_path / "child").read_text()))


async def test_cancelling_at_any_moment_of_the_start_leaves_nobody(tmp_path: Path) -> None:
    for steps in range(12):
        child = tmp_path / f"child{steps}"
        job = asyncio.create_task(
            start(
                "sh",
                "-c",
                f"sleep 60 & echo $! > {child}.new; mv {child}.new {child}; wait",
                cwd=tmp_path,
            )
        )
        for _ in range(steps):
            await asyncio.sleep(0)
        deadline = time.monotonic() + 0.2
        while steps and not child.exists() and time.monotonic() < deadline:
            time.sleep(0.001)  # on purpose: the loop stands still while the child goes on
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        if child.exists():
            assert await gone(int(child.read_text()))


async def test_too_much_output_is_an_error_in_bounded_memory(room: GitRoom, repo: Path, sh: Sh) -> None:
    (repo / "big").write_bytes(bytes(4 << 20))
    sha = sh("hash-object", "-w", "big", cwd=repo)
    with pytest.raises(GitFailed, match="printed more than 1 MB"):
        await room.git.run("cat-file", "blob", sha, cwd=repo, max_bytes=1 << 20)


async def test_output_just_within_the_bound_is_whole(tmp_path: Path) -> None:
    ended = await run_to_end(
        ["head", "-c", "1000", "/dev/zero"], cwd=str(tmp_path), environment=dict(os.environ), stdin=None,
        timeout_seconds=10, max_bytes=1000,
    )  # fmt: skip
    assert (len(ended.stdout), ended.cut) == (1000, False)


async def test_missing_and_old_git(tmp_path: Path, repo: Path) -> None:
    with pytest.raises(GitMissing, match="not installed"):
        await Git(tmp_path / "s", program="no-such-git").run("status", cwd=repo)
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.17.1\n")
    old.chmod(0o755)
    with pytest.raises(GitMissing, match=r"2\.17 is too old"):
        await Git(tmp_path / "s", program=str(old)).run("status", cwd=repo)


async def test_what_the_server_inherited_does_not_reach_git(
    tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, sh: Sh
) -> None:
    secret = tmp_path / "elsewhere"
    sh("init", "-q", str(secret), cwd=tmp_path)
    for name, value in {
        "GIT_DIR": str(secret / ".git"),
        "GIT_WORK_TREE": str(secret),
        "GIT_INDEX_FILE": str(secret / "index"),
        "GIT_EXTERNAL_DIFF": "false",
        "JUPYTER_TOKEN": "t0ken",
        "ANTHROPIC_API_KEY": "k",
    }.items():
        monkeypatch.setenv(name, value)
    git = Git(tmp_path / "state")
    assert (await git.run("rev-parse", "--show-toplevel", cwd=repo)).line == str(repo)
    (repo / ".git" / "env").write_text("")
    shown = await git.run("-c", "alias.env=!env", "env", cwd=repo)
    assert "t0ken" not in shown.text and "ANTHROPIC" not in shown.text
    assert "GIT_TERMINAL_PROMPT=0" in shown.text


async def test_git_never_looks_above_the_folder(room: GitRoom, repo: Path) -> None:
    inner = repo / "agor" / "worktrees" / "w"
    inner.mkdir(parents=True)
    with pytest.raises(NotARepository):
        await room.git.run("reset", "--hard", cwd=inner)
    (inner / ".git").mkdir()  # git takes no empty folder for a repository and would go on upwards
    with pytest.raises(GitFailed, match="not a git repository"):
        await room.git.run("status", cwd=inner)
    with pytest.raises(NotFound, match="is gone"):
        await room.git.run("status", cwd=repo / "nowhere")


def test_errors_carry_gits_words_and_no_credentials() -> None:
    said = "remote: x\nhint: do\nfatal: unable to access 'https://ada:hunter2@example.org/r.git/': 403\n"
    from agor_jupyter.git.process import Ended
    from agor_jupyter.git.run import _words

    error = failure("fetch", Output(128, b"", _words(Ended(128, b"", said.encode()))))
    assert "hunter2" not in error.detail and "403" in error.detail and "hint" not in error.detail
    assert isinstance(failure("add", Output(128, b"", "error: No space left on device")), StorageFull)
    assert "safe.directory" in failure("status", Output(128, b"", "fatal: detected dubious ownership")).hint


async def test_a_git_that_outlives_its_caller_holds_the_lock(room: GitRoom, repo: Path) -> None:
    common = repo / ".git"
    async with room.git.locks.hold(common) as lock:
        job = asyncio.create_task(
            room.git.run("slow", cwd=repo, environment=dict(ALIAS), keep_lock=lock, timeout_seconds=60)
        )
        deadline = time.monotonic() + 10
        while not (repo / "started").exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
    try:
        with pytest.raises(TimedOut):  # as another process would see it after ours was killed
            async with RepoLocks(room.git.state_dir / "locks").hold(common, timeout_seconds=0.2):
                pass
    finally:
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    async with RepoLocks(room.git.state_dir / "locks").hold(common, timeout_seconds=10):
        pass


async def test_a_command_that_takes_too_long(room: GitRoom, repo: Path) -> None:
    with pytest.raises(TimedOut, match="git slow was stopped"):
        await room.git.run("slow", cwd=repo, environment=dict(ALIAS), timeout_seconds=0.2)


ALIAS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "alias.slow",
    "GIT_CONFIG_VALUE_0": "!touch started; sleep 60",
}
