"""Row A10: a repository that wants to be run. 0 executions by anything that this room does.

Switched off: hooks, fsmonitor, filters that only the repository configures (clean, smudge,
process; named through attributes in the tree), external diffs, textconv, ext:: transports, ssh and
upload-pack commands, credential helpers, askpass, proxies. In force: the person's own filters.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import AgorError, GitFailed
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.git import guard
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh, run_plain

SES, TASK = SessionId("ses_1"), TaskId("task_1")
HOOKS = [
    "applypatch-msg", "pre-commit", "post-commit", "post-checkout", "reference-transaction",
    "post-index-change", "pre-auto-gc", "post-merge", "pre-push", "fsmonitor-watchman", "post-rewrite",
    "commit-msg",
]  # fmt: skip


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    folder = tmp_path / "executed"
    folder.mkdir()
    return folder


@pytest.fixture
def evil(repo: Path, mark: Path, sh: Sh) -> Path:
    """Every program that a repository can name, each touching a file of its own name."""

    def program(name: str) -> str:
        file = repo.parent / f"evil-{name}"
        rest = "cat" if name in ("clean", "smudge", "textconv") else "exit 1"
        file.write_text(f"#!/bin/sh\ntouch {mark}/{name}\n{rest}\n")
        file.chmod(0o755)
        return str(file)

    (repo / ".gitattributes").write_text("*.txt filter=evil diff=evil merge=evil\n*.bin filter=proc\n")
    (repo / "x.bin").write_text("x\n")
    sh("add", "-A", cwd=repo)
    sh("commit", "-q", "-m", "attributes", cwd=repo)
    for hook in HOOKS:
        (repo / ".git" / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {mark}/hook-{hook}\n")
        (repo / ".git" / "hooks" / hook).chmod(0o755)
    for name, value in {
        "core.hooksPath": str(repo / ".git" / "hooks"),
        "core.fsmonitor": program("fsmonitor"),
        "core.sshCommand": program("ssh"),
        "core.askPass": program("askpass"),
        "core.pager": program("pager"),
        "core.editor": program("editor"),
        "core.alternateRefsCommand": program("alternates"),
        "filter.evil.clean": program("clean"),
        "filter.evil.smudge": program("smudge"),
        "filter.evil.required": "true",
        "filter.proc.process": program("process"),
        "diff.external": program("external"),
        "diff.evil.textconv": program("textconv"),
        "diff.evil.command": program("diffcommand"),
        "merge.evil.driver": program("merge"),
        "credential.helper": program("helper"),
        "gpg.program": program("gpg"),
        "commit.gpgSign": "true",
        "protocol.ext.allow": "always",
        "remote.origin.url": "ssh://nowhere.invalid/x",
        "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
        "remote.pack.url": str(repo),
        "remote.pack.fetch": "+refs/heads/*:refs/remotes/pack/*",
        "remote.pack.uploadpack": program("uploadpack"),
        "remote.ext.url": f"ext::{program('ext')}",
        "uploadpack.packObjectsHook": program("packobjects"),
    }.items():
        sh("config", name, value, cwd=repo)
    return repo


def touch_files(tree: Path) -> None:
    """Make every stat stale, so that git has to read and filter the contents again."""
    (tree / "a.txt").write_text("changed\n")
    (tree / "b.txt").write_text("b\n")
    (tree / "x.bin").write_text("x2\n")
    (tree / "new.txt").write_text("new\n")


async def use_everything(room: GitRoom, repo: Path, root: Path) -> None:
    tree = root / "w"
    facts = await room.repos.inspect(str(repo))
    await room.repos.branches(str(repo))
    await room.repos.suggest(str(repo.parent))
    made = await room.worktrees.create(str(repo), str(tree), "w", "main")
    touch_files(tree)
    await room.diffs.status(str(tree), made.base_sha)
    point = await room.checkpoints.record(str(tree), SES, TASK)
    await room.checkpoints.changes(str(repo), made.base_sha, point.sha)
    await room.diffs.diff(str(tree), "head")
    await room.diffs.diff(str(tree), point.sha)
    await room.diffs.compare(str(repo), made.base_sha, point.sha)
    await room.worktrees.move(str(repo), str(tree), str(root / "w2"))
    (root / "w2").rename(tree)
    await room.worktrees.repair(str(repo), str(tree))
    for remote in ("origin", "pack", "ext"):
        try:
            await room.repos.fetch(facts.top, remote)
        except AgorError:
            continue
    await room.worktrees.remove(str(repo), str(tree), files="clean", force=True)
    await room.worktrees.remove(str(repo), str(tree), files="delete", force=True)
    await room.worktrees.reconcile(str(repo), [])
    await room.close()


async def test_nothing_of_the_repository_runs(room: GitRoom, evil: Path, root: Path, mark: Path) -> None:
    await use_everything(room, evil, root)
    assert sorted(file.name for file in mark.iterdir()) == []


async def test_the_fixture_does_bite(evil: Path, mark: Path) -> None:
    """Else the test above could not fail."""
    touch_files(evil)
    for command in ("add -A", "reset -q --hard", "checkout -q -f -b other", "branch another"):
        run_plain(*command.split(" "), cwd=evil, check=False)
    touch_files(evil)
    for command in ("diff HEAD", "diff --no-ext-diff HEAD", "fetch origin", "fetch pack", "fetch ext"):
        run_plain(*command.split(" "), cwd=evil, check=False)
    bitten = {file.name for file in mark.iterdir()}
    assert {"clean", "smudge", "process", "ssh", "uploadpack", "fsmonitor"} <= bitten
    assert any(name.startswith("hook-") for name in bitten)
    assert {"diffcommand", "textconv", "ext"} & bitten


async def test_an_agents_git_runs_nothing_either(room: GitRoom, evil: Path, root: Path, mark: Path) -> None:
    """With the variables that an agent gets where nobody trusts the repository, plain git runs none of it."""
    tree = root / "w"
    await room.worktrees.create(str(evil), str(tree), "w", "main")
    variables = await room.repos.harmless_variables(str(tree))
    touch_files(tree)
    for command in (
        "status",
        "add -A",
        "diff HEAD",
        "commit -q --no-gpg-sign -m x",
        "checkout -q -b other",
        "stash",
    ):
        done = subprocess.run(
            ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *command.split(" ")],
            cwd=tree,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert sorted(file.name for file in mark.iterdir()) == [], command
        touch_files(tree)


@pytest.mark.parametrize(
    ("url", "name"),
    [("ssh://nowhere.invalid/x", "core.sshCommand"), ("ext::{program}", "protocol.ext.allow")],
)
async def test_each_transport_alone(
    room: GitRoom, repo: Path, mark: Path, sh: Sh, url: str, name: str
) -> None:
    program = repo.parent / "evil"
    program.write_text(f"#!/bin/sh\ntouch {mark}/ran\nexit 1\n")
    program.chmod(0o755)
    sh("config", name, str(program) if name.startswith("core") else "always", cwd=repo)
    sh("config", "remote.origin.url", url.replace("{program}", str(program)), cwd=repo)
    with pytest.raises(GitFailed):
        await room.repos.fetch(str(repo))
    assert list(mark.iterdir()) == []
    sh("fetch", "origin", cwd=repo, check=False)
    assert [file.name for file in mark.iterdir()] == ["ran"]


async def test_settings_that_come_by_include_or_by_worktree(
    room: GitRoom, repo: Path, root: Path, mark: Path, sh: Sh
) -> None:
    (repo / ".gitattributes").write_text("*.txt filter=a=b\n*.bin filter=c\n")
    (repo / "x.bin").write_text("x\n")
    sh("add", "-A", cwd=repo)
    sh("commit", "-q", "-m", "attributes", cwd=repo)
    other = repo.parent / "included"
    sh("config", "-f", str(other), "filter.a=b.clean", f"touch {mark}/clean; cat", cwd=repo)
    sh("config", "-f", str(other), "filter.a=b.smudge", f"touch {mark}/smudge; cat", cwd=repo)
    sh("config", "include.path", str(other), cwd=repo)
    sh("config", "extensions.worktreeConfig", "true", cwd=repo)
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    sh("config", "--worktree", "filter.c.clean", f"touch {mark}/worktree; cat", cwd=root / "w")
    touch_files(root / "w")
    await room.checkpoints.record(str(root / "w"), SES, TASK)
    assert list(mark.iterdir()) == []

    # A file that is included changes without a trace in the one that includes it.
    sh("config", "-f", str(other), "filter.c.process", f"touch {mark}/process; cat", cwd=repo)
    touch_files(root / "w")
    await room.checkpoints.record(str(root / "w"), SES, TASK)
    assert list(mark.iterdir()) == []


async def test_the_persons_own_filters_stay_in_force(
    room: GitRoom, repo: Path, root: Path, home: Path, sh: Sh
) -> None:
    (repo / ".gitattributes").write_text("*.up filter=up\n")
    (repo / "x.up").write_text("small\n")
    sh("add", "-A", cwd=repo)
    sh("commit", "-q", "-m", "x", cwd=repo)
    sh("config", "--global", "filter.up.smudge", "tr a-z A-Z", cwd=repo)
    sh("config", "filter.up.smudge", "tr a-z A-Z", cwd=repo)  # the very same: trusted
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    assert (root / "w" / "x.up").read_text() == "SMALL\n"


async def test_a_worktree_whose_files_are_elsewhere_is_refused(
    room: GitRoom, repo: Path, root: Path, home: Path, sh: Sh
) -> None:
    sh("config", "extensions.worktreeConfig", "true", cwd=repo)
    await room.worktrees.create(str(repo), str(root / "w"), "w", "main")
    (repo / ".git" / "worktrees" / "w" / "config.worktree").write_text(f"[core]\n\tworktree = {home}\n")
    with pytest.raises(GitFailed, match="files are elsewhere"):
        await room.checkpoints.record(str(root / "w"), SES, TASK)


async def test_fetch_refuses_what_it_cannot_switch_off(room: GitRoom, repo: Path, sh: Sh) -> None:
    sh("config", "core.gitProxy", "touch x", cwd=repo)
    with pytest.raises(GitFailed, match=r"core\.gitproxy"):
        await room.repos.fetch(str(repo))


async def test_a_partial_clone_with_a_program_is_not_read(
    room: GitRoom, repo: Path, mark: Path, tmp_path: Path, sh: Sh
) -> None:
    sh("config", "uploadpack.allowFilter", "true", cwd=repo)
    sh("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repo}", "partial", cwd=tmp_path)
    partial = tmp_path / "partial"
    sh("config", "remote.origin.uploadpack", f"touch {mark}/lazy; git-upload-pack", cwd=partial)
    with pytest.raises(GitFailed, match=r"remote\.origin\.uploadpack"):
        await room.git.run("cat-file", "-p", "HEAD:a.txt", cwd=partial)
    assert list(mark.iterdir()) == []
    sh("cat-file", "-p", "HEAD:a.txt", cwd=partial)
    assert [file.name for file in mark.iterdir()] == ["lazy"]


def test_a_harmless_repository_costs_no_look(repo: Path) -> None:
    assert not guard.needs_a_look([repo / ".git" / "config", repo / ".git" / "nothing"])


def test_a_config_that_cannot_be_judged_is_looked_at(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "huge").write_bytes(b"# \n" * 600_000)
    assert guard.needs_a_look([tmp_path / "folder"])
    assert guard.needs_a_look([tmp_path / "huge"])
