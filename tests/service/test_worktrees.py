"""Worktrees are made whole or not at all, wherever a crash, a person or another request comes between."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.domain.errors import (
    AgorError,
    BranchInUse,
    Conflict,
    DirtyWorktree,
    GitMissing,
    InvalidName,
    NotARepository,
    ReadOnly,
    StorageFull,
    Unprocessable,
)
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.git.room import WorktreeVerbs
from agor_jupyter.service import boards, repos, sessions, worktrees
from agor_jupyter.service.reconcile import reconcile
from agor_jupyter.service.requests import AddRepo, CreateBoard, CreateSession, CreateWorktree
from agor_jupyter.testing.house import TestHouse, actor, open_house
from tests.making import git, make_repo

OSCAR = actor("oscar")


class Killed(BaseException):
    """The server died here: nothing of ours runs any more."""


async def added(made: TestHouse, folder: Path) -> Repo:
    return await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(folder))))


async def create(made: TestHouse, repo: Repo, name: str = "w", **more: Any) -> Worktree:
    return await worktrees.create(made.house, OSCAR, CreateWorktree(repo_id=repo.id, name=name, **more))


async def listed(made: TestHouse) -> list[Worktree]:
    return list((await worktrees.browse(made.house, OSCAR)).items)


async def recorded(made: TestHouse) -> list[str]:
    """Give the ids of all worktrees that ever had a record."""
    events = await made.house.log.read_workspace()
    return [event.id for event in events if (event.noun, event.verb) == ("worktree", "created")]


def branches(repo: Repo) -> list[str]:
    return git(Path(repo.path), "branch", "--format=%(refname:short)").split()


def known_to_git(repo: Repo) -> int:
    return git(Path(repo.path), "worktree", "list", "--porcelain").count("worktree ")


@pytest.mark.parametrize("kind", ["missing", "file", "plain", "bare", "inside", "relative", "nul"])
async def test_a_path_that_is_no_repository(made: TestHouse, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "plain").mkdir()
    (tmp_path / "bare").mkdir()
    git(tmp_path / "bare", "init", "-q", "--bare")
    inside = make_repo(tmp_path, "inside") / ".git"
    path = str(inside) if kind == "inside" else "a\0b" if kind == "nul" else str(tmp_path / kind)
    with pytest.raises(NotARepository) as refused:
        await repos.add(made.house, OSCAR, AddRepo(path="no/where" if kind == "relative" else path))
    assert refused.value.hint
    assert (await repos.browse(made.house, OSCAR)).items == ()


async def test_a_repository_is_here_once(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    (Path(repo.path) / "below").mkdir()
    for path in (repo.path, repo.path + "/below", repo.path + "/../proj"):
        with pytest.raises(Conflict) as refused:
            await repos.add(made.house, OSCAR, AddRepo(path=path))
        assert refused.value.fields["id"] == repo.id
    with pytest.raises(Unprocessable):
        await repos.add(made.house, OSCAR, AddRepo(url="https://example.org/x.git"))


async def test_repositories_near_the_root_are_offered(made: TestHouse, tmp_path: Path) -> None:
    root = tmp_path / "root"
    one, two = make_repo(root, "one"), make_repo(root, "two")
    await repos.add(made.house, OSCAR, AddRepo(path="one"))
    found = (await repos.suggest(made.house, OSCAR)).items
    assert [item.path for item in found] == [str(two)] and str(one) != str(two)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".git",
        "-x",
        "a/b",
        "../x",
        "a\\b",
        "a b",
        "HEAD",
        "x.lock",
        "x" * 64,
        "a\nb",
        "a;b",
        "$(x)",
        "é",
    ],
)
async def test_a_name_that_could_leave_its_folder(made: TestHouse, tmp_path: Path, name: str) -> None:
    repo = await added(made, tmp_path)
    with pytest.raises(InvalidName):
        await create(made, repo, name)
    assert await listed(made) == [] and known_to_git(repo) == 1


async def test_a_symlink_in_the_root_leads_nowhere(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    made.house.paths.worktrees_root.mkdir(parents=True)
    (made.house.paths.worktrees_root / "proj").symlink_to(outside)
    with pytest.raises(AgorError):
        await create(made, repo)
    assert list(outside.iterdir()) == [] and await recorded(made) == []


async def test_two_of_one_name_and_a_branch_in_use(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    results = await asyncio.gather(*(create(made, repo) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, Worktree) for result in results) == 1
    assert all(isinstance(result, (Worktree, Conflict)) for result in results)
    assert len(await recorded(made)) == 1, "two requests held the name at once"
    with pytest.raises(BranchInUse) as refused:
        await create(made, repo, "other", branch="main", create_branch=False)
    assert refused.value.fields["worktree"] == repo.path
    with pytest.raises(Conflict):
        await create(made, repo, "other", branch="w")
    with pytest.raises(InvalidName):
        await create(made, repo, "other", branch="--upload-pack=x")
    assert [tree.name for tree in await listed(made)] == ["w"] and known_to_git(repo) == 2


async def test_git_that_is_missing(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    made.git.git._program = "git-that-is-not-here"
    made.git.git._version = None
    for verb in (create(made, repo), repos.add(made.house, OSCAR, AddRepo(path=repo.path))):
        with pytest.raises(GitMissing):
            await verb
    assert await listed(made) == []


async def test_a_full_disk_leaves_no_record(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await added(made, tmp_path)

    async def full(*args: Any, **kwargs: Any) -> None:
        raise StorageFull("The disk is full.")

    monkeypatch.setattr(WorktreeVerbs, "create", full)
    with pytest.raises(StorageFull):
        await create(made, repo)
    assert await listed(made) == []
    monkeypatch.undo()
    assert (await create(made, repo)).state == "ready"


async def test_a_folder_deleted_by_hand(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)
    shutil.rmtree(tree.path)
    with pytest.raises(Conflict, match="is missing") as refused:
        await sessions.create(made.house, OSCAR, CreateSession(worktree_id=tree.id, agent="demo"))
    assert refused.value.hint
    for verb in (worktrees.status, worktrees.diff):
        with pytest.raises(Conflict):
            await verb(made.house, OSCAR, tree.id)
    noted = await worktrees.show(made.house, OSCAR, tree.id)
    assert noted.state == "missing" and "w" in branches(repo)
    gone = await worktrees.delete(made.house, OSCAR, tree.id, files="delete", record="delete")
    assert gone is None and known_to_git(repo) == 1


async def test_sessions_end_with_their_worktree(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)
    made_ = [
        await sessions.create(made.house, OSCAR, CreateSession(worktree_id=tree.id, agent="demo"))
        for _ in range(3)
    ]
    archived = await worktrees.delete(made.house, OSCAR, tree.id)
    assert archived is not None and archived.state == "archived" and Path(archived.path).exists()
    assert sorted(made.work.closed) == sorted(session.id for session in made_)
    assert (await sessions.browse(made.house, OSCAR)).items == ()


async def test_a_refused_deletion_ends_no_session(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)
    asked = CreateSession(worktree_id=tree.id, agent="demo")
    session = await sessions.create(made.house, OSCAR, asked)
    (Path(tree.path) / "new.txt").write_text("not committed")
    with pytest.raises(DirtyWorktree):
        await worktrees.delete(made.house, OSCAR, tree.id, files="delete")
    assert made.work.closed == []
    assert [item.id for item in (await sessions.browse(made.house, OSCAR)).items] == [session.id]


async def test_a_read_only_house_changes_nothing(tmp_path: Path) -> None:
    made = open_house(tmp_path, read_only="Another server (pid 7) holds the data folder.")
    try:
        with pytest.raises(ReadOnly, match="pid 7"):
            await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(tmp_path))))
        with pytest.raises(ReadOnly):
            await boards.create(made.house, OSCAR, CreateBoard(name="x"))
        assert (await repos.browse(made.house, OSCAR)).items == ()
        assert (await reconcile(made.house)).completed == []
    finally:
        await made.close()


# --- F5: a crash between any two steps


STEPS = ["before git", "in git", "after git", "after the record"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_while_making_is_healed(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    repo = await added(made, tmp_path)
    board = await boards.create(made.house, OSCAR, CreateBoard(name="B"))
    _kill_at(made, monkeypatch, step)
    with pytest.raises(Killed):
        await create(made, repo, board_id=board.id)
    monkeypatch.undo()
    before = await reconcile(made.house)
    trees = await listed(made)
    assert all(tree.state == "ready" for tree in trees), (step, before)
    if step == "before git":
        assert trees == [] and "w" not in branches(repo) and known_to_git(repo) == 1
        assert not list(made.house.paths.worktrees_root.glob("proj/*"))
    else:
        assert [tree.base_sha for tree in trees] == [git(Path(repo.path), "rev-parse", "main")]
        assert (Path(trees[0].path) / "a.txt").read_text() == "one\n"
        assert list(made.boards.cards[board.id]) == [trees[0].id]
    again = await reconcile(made.house)
    assert (again.completed, again.rolled_back, again.left) == ([], [], []), "healing twice changed something"
    if not trees:
        assert (await create(made, repo, board_id=board.id)).state == "ready"


def _kill_at(made: TestHouse, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    real = WorktreeVerbs.create
    inner = type(made.git.worktrees._worktrees)

    async def before(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    async def after(self: Any, *args: Any, **kwargs: Any) -> Any:
        await real(self, *args, **kwargs)
        raise Killed

    async def no_rollback(*args: Any, **kwargs: Any) -> None:
        """A killed process rolls nothing back."""

    if step == "before git":
        monkeypatch.setattr(WorktreeVerbs, "create", before)
    elif step == "in git":
        monkeypatch.setattr(inner, "check_out", before)
        monkeypatch.setattr(inner, "_roll_back", no_rollback)
        monkeypatch.setattr(inner, "_roll_back_locked", no_rollback)
    elif step == "after git":
        monkeypatch.setattr(WorktreeVerbs, "create", after)
    else:
        monkeypatch.setattr(type(made.boards), "place_card", before)


async def test_healing_leaves_alone_what_a_request_is_making(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server heals while it answers its first requests."""
    repo = await added(made, tmp_path)
    real, reached, go = WorktreeVerbs.create, asyncio.Event(), asyncio.Event()

    async def slow(self: Any, *args: Any, **kwargs: Any) -> Any:
        reached.set()
        await go.wait()
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(WorktreeVerbs, "create", slow)
    request = asyncio.create_task(create(made, repo))
    await reached.wait()
    healed = await reconcile(made.house)
    assert healed.rolled_back == []
    go.set()
    tree = await request
    assert await worktrees.show(made.house, OSCAR, tree.id) == tree


async def test_a_crash_while_deleting_is_healed(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)
    real = WorktreeVerbs.remove

    async def after(self: Any, *args: Any, **kwargs: Any) -> Any:
        await real(self, *args, **kwargs)
        raise Killed

    monkeypatch.setattr(WorktreeVerbs, "remove", after)
    with pytest.raises(Killed):
        await worktrees.delete(made.house, OSCAR, tree.id, files="delete")
    monkeypatch.undo()
    healed = await reconcile(made.house)
    assert healed.archived == [tree.path]
    assert (await worktrees.show(made.house, OSCAR, tree.id)).state == "archived"
    assert "w" in branches(repo) and known_to_git(repo) == 1


async def test_a_deletion_that_had_not_begun_did_not_happen(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)

    async def before(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    monkeypatch.setattr(WorktreeVerbs, "remove", before)
    with pytest.raises(Killed):
        await worktrees.delete(made.house, OSCAR, tree.id, files="delete")
    monkeypatch.undo()
    await reconcile(made.house)
    assert await worktrees.show(made.house, OSCAR, tree.id) == tree


async def test_healing_notes_a_missing_folder_and_one_bad_repository(made: TestHouse, tmp_path: Path) -> None:
    repo = await added(made, tmp_path)
    tree = await create(made, repo)
    bad = await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(tmp_path, "bad"))))
    shutil.rmtree(bad.path)
    shutil.rmtree(tree.path)
    healed = await reconcile(made.house)
    assert healed.missing == [tree.path] and healed.left[0][0] == bad.path
    assert (await worktrees.show(made.house, OSCAR, tree.id)).state == "missing"


async def test_no_folder_goes_while_the_agent_of_an_ended_session_still_stops(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session's end is stored first: between that and its agent's end the folder is still in use."""
    repo = await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(tmp_path))))
    tree = await worktrees.create(made.house, OSCAR, CreateWorktree(repo_id=repo.id, name="w"))
    stopping, over = [
        await sessions.create(made.house, OSCAR, CreateSession(worktree_id=tree.id, agent="demo"))
        for _ in range(2)
    ]
    for session in (stopping, over):
        await made.work.update_session(session.id, by=OSCAR.id, archived=True)
    made.work.agents[stopping.id] = "working"
    waited: list[str] = []
    plain = made.work.update_session

    async def noting(session_id: SessionId, **more: Any) -> Session:
        assert Path(tree.path).exists()
        waited.append(session_id)
        return await plain(session_id, **more)

    monkeypatch.setattr(made.work, "update_session", noting)
    await worktrees.delete(made.house, OSCAR, tree.id, files="delete")
    assert waited == [stopping.id] and not Path(tree.path).exists()
