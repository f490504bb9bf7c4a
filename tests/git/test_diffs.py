"""Status and diffs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import NotFound
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh


@pytest.fixture
async def tree(room: GitRoom, repo: Path, root: Path) -> Path:
    await room.worktrees.create(str(repo), str(root / "w"), "work", "main")
    return root / "w"


async def test_status_of_a_fresh_worktree_is_clean(room: GitRoom, tree: Path, sh: Sh) -> None:
    found = await room.diffs.status(str(tree), sh("rev-parse", "main", cwd=tree))
    assert found.clean
    assert (found.branch, found.ahead, found.behind) == ("work", 0, 0)


async def test_status_counts_everything_since_the_base(room: GitRoom, tree: Path, sh: Sh) -> None:
    base = sh("rev-parse", "HEAD", cwd=tree)
    (tree / "committed").write_text("1\n2\n3\n")
    sh("add", "-A", cwd=tree)
    sh("commit", "-q", "-m", "x", cwd=tree)
    (tree / "a.txt").write_text("one\n")
    (tree / "new").write_text("1\n2")

    found = await room.diffs.status(str(tree), base)

    assert (found.ahead, found.behind) == (1, 0)
    assert [(c.path, c.status, c.lines_added, c.lines_removed) for c in found.changes] == [
        ("a.txt", "modified", 0, 2),
        ("new", "untracked", 2, 0),
    ]
    assert (found.lines_added, found.lines_removed) == (5, 2)


async def test_diff_gives_both_texts(room: GitRoom, tree: Path, sh: Sh) -> None:
    base = sh("rev-parse", "HEAD", cwd=tree)
    (tree / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    sh("mv", "b.txt", "c.txt", cwd=tree)
    (tree / "new").write_bytes(b"\0\1")
    (tree / "big").write_text("x" * 300_000)

    found = {d.path: d for d in await room.diffs.diff(str(tree), "base", base_sha=base)}

    assert (found["a.txt"].old_text, found["a.txt"].new_text) == (
        "one\ntwo\nthree\n",
        "one\ntwo\nthree\nfour\n",
    )
    assert (found["c.txt"].status, found["c.txt"].old_path) == ("renamed", "b.txt")
    assert found["c.txt"].old_text == found["c.txt"].new_text == "b\n"
    assert found["new"].binary and found["new"].new_text is None
    assert found["big"].truncated and len(found["big"].new_text or "") == 256 << 10


async def test_diff_against_a_checkpoint_knows_its_new_files(room: GitRoom, tree: Path) -> None:
    (tree / "same").write_text("same\n")
    (tree / "changed").write_text("1\n")
    (tree / "gone").write_text("1\n")
    (tree / ":(bad)*").write_text("magic\n")
    point = await room.checkpoints.record(str(tree), SessionId("ses_1"), TaskId("task_1"))
    assert await room.diffs.diff(str(tree), point.sha) == []
    (tree / "changed").write_text("1\n2\n")
    (tree / "gone").unlink()
    (tree / "new").write_text("n\n")

    found = await room.diffs.diff(str(tree), point.sha)

    assert [(d.path, d.status, d.old_text, d.new_text, d.lines_added, d.lines_removed) for d in found] == [
        ("changed", "modified", "1\n", "1\n2\n", 1, 0),
        ("gone", "deleted", "1\n", None, 0, 1),
        ("new", "untracked", None, "n\n", 1, 0),
    ]
    later = await room.checkpoints.record(str(tree), SessionId("ses_1"), TaskId("task_1"))
    compared = await room.diffs.compare(str(tree), point.sha, later.sha)
    assert [(d.path, d.status, d.old_text, d.new_text) for d in compared] == [
        ("changed", "modified", "1\n", "1\n2\n"),
        ("gone", "deleted", "1\n", None),
        ("new", "added", None, "n\n"),
    ]
    assert {c.path for c in (await room.diffs.status(str(tree))).changes} == {
        "same",
        "changed",
        "new",
        ":(bad)*",
    }


async def test_diff_reads_no_file_through_a_link_or_a_pipe(room: GitRoom, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden")
    (tree / "a.txt").unlink()
    (tree / "a.txt").symlink_to(tmp_path / "secret")
    (tree / "b.txt").unlink()
    os.mkfifo(tree / "b.txt")
    found = {d.path: d for d in await room.diffs.diff(str(tree), "head")}
    assert found["a.txt"].new_text == str(tmp_path / "secret")
    assert found["b.txt"].new_text is None


async def test_diff_of_what_is_no_commit(room: GitRoom, tree: Path) -> None:
    with pytest.raises(NotFound, match="no commit"):
        await room.diffs.diff(str(tree), "0" * 40)


async def test_diff_is_bounded(room: GitRoom, tree: Path) -> None:
    for number in range(90):
        (tree / f"big{number}").write_text("x" * 250_000)
    (tree / "b.txt").write_text("y" * 400_000)
    found = await room.diffs.diff(str(tree), "head")
    assert len(found) == 91
    total = sum(len(d.new_text or "") + len(d.old_text or "") for d in found)
    assert total <= (16 << 20) + (256 << 10)
    assert any(d.truncated and d.new_text is None for d in found)


async def test_text_that_is_no_utf8_and_packed_objects(room: GitRoom, tree: Path, repo: Path, sh: Sh) -> None:
    sh("gc", "-q", cwd=repo)
    (tree / "a.txt").write_bytes(b"caf\xe9\n")
    (found,) = await room.diffs.diff(str(tree), "head")
    assert (found.old_text, found.new_text) == ("one\ntwo\nthree\n", "caf\ufffd\n")


async def test_polling_does_not_disturb_the_agent(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    """40 times `git add` and a commit while three pollers ask: none fails, nothing is lost."""
    for number in range(400):
        (repo / f"file{number}").write_text(f"{number}\n")
    sh("add", "-A", cwd=repo)
    sh("commit", "-q", "-m", "many", cwd=repo)
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    tree, base = root / "w", sh("rev-parse", "main", cwd=repo)
    working = True

    async def poll(number: int) -> int:
        asked = 0
        while working:
            await room.diffs.status(str(tree), base)
            if number == 0:
                await room.checkpoints.record(str(tree), SessionId("ses_1"), TaskId(f"task_{asked}"))
            else:
                await room.diffs.diff(str(tree), "head")
            asked += 1
        return asked

    pollers = [asyncio.create_task(poll(number)) for number in range(3)]
    failed = []
    for number in range(40):
        for other in range(0, 400, 7):  # fresh times: the pollers' index wants a refresh
            os.utime(tree / f"file{other}")
        (tree / f"agent{number}").write_text(f"{number}\n")
        try:
            await asyncio.to_thread(sh, "add", "-A", cwd=tree)
        except AssertionError as error:
            failed.append(str(error))
    working = False
    asked = sum(await asyncio.gather(*pollers))

    assert failed == []
    assert asked >= 10
    assert len(sh("ls-files", "agent*", cwd=tree).split()) == 40


async def test_looking_leaves_the_index_alone(room: GitRoom, tree: Path, sh: Sh) -> None:
    """Not even what git learns of unchanged files is written: that would take `index.lock` from the agent."""
    base = sh("rev-parse", "main", cwd=tree)
    (tree / "b.txt").write_text("changed\n")
    (tree / "c.txt").write_text("committed\n")
    sh("add", "c.txt", cwd=tree)
    sh("commit", "-q", "-m", "more", cwd=tree)
    os.utime(tree / "a.txt", (2_000_000_000, 2_000_000_000))
    index = Path(sh("rev-parse", "--path-format=absolute", "--git-path", "index", cwd=tree))
    before = (index.stat().st_ino, index.read_bytes())
    assert (await room.diffs.status(str(tree), base)).lines_added == 2
    assert {change.path for change in (await room.diffs.since(str(tree), base)).files} == {"b.txt", "c.txt"}
    assert {change.path for change in await room.diffs.diff(str(tree), "base", base_sha=base)} == {
        "b.txt",
        "c.txt",
    }
    assert (index.stat().st_ino, index.read_bytes()) == before


async def test_counting_lines_of_new_files_is_bounded(room: GitRoom, tree: Path) -> None:
    for number in range(60):
        (tree / f"big{number:02}").write_text("x\n" * 120_000)
    (tree / "huge").write_text("x\n" * 200_000)
    found = {c.path: c.lines_added for c in (await room.diffs.status(str(tree))).changes}
    assert found["big00"] == 120_000
    assert found["big59"] is None and found["huge"] is None
