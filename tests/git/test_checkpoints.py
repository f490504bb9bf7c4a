"""Recording a worktree's files without touching the worktree."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.domain.errors import GitFailed
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.run import Output
from tests.git.conftest import Sh

SES = SessionId("ses_0123456789abcdef")
TASK = TaskId("task_0123456789abcdef")


@pytest.fixture
async def tree(room: GitRoom, repo: Path, root: Path) -> Path:
    await room.worktrees.create(str(repo), str(root / "w"), "work", "main")
    return root / "w"


async def test_record_takes_files_as_they_are(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    (tree / "a.txt").write_text("one\nTWO\nthree\nfour\n")
    (tree / "b.txt").unlink()
    (tree / "new file").write_bytes(bytes(range(256)))
    (tree / "x.log").write_text("ignored")
    (tree / "sub").mkdir()
    (tree / "sub" / "staged").write_text("s")
    sh("add", "sub/staged", cwd=tree)
    before = sh("status", "--porcelain=v2", "--branch", cwd=tree)
    index = Path(sh("rev-parse", "--git-path", "index", cwd=tree)).read_bytes()

    made = await room.checkpoints.record(str(tree), SES, TASK, "end", prompted_by="Ada <ada@x>\nEvil: yes")

    assert made.ref == f"refs/agor/{SES}/{TASK}-end"
    assert sh("rev-parse", made.ref, cwd=repo) == made.sha
    assert made.head_sha == sh("rev-parse", "main", cwd=repo)
    names = sh("ls-tree", "-r", "--name-only", made.sha, cwd=repo).splitlines()
    assert names == [".gitignore", "a.txt", "new file", "sub/staged"]
    assert (
        sh("log", "-1", "--format=%an|%ae|%cn|%P", made.sha, cwd=repo)
        == f"Agor|agor@localhost|Agor|{made.head_sha}"
    )
    assert "Agor-Prompted-By: Ada ada@x Evil: yes" in sh("log", "-1", "--format=%B", made.sha, cwd=repo)
    assert sh("status", "--porcelain=v2", "--branch", cwd=tree) == before
    assert Path(sh("rev-parse", "--git-path", "index", cwd=tree)).read_bytes() == index

    changed = await room.checkpoints.changes(str(repo), made.head_sha, made.sha)
    assert [(f.path, f.status, f.lines_added, f.lines_removed) for f in changed.files] == [
        ("a.txt", "modified", 2, 1),
        ("b.txt", "deleted", 0, 1),
        ("new file", "added", None, None),
        ("sub/staged", "added", 1, 0),
    ]
    assert (changed.lines_added, changed.lines_removed) == (3, 2)
    listed = await room.checkpoints.list(str(repo), SES)
    assert [(c.sha, c.task_id, c.kind) for c in listed] == [(made.sha, TASK, "end")]


async def tree_of(room: GitRoom, tree: Path, sh: Sh) -> list[str]:
    made = await room.checkpoints.record(str(tree), SES, TASK)
    return sh("ls-tree", "-r", "--name-only", "-z", made.sha, cwd=tree).rstrip("\0").split("\0")


async def test_tasks_of_one_second_are_listed_in_their_order(room: GitRoom, tree: Path, sh: Sh) -> None:
    tasks = [TaskId(f"task_{letter * 16}") for letter in "ba"]
    made = []
    for task in tasks:
        made += [await room.checkpoints.record(str(tree), SES, task, kind) for kind in ("start", "end")]
    times = [1_000_000_000, 1_000_000_001, 1_000_000_001, 1_000_000_001]
    for item, at in zip(made, times, strict=True):
        sha = sh("commit-tree", "-m", "x", "HEAD^{tree}", cwd=tree, GIT_COMMITTER_DATE=f"{at} +0000")
        sh("update-ref", item.ref, sha, cwd=tree)
    listed = await room.checkpoints.list(str(tree), SES)
    assert [(item.task_id, item.kind) for item in listed] == [
        (task, kind) for task in tasks for kind in ("start", "end")
    ]


async def test_start_and_end_are_two_refs_and_again_moves_one(room: GitRoom, tree: Path, sh: Sh) -> None:
    first = await room.checkpoints.record(str(tree), SES, TASK, "start")
    (tree / "new").write_text("x")
    last = await room.checkpoints.record(str(tree), SES, TASK, "end")
    (tree / "newer").write_text("x")
    again = await room.checkpoints.record(str(tree), SES, TASK, "end")
    assert (again.ref, again.sha != last.sha) == (last.ref, True)
    listed = await room.checkpoints.list(str(tree), SES)
    assert {(c.kind, c.sha) for c in listed} == {("start", first.sha), ("end", again.sha)}
    assert await room.checkpoints.list(str(tree), SessionId("ses_other")) == []


async def test_before_the_first_commit(room: GitRoom, tmp_path: Path, sh: Sh) -> None:
    sh("init", "-q", "fresh", cwd=tmp_path)
    (tmp_path / "fresh" / "a").write_text("x\n")
    made = await room.checkpoints.record(str(tmp_path / "fresh"), SES, TASK)
    assert made.head_sha == ""
    assert sh("log", "--format=%P", made.sha, cwd=tmp_path / "fresh") == ""
    changed = await room.checkpoints.changes(str(tmp_path / "fresh"), "", made.sha)
    assert [(f.path, f.status) for f in changed.files] == [("a", "added")]


async def test_in_the_middle_of_a_merge(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    (tree / "a.txt").write_text("ours\n")
    sh("commit", "-q", "-a", "-m", "ours", cwd=tree)
    (repo / "a.txt").write_text("theirs\n")
    sh("commit", "-q", "-a", "-m", "theirs", cwd=repo)
    sh("merge", "main", cwd=tree, check=False)
    before = sh("status", "--porcelain=v2", cwd=tree)
    assert before.startswith("u UU")

    made = await room.checkpoints.record(str(tree), SES, TASK)

    assert "<<<<<<<" in sh("cat-file", "-p", f"{made.sha}:a.txt", cwd=tree)
    assert sh("status", "--porcelain=v2", cwd=tree) == before
    assert sh("rev-parse", "MERGE_HEAD", cwd=tree) == sh("rev-parse", "main", cwd=repo)
    found = await room.diffs.status(str(tree))
    assert [(c.path, c.status) for c in found.changes] == [("a.txt", "conflicted")]


async def test_while_the_agent_holds_index_lock(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    (repo / ".git" / "worktrees" / "w" / "index.lock").touch()
    (tree / "new").write_text("x")
    assert "new" in await tree_of(room, tree, sh)
    assert not (await room.diffs.status(str(tree))).clean
    assert len(await room.diffs.diff(str(tree), "head")) == 1
    assert (repo / ".git" / "worktrees" / "w" / "index.lock").exists()


async def test_without_an_index_ignored_but_tracked_files_are_in(
    room: GitRoom, repo: Path, tree: Path, sh: Sh
) -> None:
    (tree / "tracked.log").write_text("x")
    sh("add", "-f", "tracked.log", cwd=tree)
    sh("commit", "-q", "-m", "x", cwd=tree)
    (repo / ".git" / "worktrees" / "w" / "index").unlink()
    assert "tracked.log" in await tree_of(room, tree, sh)


async def test_a_change_in_the_tick_of_the_index_is_seen(
    room: GitRoom, repo: Path, tree: Path, sh: Sh
) -> None:
    """A file changed, at the same size, in the very tick in which the index was written."""
    sh("config", "core.trustctime", "false", cwd=repo)
    moment = 1_700_000_000 * 10**9
    index = repo / ".git" / "worktrees" / "w" / "index"
    (tree / "a.txt").write_text("AAA\n")
    os.utime(tree / "a.txt", ns=(moment, moment))
    sh("add", "a.txt", cwd=tree)
    os.utime(index, ns=(moment, moment))
    (tree / "a.txt").write_text("BBB\n")
    os.utime(tree / "a.txt", ns=(moment, moment))

    made = await room.checkpoints.record(str(tree), SES, TASK)

    assert sh("cat-file", "-p", f"{made.sha}:a.txt", cwd=tree) == "BBB"


async def test_submodules_and_nested_repositories_are_their_commit(
    room: GitRoom, tree: Path, tmp_path: Path, sh: Sh
) -> None:
    sh("init", "-q", "lib", cwd=tmp_path)
    sh("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path / "lib")
    sh("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "lib"), "sub", cwd=tree)
    sh("clone", "-q", str(tmp_path / "lib"), "nested", cwd=tree)
    sh("init", "-q", "unborn", cwd=tree)
    (tree / "new").write_text("x")

    made = await room.checkpoints.record(str(tree), SES, TASK)

    listed = sh("ls-tree", "-r", made.sha, cwd=tree)
    head = sh("rev-parse", "HEAD", cwd=tmp_path / "lib")
    assert f"160000 commit {head}\tsub" in listed and f"160000 commit {head}\tnested" in listed
    assert "\tnew" in listed and "unborn" not in listed
    paths = {d.path: d for d in await room.diffs.diff(str(tree), made.sha)}
    assert sorted(paths) == []
    assert not (await room.diffs.status(str(tree))).clean


async def test_large_and_binary_files_links_and_modes(room: GitRoom, tree: Path, sh: Sh) -> None:
    (tree / "large").write_bytes(os.urandom(1 << 20) * 20)
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "run").write_text("#!/bin/sh\n")
    (tree / "run").chmod(0o755)
    os.mkfifo(tree / "pipe")
    (tree / "crlf").write_bytes(b"a\r\nb\r\n")
    sh("config", "core.autocrlf", "input", cwd=tree)
    sh("config", "core.safecrlf", "true", cwd=tree)

    made = await room.checkpoints.record(str(tree), SES, TASK)

    listed = sh("ls-tree", "-r", "--long", made.sha, cwd=tree)
    assert f"{20 << 20}\tlarge" in listed
    assert "120000" in listed and "100755" in listed and "pipe" not in listed and "crlf" in listed
    found = {d.path: d for d in await room.diffs.diff(str(tree), "head")}
    assert found["large"].binary and found["link"].new_text == "/etc/passwd"


async def test_a_checkpoint_survives_gc(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    (tree / "new").write_text("precious")
    made = await room.checkpoints.record(str(tree), SES, TASK)
    (tree / "new").unlink()
    sh("gc", "-q", "--prune=now", cwd=repo)
    sh("worktree", "prune", "--expire=now", cwd=repo)
    assert sh("cat-file", "-p", f"{made.sha}:new", cwd=repo) == "precious"


async def test_files_that_come_and_go_meanwhile(room: GitRoom, tree: Path) -> None:
    """The agent goes on writing: whatever the moment, a checkpoint is made."""
    stop = asyncio.Event()

    def churn() -> None:
        for number in range(4000):
            file = tree / f"tmp{number % 50}"
            file.write_bytes(os.urandom(2000))
            if number % 2:
                file.unlink()
            if stop.is_set():
                break

    writing = asyncio.create_task(asyncio.to_thread(churn))
    for _ in range(8):
        await room.checkpoints.record(str(tree), SES, TASK)
    stop.set()
    await writing


async def test_nothing_temporary_is_left(room: GitRoom, repo: Path, tree: Path) -> None:
    await room.checkpoints.record(str(tree), SES, TASK)
    assert list((room.git.state_dir / "scratch").iterdir()) == []
    assert not list((repo / ".git").glob("**/*.lock"))


async def test_files_that_always_vanish_stay_as_they_were(
    room: GitRoom, tree: Path, sh: Sh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git stumbles over two names, each time: all else is kept, and what the index has of them."""
    real, odd = room.git.run, ["a.txt", "it's 'odd':\nreally*"]
    tries = 0

    async def racing(*args: str, **more: Any) -> Output:
        nonlocal tries
        if "add" in args:
            tries += 1
            for name in odd:
                if f":(top,exclude,literal){name}" not in args:
                    raise GitFailed(f"git add: fatal: unable to stat '{name}': No such file or directory")
        return await real(*args, **more)

    monkeypatch.setattr(room.git, "run", racing)
    for name in (*odd, "b.txt", "new", "it's 'odd':\nreally too"):
        (tree / name).write_text("changed\n")
    made = await room.checkpoints.record(str(tree), SES, TASK)
    names = sh("ls-tree", "-r", "-z", "--name-only", made.sha, cwd=tree).split("\0")
    assert {"new", "it's 'odd':\nreally too"} <= set(names) and odd[1] not in names
    assert sh("show", f"{made.sha}:b.txt", cwd=tree) == "changed"
    assert sh("show", f"{made.sha}:a.txt", cwd=tree) != "changed"
    assert tries == 6


async def test_a_file_that_vanishes_at_the_wrong_moment_is_tried_again(
    room: GitRoom, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = room.git.run, ["git add: fatal: unable to stat 'tmp': No such file or directory"]

    async def racing(*args: str, **more: Any) -> Output:
        if "add" in args and failures:
            raise GitFailed(failures.pop())
        return await real(*args, **more)

    monkeypatch.setattr(room.git, "run", racing)
    assert (await room.checkpoints.record(str(tree), SES, TASK)).sha
    assert failures == []
