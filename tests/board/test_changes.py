"""What a card says of changed files: git's word on the whole worktree, never asked twice at once."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.board.changes import AT_ONCE, ChangeCounter, Counts
from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.mirror import BoardMirror
from agor_jupyter.domain.errors import GitFailed
from agor_jupyter.domain.events import TaskEnded, TaskStarted
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.extension.git_of_house import CardChanges
from agor_jupyter.git.room import GitRoom
from agor_jupyter.store.memory import open_memory
from tests.board.tables import eventually
from tests.board.test_mirror import BOARD, OSCAR, REPO, TREE, Scene, queued

FIRST = TaskId("task_0000000000000001")
SECOND = TaskId("task_0000000000000002")


def git(cwd: Path, *args: str) -> str:
    who = ("-c", "user.name=T", "-c", "user.email=t@localhost")
    done = subprocess.run(["git", *who, *args], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Worktree:
    """A real checkout with two committed files."""
    top = tmp_path / "fix"
    top.mkdir()
    git(top, "init", "-q", "-b", "fix")
    (top / "one.txt").write_text("1\n2\n3\n")
    (top / "two.txt").write_text("a\n")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    sha = git(top, "rev-parse", "HEAD")
    return TREE.model_copy(update={"path": str(top), "base_sha": sha})


@pytest.fixture
async def scene(tree: Worktree, tmp_path: Path) -> AsyncIterator[Scene]:
    store = open_memory()
    await store.records.boards.put(BOARD, by=OSCAR)
    await store.records.repos.put(REPO, by=OSCAR)
    await store.records.worktrees.put(tree, by=OSCAR)
    documents = BoardDocuments(store.records)
    await documents.start()
    room = GitRoom(tmp_path / "state", tmp_path)
    mirror = BoardMirror(store.log, store.records, documents, count=CardChanges(room))
    await mirror.start()
    yield Scene(store, documents, mirror)
    await mirror.close()
    await documents.close()
    await room.close()
    await store.close()


def shown(scene: Scene) -> Counts:
    card = scene.status().worktree(TREE.id)
    return (0, 0, 0) if card is None else (card.files_changed, card.lines_added, card.lines_removed)


async def end_task(scene: Scene, task: TaskId) -> None:
    """End a task that says of itself: one file, one line."""
    await scene.say(queued(), TaskStarted(base_sha="0" * 40), task=task)
    await scene.say(TaskEnded(stop_reason="end_turn", files_changed=1, lines_added=1), task=task)


async def test_a_second_task_keeps_the_files_of_the_first(scene: Scene, tree: Worktree) -> None:
    top = Path(tree.path)
    await scene.begin()
    (top / "one.txt").write_text("1\n2\n3\n4\n")
    await end_task(scene, FIRST)
    await eventually(lambda: shown(scene) == (1, 1, 0))
    (top / "two.txt").write_text("b\n")
    git(top, "commit", "-q", "-a", "-m", "the agent commits what it did")
    await end_task(scene, SECOND)
    await eventually(lambda: shown(scene) == (2, 2, 1))


async def test_a_hand_edit_is_counted_with_the_task_that_follows(scene: Scene, tree: Worktree) -> None:
    top = Path(tree.path)
    await scene.begin()
    (top / "by hand.txt").write_text("x\ny\n")
    (top / "one.txt").write_text("1\n")
    await end_task(scene, FIRST)
    await eventually(lambda: shown(scene) == (2, 2, 2))


async def test_a_restart_asks_git_anew(scene: Scene, tree: Worktree, tmp_path: Path) -> None:
    await eventually(lambda: not scene.mirror.is_counting)
    await scene.mirror.close()
    (Path(tree.path) / "one.txt").write_text("1\n2\n3\n4\n5\n")
    room = GitRoom(tmp_path / "state", tmp_path)
    again = BoardMirror(scene.store.log, scene.store.records, scene.documents, count=CardChanges(room))
    await again.start()
    await eventually(lambda: shown(scene) == (1, 2, 0))
    await again.close()
    await room.close()


async def test_a_file_that_only_the_base_knows_counts_once(tree: Worktree, tmp_path: Path) -> None:
    top = Path(tree.path)
    git(top, "rm", "-q", "--cached", "two.txt")
    room = GitRoom(tmp_path / "state", tmp_path)
    assert await CardChanges(room)(tree) == (1, 1, 1)
    await room.close()


class Slow:
    """Counts only when it is let; keeps what was asked, and how many at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0
        self.most = 0
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, tree: Worktree) -> Counts:
        self.asked.append(tree.id)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.wait_for(self.gate.wait(), 10)
        finally:
            self.now -= 1
        if self.failure is not None:
            raise self.failure
        return (len(self.asked), 0, 0)


async def test_questions_are_joined_and_few_run_at_once() -> None:
    slow = Slow()
    trees = {f"wt_{n:016d}": TREE.model_copy(update={"id": f"wt_{n:016d}"}) for n in range(6)}
    seen: list[tuple[str, int]] = []
    counter = ChangeCounter(slow, trees.get, lambda key, files, *_: seen.append((key, files)))
    first = next(iter(trees))
    counter.ask_nowait(first)
    await eventually(lambda: slow.asked == [first])
    for _ in range(50):
        counter.ask_nowait(first)
    for key in trees:
        counter.ask_nowait(key)
    await eventually(lambda: slow.now == AT_ONCE)
    slow.gate.set()
    await eventually(lambda: len(seen) == 7)
    await eventually(lambda: not counter.is_working)
    assert sorted(slow.asked) == sorted([*trees, first])
    assert slow.most == AT_ONCE
    await counter.close()


@pytest.mark.parametrize("state", ["missing", "creating", "failed", "archived"])
async def test_a_worktree_that_is_not_there_is_not_asked(state: str) -> None:
    slow = Slow()
    tree = TREE.model_copy(update={"state": state})
    counter = ChangeCounter(slow, {tree.id: tree}.get, lambda *_: None)
    counter.ask_nowait(tree.id)
    counter.ask_nowait("wt_unknown")
    await eventually(lambda: not counter.is_working)
    assert slow.asked == []
    await counter.close()
    counter.ask_nowait(tree.id)
    assert not counter.is_working


@pytest.mark.parametrize("failure", [GitFailed("torn"), RuntimeError("torn")])
async def test_a_count_that_fails_leaves_the_card_and_the_next_one_works(failure: Exception) -> None:
    slow = Slow()
    slow.gate.set()
    slow.failure = failure
    seen: list[int] = []
    counter = ChangeCounter(slow, {TREE.id: TREE}.get, lambda _, files, *__: seen.append(files))
    counter.ask_nowait(TREE.id)
    await eventually(lambda: not counter.is_working)
    assert seen == []
    slow.failure = None
    counter.ask_nowait(TREE.id)
    await eventually(lambda: seen == [2])
    await counter.close()


async def test_closing_ends_what_is_being_counted() -> None:
    slow = Slow()
    counter = ChangeCounter(slow, {TREE.id: TREE}.get, lambda *_: None)
    counter.ask_nowait(TREE.id)
    await eventually(lambda: slow.now == 1)
    await counter.close()
    await counter.close()
    assert slow.now == 0
