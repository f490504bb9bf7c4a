"""Making, listing, moving and repairing worktrees."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.domain.errors import (
    BranchInUse,
    Conflict,
    GitFailed,
    NotARepository,
    StorageFull,
    Unprocessable,
)
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.run import Output
from tests.git.conftest import Sh


async def test_create_makes_a_branch_and_its_files(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    made = await room.worktrees.create(str(repo), str(root / "one"), "agor/one", "main")

    head = sh("rev-parse", "main", cwd=repo)
    assert (made.head_sha, made.base_sha) == (head, head)
    assert (root / "one" / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert (
        sh("status", "--porcelain=v2", "--branch", cwd=root / "one").splitlines()[1]
        == "# branch.head agor/one"
    )
    assert sh("status", "--porcelain", cwd=root / "one") == ""
    assert sh("config", "--get-regexp", "^branch", cwd=repo, check=False) == ""


async def test_create_from_a_remote_branch_does_not_track(
    room: GitRoom, repo: Path, root: Path, tmp_path: Path, sh: Sh
) -> None:
    sh("clone", "-q", str(repo), "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    await room.worktrees.create(str(clone), str(root / "one"), "one", "origin/main")
    assert sh("config", "--get-regexp", "^branch.one", cwd=clone, check=False) == ""


async def test_create_uses_a_present_branch_and_finds_its_fork_point(
    room: GitRoom, repo: Path, root: Path, sh: Sh
) -> None:
    fork = sh("rev-parse", "HEAD", cwd=repo)
    sh("checkout", "-q", "-b", "feature", cwd=repo)
    sh("commit", "-q", "--allow-empty", "-m", "work", cwd=repo)
    head = sh("rev-parse", "HEAD", cwd=repo)
    sh("checkout", "-q", "main", cwd=repo)
    sh("commit", "-q", "--allow-empty", "-m", "main goes on", cwd=repo)

    made = await room.worktrees.create(str(repo), str(root / "f"), "feature", "main", create_branch=False)

    assert (made.head_sha, made.base_sha) == (head, fork)


async def test_create_refuses_with_a_reason_and_leaves_nothing(
    room: GitRoom, repo: Path, root: Path, sh: Sh
) -> None:
    make = room.worktrees.create
    with pytest.raises(BranchInUse) as in_use:
        await make(str(repo), str(root / "x"), "main", create_branch=False)
    assert in_use.value.fields["worktree"] == str(repo)
    with pytest.raises(BranchInUse):
        await make(str(repo), str(root / "x"), "main")
    sh("branch", "there", cwd=repo)
    with pytest.raises(Conflict, match="exists already"):
        await make(str(repo), str(root / "x"), "there")
    with pytest.raises(Unprocessable, match="no commit here"):
        await make(str(repo), str(root / "x"), "new", "nowhere")
    with pytest.raises(Unprocessable, match="no local branch"):
        await make(str(repo), str(root / "x"), "nope", create_branch=False)
    (root / "taken").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        await make(str(repo), str(root / "taken"), "new")

    assert sorted(p.name for p in root.iterdir()) == ["taken"]
    assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == ["main", "there"]
    assert len(await room.worktrees.list(str(repo))) == 1
    assert not list((room.git.state_dir / "journal").glob("*.json"))


async def test_create_before_the_first_commit(room: GitRoom, root: Path, tmp_path: Path, sh: Sh) -> None:
    sh("init", "-q", "empty", cwd=tmp_path)
    with pytest.raises(Unprocessable, match="no commit yet"):
        await room.worktrees.create(str(tmp_path / "empty"), str(root / "x"), "new")


async def test_create_rolls_back_when_the_checkout_fails(
    room: GitRoom, repo: Path, root: Path, sh: Sh, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(folder: str) -> None:
        raise GitFailed("disk trouble")

    monkeypatch.setattr(room.worktrees._worktrees, "check_out", fail)
    with pytest.raises(GitFailed, match="disk trouble"):
        await room.worktrees.create(str(repo), str(root / "x"), "new")
    assert not (root / "x").exists()
    assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == ["main"]
    assert not (repo / ".git" / "worktrees").exists()
    assert not list((room.git.state_dir / "journal").glob("*.json"))


async def test_move_and_repair(room: GitRoom, repo: Path, root: Path) -> None:
    await room.worktrees.create(str(repo), str(root / "one"), "one")
    assert await room.worktrees.move(str(repo), str(root / "one"), str(root / "two")) == str(root / "two")
    assert (await room.diffs.status(str(root / "two"))).branch == "one"

    (root / "two").rename(root / "three")
    with pytest.raises(NotARepository, match="known to git as"):
        await room.diffs.status(str(root / "three"))
    await room.worktrees.repair(str(repo), str(root / "three"))
    assert (await room.diffs.status(str(root / "three"))).branch == "one"


async def test_git_at_work_beside_us(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    """Row G1: gc while adding, somebody's own worktree commands, a detached main, a stale index.lock."""
    sh("checkout", "-q", "--detach", cwd=repo)
    (repo / ".git" / "index.lock").touch()

    async def others() -> None:
        for number in range(6):
            await asyncio.to_thread(sh, "gc", "-q", "--prune=now", cwd=repo, check=False)
            await asyncio.to_thread(
                sh, "worktree", "add", "-q", "-b", f"u{number}", str(root.parent / f"u{number}"), "main",
                cwd=repo, check=False,
            )  # fmt: skip
            await asyncio.to_thread(sh, "worktree", "prune", "--expire=now", cwd=repo)

    made = await asyncio.gather(
        others(),
        *(room.worktrees.create(str(repo), str(root / f"w{n}"), f"w{n}", "main") for n in range(12)),
        return_exceptions=True,
    )
    assert [result for result in made if isinstance(result, BaseException)] == []
    for number in range(12):
        assert (await room.diffs.status(str(root / f"w{number}"))).branch == f"w{number}"
    assert (repo / ".git" / "index.lock").exists()


async def test_a_race_with_another_git_is_tried_again(
    room: GitRoom, repo: Path, root: Path, sh: Sh, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = room.git.run, [
        "git worktree: fatal: failed to read .git/worktrees/x/commondir: Success",
        "git worktree: error: could not lock config file .git/config: File exists",
    ]  # fmt: skip

    async def racing(*args: str, **more: Any) -> Output:
        output = await real(*args, **more)
        if args[:2] == ("worktree", "add") and failures:
            raise GitFailed(failures.pop())  # after git had made everything: the worst case
        return output

    monkeypatch.setattr(room.git, "run", racing)
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    assert failures == []
    assert len(await room.worktrees.list(str(repo))) == 2
    assert (root / "w" / "a.txt").exists()


async def test_cancelling_leaves_nothing(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    for steps in range(1, 30, 2):
        creating = asyncio.create_task(room.worktrees.create(str(repo), str(root / "w"), "w", "main"))
        for _ in range(steps):
            await asyncio.sleep(0.002)
        creating.cancel()
        try:
            await creating
        except asyncio.CancelledError:
            assert not (root / "w").exists()
            assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == ["main"]
            assert not (repo / ".git" / "worktrees").exists()
        else:
            await room.worktrees.remove(str(repo), str(root / "w"), files="delete")
            sh("branch", "-D", "w", cwd=repo)
    await room.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    for size in (1 << 16, 1 << 12, 1):
        try:
            with (disk / "filler").open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(size))
        except OSError:
            continue


async def test_a_full_disk_is_said_and_leaves_nothing(
    room: GitRoom, repo: Path, tmp_path: Path, small_disk: Path, sh: Sh
) -> None:
    (repo / "large").write_bytes(os.urandom(2 << 20))
    sh("add", "-A", cwd=repo)
    sh("commit", "-q", "-m", "large", cwd=repo)
    full = GitRoom(tmp_path / "state", small_disk / "trees")
    with pytest.raises(StorageFull):
        await full.worktrees.create(str(repo), str(small_disk / "trees" / "w"), "w", "main")
    assert list((small_disk / "trees").iterdir()) == []
    assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == ["main"]
    await full.close()


async def test_a_full_data_folder_is_said(
    room: GitRoom, repo: Path, root: Path, small_disk: Path, sh: Sh
) -> None:
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    fill(small_disk)
    full = GitRoom(small_disk / "state", root)
    with pytest.raises(StorageFull):
        await full.worktrees.create(str(repo), str(root / "x"), "x", "main")
    with pytest.raises(StorageFull):
        await full.checkpoints.record(str(root / "w"), SessionId("ses_1"), TaskId("task_1"))
    assert (await full.diffs.status(str(root / "w"))).clean
    assert [p.name for p in root.iterdir()] == ["w"]
    (small_disk / "filler").unlink()
    await full.worktrees.create(str(repo), str(root / "x"), "x", "main")


async def test_the_root_may_lie_in_the_repository(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    inner = GitRoom(tmp_path / "state2", repo / "agor" / "worktrees")
    await inner.repos.exclude(str(repo), str(repo / "agor" / "worktrees"))
    await inner.worktrees.create(str(repo), str(repo / "agor" / "worktrees" / "w"), "w")
    assert (await inner.diffs.status(str(repo))).clean
    (
        repo / "agor" / "worktrees" / "w" / ".git"
    ).unlink()  # the agent did it: we must not work in the outer one
    with pytest.raises(NotARepository):
        await inner.diffs.status(str(repo / "agor" / "worktrees" / "w"))
    with pytest.raises(NotARepository):
        await inner.checkpoints.record(
            str(repo / "agor" / "worktrees" / "w"), SessionId("ses_1"), TaskId("task_1")
        )
