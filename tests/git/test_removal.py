"""Row G1's half about removing: nothing is lost, nobody else's worktree is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import Conflict, DirtyWorktree, InvalidName
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.trash import TRASH, remove_tree
from tests.git.conftest import Sh


@pytest.fixture
async def tree(room: GitRoom, repo: Path, root: Path) -> Path:
    await room.worktrees.create(str(repo), str(root / "w"), "work", "main")
    return root / "w"


async def delete(room: GitRoom, repo: Path, tree: Path, **more: bool) -> str:
    removed = await room.worktrees.remove(str(repo), str(tree), files="delete", **more)
    await room.close()
    return removed.kept_sha


async def test_delete_takes_the_folder_and_leaves_the_branch(
    room: GitRoom, repo: Path, root: Path, tree: Path, sh: Sh
) -> None:
    kept = await delete(room, repo, tree)
    assert not tree.exists()
    assert list((root / TRASH).iterdir()) == []
    assert len(await room.worktrees.list(str(repo))) == 1
    assert sh("rev-parse", "work", cwd=repo) == sh("rev-parse", f"{kept}^", cwd=repo)
    await room.worktrees.create(str(repo), str(tree), "work", create_branch=False)


async def test_keep_does_nothing(room: GitRoom, repo: Path, tree: Path) -> None:
    (tree / "new").write_text("x")
    assert await room.worktrees.remove(str(repo), str(tree)) == ("", "")
    assert (tree / "new").exists()


@pytest.mark.parametrize("change", ["modified", "untracked", "staged", "deleted", "merge"])
async def test_work_is_refused_and_with_force_kept(
    room: GitRoom, repo: Path, tree: Path, sh: Sh, change: str
) -> None:
    if change == "modified":
        (tree / "a.txt").write_text("mine\n")
    elif change == "untracked":
        (tree / "new").write_text("mine\n")
    elif change == "staged":
        (tree / "a.txt").write_text("mine\n")
        sh("add", "-A", cwd=tree)
    elif change == "deleted":
        (tree / "b.txt").unlink()
    else:
        sh(
            "merge",
            "--no-ff",
            "--no-commit",
            sh("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "x", cwd=tree),
            cwd=tree,
        )
    (tree / "x.log").write_text("ignored\n")

    with pytest.raises(DirtyWorktree):
        await delete(room, repo, tree)
    assert (tree / "x.log").exists()

    kept = await delete(room, repo, tree, force=True)
    assert not tree.exists()
    files = sh("ls-tree", "-r", "--name-only", kept, cwd=repo).split()
    assert ("b.txt" in files) == (change != "deleted")
    assert "x.log" not in files
    if change in ("modified", "staged"):
        assert sh("cat-file", "-p", f"{kept}:a.txt", cwd=repo) == "mine"
    if change == "untracked":
        assert sh("cat-file", "-p", f"{kept}:new", cwd=repo) == "mine"
    (ref,) = sh("for-each-ref", "--format=%(refname)", "refs/agor/kept", cwd=repo).split()
    assert ref.startswith("refs/agor/kept/w-")


async def test_clean_removes_what_git_does_not_track(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    (tree / "x.log").write_text("ignored")
    (tree / "a.txt").write_text("mine\n")
    assert (await room.worktrees.remove(str(repo), str(tree), files="clean")).kept_sha
    assert not (tree / "x.log").exists()
    assert (tree / "a.txt").read_text() == "mine\n"

    (tree / "new").write_text("mine\n")
    with pytest.raises(DirtyWorktree):
        await room.worktrees.remove(str(repo), str(tree), files="clean")
    removed = await room.worktrees.remove(str(repo), str(tree), files="clean", force=True)
    assert not (tree / "new").exists()
    assert sh("cat-file", "-p", f"{removed.kept_sha}:new", cwd=repo) == "mine"


async def test_commits_of_a_detached_head_are_kept(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    sh("checkout", "-q", "--detach", cwd=tree)
    sh("commit", "-q", "--allow-empty", "-m", "adrift", cwd=tree)
    adrift = sh("rev-parse", "HEAD", cwd=tree)
    kept = await delete(room, repo, tree)
    assert sh("rev-parse", f"{kept}^", cwd=repo) == adrift


async def test_a_locked_worktree_stays(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    sh("worktree", "lock", "--reason", "on a stick", str(tree), cwd=repo)
    with pytest.raises(Conflict, match="locked: on a stick"):
        await delete(room, repo, tree)
    assert tree.exists()
    await delete(room, repo, tree, force=True)
    assert not tree.exists()


async def test_a_folder_deleted_by_hand(room: GitRoom, repo: Path, root: Path, tree: Path, sh: Sh) -> None:
    """Its record goes; what was staged in it stays; other missing worktrees are not pruned."""
    await room.worktrees.create(str(repo), str(root / "stick"), "stick")
    (root / "stick").rename(root.parent / "unplugged")
    (tree / "staged").write_text("mine\n")
    sh("add", "staged", cwd=tree)
    shutil.rmtree(tree)

    kept = await delete(room, repo, tree)

    assert sh("cat-file", "-p", f"{kept}:staged", cwd=repo) == "mine"
    assert [linked.branch for linked in await room.worktrees.list(str(repo))] == ["main", "stick"]
    (root.parent / "unplugged").rename(root / "stick")
    assert (await room.diffs.status(str(root / "stick"))).clean
    assert await delete(room, repo, tree) == ""  # again: nothing to do


async def test_a_new_worktree_where_one_was_deleted_by_hand(room: GitRoom, repo: Path, tree: Path) -> None:
    shutil.rmtree(tree)
    with pytest.raises(Conflict, match="whose folder is gone"):
        await room.worktrees.create(str(repo), str(tree), "another")
    await delete(room, repo, tree)
    await room.worktrees.create(str(repo), str(tree), "another")


async def test_what_is_not_ours_is_not_deleted(
    room: GitRoom, repo: Path, root: Path, tree: Path, tmp_path: Path, sh: Sh
) -> None:
    (root / "notes").mkdir()
    (root / "notes" / "precious").write_text("x")
    with pytest.raises(Conflict, match="nothing was deleted"):
        await delete(room, repo, root / "notes", force=True)
    sh("clone", "-q", str(repo), "other", cwd=tmp_path)
    with pytest.raises(Conflict, match="nothing was deleted"):
        await delete(room, tmp_path / "other", tree, force=True)
    with pytest.raises(InvalidName):
        await delete(room, repo, repo, force=True)
    (root / "link").symlink_to(tree)
    with pytest.raises(InvalidName):
        await delete(room, repo, root / "link", force=True)
    sh("worktree", "add", "-q", "-b", "users", str(tmp_path / "users"), cwd=repo)
    with pytest.raises(InvalidName):
        await delete(room, repo, tmp_path / "users", force=True)
    assert (root / "notes" / "precious").exists() and tree.exists() and (tmp_path / "users").exists()


async def test_a_nested_repository_survives_clean(room: GitRoom, repo: Path, tree: Path, sh: Sh) -> None:
    sh("init", "-q", "nested", cwd=tree)
    (tree / "nested" / "precious").write_text("x")
    with pytest.raises(DirtyWorktree):
        await room.worktrees.remove(str(repo), str(tree), files="clean")
    await room.worktrees.remove(str(repo), str(tree), files="clean", force=True)
    assert (tree / "nested" / "precious").exists()


@pytest.fixture
def with_submodules(repo: Path, tmp_path: Path, sh: Sh) -> None:
    """Let `repo` have the submodules `sub` and `deep/er`."""
    sh("init", "-q", "lib", cwd=tmp_path)
    (tmp_path / "lib" / "code").write_text("x")
    sh("add", "-A", cwd=tmp_path / "lib")
    sh("commit", "-q", "-m", "lib", cwd=tmp_path / "lib")
    allowed = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "lib"))
    sh(*allowed, "sub", cwd=repo)
    sh(*allowed, "deep/er", cwd=repo)
    sh("commit", "-q", "-m", "with submodules", cwd=repo)


async def test_a_worktree_whose_submodules_are_not_checked_out(
    with_submodules: None, room: GitRoom, repo: Path, tree: Path, sh: Sh
) -> None:
    assert list((tree / "sub").iterdir()) == []
    assert await delete(room, repo, tree)
    assert not tree.exists() and len(await room.worktrees.list(str(repo))) == 1
    assert (repo / "sub" / "code").exists()


async def test_submodules_are_named_and_with_force_go(
    with_submodules: None, room: GitRoom, repo: Path, tree: Path, sh: Sh
) -> None:
    """`git worktree remove` refuses these; their repositories lie in the worktree's metadata."""
    sh("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", cwd=tree)
    sh("commit", "-q", "--allow-empty", "-m", "only here", cwd=tree / "sub")
    recorded = sh("rev-parse", "HEAD", cwd=tree / "sub")
    sh("commit", "-q", "-a", "-m", "a newer sub", cwd=tree)
    with pytest.raises(DirtyWorktree, match="submodules") as refused:
        await delete(room, repo, tree)
    assert refused.value.fields["submodules"] == ["deep/er", "sub"]
    assert refused.value.fields["count"] == 0
    assert "Push" in refused.value.hint and "no copy" in refused.value.hint
    assert (tree / "sub" / "code").exists()

    (tree / "sub" / "new").write_text("x")
    await room.worktrees.remove(str(repo), str(tree), files="clean")
    assert (tree / "sub" / "new").exists(), "clean went into a submodule"

    kept = await delete(room, repo, tree, force=True)
    assert not tree.exists() and len(await room.worktrees.list(str(repo))) == 1
    assert f"160000 commit {recorded}\tsub" in sh("ls-tree", kept, cwd=repo)
    assert not list(repo.glob(".git/worktrees/*"))
    assert (repo / "sub" / "code").exists(), "the checkout lost its own submodule"
    await room.worktrees.create(str(repo), str(tree), "work", create_branch=False)


def test_folders_without_write_permission_go_too(tmp_path: Path) -> None:
    (tmp_path / "cache" / "deep").mkdir(parents=True)
    (tmp_path / "cache" / "deep" / "file").write_text("x")
    os.chmod(tmp_path / "cache" / "deep", 0o500)
    remove_tree(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_link_in_the_trash_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    remove_tree(tmp_path / "link")
    assert (tmp_path / "precious").exists() and not (tmp_path / "link").is_symlink()
