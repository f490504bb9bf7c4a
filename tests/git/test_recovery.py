"""Row F5: a process is killed between any two steps; the next start leaves no orphan and no loss."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from agor_jupyter.git.journal import Entry
from agor_jupyter.git.recovery import decide
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.trash import TRASH
from tests.git.conftest import Sh

TOP = Path(__file__).parents[2]
CREATING = ["before_add", "after_add", "before_checkout", "after_checkout", "before_made", "after_made"]
REMOVING = ["before_rename", "after_rename", "before_forget", "after_forget", "before_empty"]


async def crash(room: GitRoom, root: Path, repo: Path, verb: str, point: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.git.crashing",
        str(room.git.state_dir), str(root), str(repo), verb, point,
        cwd=TOP,
    )  # fmt: skip
    assert await child.wait() == -signal.SIGKILL


async def assert_nothing_is_left(room: GitRoom, root: Path, repo: Path, sh: Sh, branches: list[str]) -> None:
    await room.close()
    assert [p.name for p in root.iterdir() if p.name != TRASH] == []
    assert not (root / TRASH).exists() or list((root / TRASH).iterdir()) == []
    assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == branches
    assert not (repo / ".git" / "worktrees").exists()
    assert not list((room.git.state_dir / "journal").glob("*"))


@pytest.mark.parametrize("point", CREATING)
async def test_a_creation_without_a_record_is_undone(
    room: GitRoom, repo: Path, root: Path, sh: Sh, point: str
) -> None:
    await crash(room, root, repo, "create", point)
    found = await room.worktrees.reconcile(str(repo), [])
    assert (found.removed, found.left) == ((str(root / "w"),), ())
    await assert_nothing_is_left(room, root, repo, sh, ["main"])
    assert sh("for-each-ref", "refs/agor", cwd=repo) == ""
    assert await room.worktrees.reconcile(str(repo), []) == type(found)()
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    await room.close()


@pytest.mark.parametrize("point", CREATING[1:])
async def test_a_creation_with_a_record_is_completed(
    room: GitRoom, repo: Path, root: Path, sh: Sh, point: str
) -> None:
    await crash(room, root, repo, "create", point)
    found = await room.worktrees.reconcile(str(repo), [str(root / "w")])
    assert (found.removed, found.left, found.missing) == ((), (), ())
    assert found.completed == (() if point == "after_made" else (str(root / "w"),))
    assert (await room.diffs.status(str(root / "w"))).clean
    assert (root / "w" / "a.txt").exists()
    assert not list((room.git.state_dir / "journal").glob("*"))
    await room.close()


@pytest.mark.parametrize("point", REMOVING)
async def test_a_removal_is_finished_or_never_began(
    room: GitRoom, repo: Path, root: Path, sh: Sh, point: str
) -> None:
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    room.journal.drop(str(root / "w"))
    await crash(room, root, repo, "remove", point)
    found = await room.worktrees.reconcile(str(repo), [str(root / "w")])
    assert found.left == ()
    if point == "before_rename":
        assert found.missing == ()
        assert (await room.diffs.status(str(root / "w"))).clean
        await room.worktrees.remove(str(repo), str(root / "w"), files="delete")
    else:
        assert found.missing == (str(root / "w"),)
    await assert_nothing_is_left(room, root, repo, sh, ["main", "w"])


async def test_work_in_an_unrecorded_worktree_stays(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    for name in ("dirty", "committed", "clean"):
        await room.worktrees.create(str(repo), str(root / name), name, "main")
    (root / "dirty" / "new").write_text("mine")
    sh("commit", "-q", "--allow-empty", "-m", "mine", cwd=root / "committed")

    found = await room.worktrees.reconcile(str(repo), [])

    assert found.removed == (str(root / "clean"),)
    assert {Path(folder).name for folder, _ in found.left} == {"dirty", "committed"}
    assert (root / "dirty" / "new").read_text() == "mine"
    assert set(sh("branch", "--format=%(refname:short)", cwd=repo).split()) == {"main", "dirty", "committed"}
    await room.close()


async def test_recorded_worktrees_and_running_creations_are_left_alone(
    room: GitRoom, repo: Path, root: Path
) -> None:
    creating = asyncio.create_task(room.worktrees.create(str(repo), str(root / "w"), "w", "main"))
    while not creating.done():
        found = await room.worktrees.reconcile(str(repo), [str(root / "gone")])
        assert found.removed == () and found.missing == (str(root / "gone"),)
        await asyncio.sleep(0.002)
    await creating
    await room.worktrees.reconcile(str(repo), [str(root / "w")])
    assert (root / "w" / "a.txt").exists()
    await room.close()


async def test_a_half_made_worktree_that_holds_more_than_its_base_is_kept_as_a_commit(
    room: GitRoom, repo: Path, root: Path, sh: Sh
) -> None:
    await crash(room, root, repo, "create", "after_checkout")
    (root / "w" / "new").write_text("mine\n")
    found = await room.worktrees.reconcile(str(repo), [])
    assert found.removed == (str(root / "w"),)
    (ref,) = sh("for-each-ref", "--format=%(refname)", "refs/agor/kept", cwd=repo).split()
    assert sh("cat-file", "-p", f"{ref}:new", cwd=repo) == "mine"
    await room.close()


def test_a_journal_that_cannot_be_read_is_no_entry(room: GitRoom, repo: Path, root: Path) -> None:
    room.journal.write(Entry("made", str(repo), "c", str(root / "w"), "w", True, "0"))
    folder = room.git.state_dir / "journal"
    (folder / "torn.json").write_text('{"stage": "ma')
    (folder / "other.json").write_text('{"stage": 1}')
    assert [entry.folder for entry in room.journal.entries("c")] == [str(root / "w")]


@pytest.mark.parametrize(
    ("stage", "recorded", "there", "step"),
    [
        ("making", False, True, "undo"),
        ("making", False, False, "undo"),
        ("making", True, True, "complete"),
        ("making", True, False, "drop"),
        ("made", False, True, "undo_if_clean"),
        ("made", True, True, "drop"),
        ("removing", True, True, "drop"),
        ("removing", False, False, "forget"),
    ],
)
def test_what_to_do(stage: str, recorded: bool, there: bool, step: str) -> None:
    entry = Entry(stage, "r", "c", "f", "b", True, "s")  # type: ignore[arg-type]  # a table of literals
    assert decide(entry, recorded=recorded, there=there) == step
