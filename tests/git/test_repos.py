"""What a folder is to git."""

from __future__ import annotations

from pathlib import Path

import pytest

from agor_jupyter.domain.errors import GitFailed, NotARepository
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh


async def test_inspect_finds_the_top_and_the_default_branch(room: GitRoom, repo: Path, sh: Sh) -> None:
    (repo / "deep" / "er").mkdir(parents=True)
    facts = await room.repos.inspect(str(repo / "deep" / "er"))
    assert (facts.top, facts.default_branch) == (str(repo), "main")
    assert facts.head_sha == sh("rev-parse", "HEAD", cwd=repo)


async def test_inspect_resolves_links_and_linked_worktrees(
    room: GitRoom, repo: Path, tmp_path: Path, sh: Sh
) -> None:
    (tmp_path / "short").symlink_to(repo)
    assert (await room.repos.inspect(str(tmp_path / "short"))).top == str(repo)
    sh("worktree", "add", "-q", "-b", "w", str(tmp_path / "w"), cwd=repo)
    assert (await room.repos.inspect(str(tmp_path / "w"))).top == str(repo)


async def test_inspect_of_what_is_no_repository(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    sh("init", "-q", "--bare", "bare.git", cwd=tmp_path)
    sh("init", "-q", "lib", cwd=tmp_path)
    sh("commit", "-q", "--allow-empty", "-m", "x", cwd=tmp_path / "lib")
    sh("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "lib"), "sub", cwd=repo)
    (tmp_path / "plain").mkdir()
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    sh("clone", "-q", str(repo), "elsewhere", cwd=tmp_path)
    sh("config", "core.worktree", str(tmp_path / "plain"), cwd=tmp_path / "elsewhere")
    for path, words in {
        "": "not an absolute path",
        "repo": "not an absolute path",
        "./repo": "not an absolute path",
        f"{repo}\0": "not an absolute path",
        str(tmp_path / "nowhere"): "does not exist",
        str(repo / "a.txt"): "is a file",
        str(tmp_path / "plain"): "is not in a git repository",
        str(tmp_path / "broken"): "is not in a git repository",
        str(tmp_path / "bare.git"): "bare repository",
        str(repo / ".git"): "inside a .git folder",
        str(repo / ".git" / "hooks"): "inside a .git folder",
        str(repo / "sub"): "is a submodule",
        str(tmp_path / "elsewhere"): "its files are in",
        "/udc\udcff": "does not exist",
    }.items():
        with pytest.raises(NotARepository) as caught:
            await room.repos.inspect(path)
        assert words in caught.value.detail, path
        assert caught.value.hint
        caught.value.detail.encode()


async def test_the_default_branch(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    sh("init", "-q", "-b", "trunk", "unborn", cwd=tmp_path)
    facts = await room.repos.inspect(str(tmp_path / "unborn"))
    assert (facts.default_branch, facts.head_sha) == ("trunk", "")

    sh("clone", "-q", str(repo), "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    sh("checkout", "-q", "-b", "feature", cwd=clone)
    assert (await room.repos.inspect(str(clone))).default_branch == "main"
    sh("branch", "-D", "main", cwd=clone)
    assert (await room.repos.inspect(str(clone))).default_branch == "origin/main"

    sh("checkout", "-q", "--detach", cwd=repo)
    assert (await room.repos.inspect(str(repo))).default_branch == "main"


async def test_branches_say_where_they_are(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    sh("branch", "free", cwd=repo)
    await room.worktrees.create(str(repo), str(root / "w"), "agor/w")
    found = {b.name: b.checked_out for b in await room.repos.branches(str(repo))}
    assert found == {"agor/w": str(root / "w"), "free": None, "main": str(repo)}


async def test_suggest_offers_the_root_and_its_children(
    room: GitRoom, repo: Path, tmp_path: Path, sh: Sh
) -> None:
    sh("init", "-q", "another", cwd=tmp_path)
    found = await room.repos.suggest(str(tmp_path))
    assert [(s.path, s.name) for s in found] == [(str(tmp_path / n), n) for n in ("another", "repo")]
    assert [s.name for s in await room.repos.suggest(str(repo))] == ["repo"]
    assert await room.repos.suggest(str(tmp_path / "nowhere")) == []


async def test_exclude_is_written_once_and_works(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    folder = repo / "my [agor]*#" / "worktrees"
    (folder / "w").mkdir(parents=True)
    (folder / "w" / "file").write_text("x")
    (repo / ".git" / "info" / "exclude").write_text("# no newline")
    assert await room.repos.exclude(str(repo), str(folder))
    assert not await room.repos.exclude(str(repo), str(folder))
    assert sh("status", "--porcelain", cwd=repo) == ""
    (repo / "my [agor]*#" / "other").write_text("x")
    assert sh("status", "--porcelain", cwd=repo) != ""
    assert not await room.repos.exclude(str(repo), str(tmp_path / "outside"))
    assert not await room.repos.exclude(str(repo), str(repo))


async def test_fetch(room: GitRoom, repo: Path, tmp_path: Path, sh: Sh) -> None:
    sh("clone", "-q", str(repo), "clone", cwd=tmp_path)
    sh("commit", "-q", "--allow-empty", "-m", "new", cwd=repo)
    await room.repos.fetch(str(tmp_path / "clone"))
    assert sh("rev-parse", "origin/main", cwd=tmp_path / "clone") == sh("rev-parse", "main", cwd=repo)
    with pytest.raises(GitFailed):
        await room.repos.fetch(str(repo))
