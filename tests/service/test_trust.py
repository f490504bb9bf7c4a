"""Trust is a person's, for what they were shown: who may say it, and what a change of the files does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import Conflict, Forbidden, ReadOnly, Unprocessable
from agor_jupyter.domain.repo import ProjectFile, Repo, Worktree
from agor_jupyter.git import inventory
from agor_jupyter.service import repos, trust, worktrees
from agor_jupyter.service.requests import AddRepo, CreateWorktree, TrustRepo
from agor_jupyter.testing.hostile_repo import Hostile, borrow, make_hostile
from agor_jupyter.testing.house import StandInKind, TestHouse, actor, open_house
from tests.making import git, make_repo

OSCAR, MONA, VERA, ADA = actor("oscar"), actor("mona"), actor("vera", "viewer"), actor("ada", "admin")

FILES = (
    ProjectFile(path="CLAUDE.md", effect="It is read as instructions.", anywhere=True),
    ProjectFile(path=".claude/settings.json", effect="Its hooks run programs.", runs=True),
    ProjectFile(path=".claude/", effect="Commands are taken from it.", runs=True),
    ProjectFile(path=".env", effect="Variables are taken from it.", secret=True),
    ProjectFile(path=".mcp.json", effect="Nothing is started.", active=False),
)


def reading_kind() -> StandInKind:
    """Make a kind of agent that reads what a repository brings."""
    base = StandInKind()
    return StandInKind(
        kind="reader", capabilities=base.capabilities.model_copy(update={"project_files": FILES})
    )


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[TestHouse]:
    house = open_house(tmp_path, kinds=(reading_kind(),))
    yield house
    await house.close()


async def taken_in(made: TestHouse, path: Path) -> tuple[Repo, Worktree]:
    repo = await repos.add(made.house, OSCAR, AddRepo(path=str(path)))
    return repo, await worktrees.create(made.house, OSCAR, CreateWorktree(repo_id=repo.id, name="w"))


def instructed(folder: Path) -> Path:
    """Make a repository with instructions, settings and a hook of git."""
    path = make_repo(folder)
    (path / "CLAUDE.md").write_text("Be kind.\n")
    (path / ".claude" / "commands").mkdir(parents=True)
    (path / ".claude" / "commands" / "go.md").write_text("Go.\n")
    (path / ".claude" / "settings.json").write_text("{}\n")
    (path / ".mcp.json").write_text("{}\n")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "Instructions")
    (path / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    return path


async def test_what_trust_would_switch_on_is_listed(made: TestHouse, tmp_path: Path) -> None:
    repo, _ = await taken_in(made, instructed(tmp_path))
    told = await trust.preview(made.house, VERA, repo.id)
    assert (told.state, told.trusted_by, told.complete) == ("untrusted", None, True)
    rows = [(item.path, item.active, item.runs, item.places) for item in told.items]
    both = ("proj", "w")
    assert rows == [
        (".claude/", True, True, both),
        (".claude/settings.json", True, True, both),
        ("CLAUDE.md", True, False, both),
        (".git/hooks/pre-commit", True, True, both),
        (".mcp.json", False, False, both),
    ]
    assert "git of Agor never does" in told.items[3].effect
    assert told.items[2].effect == "It is read as instructions."


async def test_what_jupyterlab_can_show_of_it_is_named(made: TestHouse, tmp_path: Path) -> None:
    root = made.house.paths.root_dir
    assert root is not None
    path = instructed(root)
    (path / "away").mkdir()
    (path / "away" / "CLAUDE.md").symlink_to(tmp_path / "elsewhere.md")
    (tmp_path / "elsewhere.md").write_text("Not of it.\n")
    repo, worktree = await taken_in(made, path)

    async def shown() -> dict[str, tuple[str, ...]]:
        told = await trust.preview(made.house, VERA, repo.id)
        return {item.path: item.lab_paths for item in told.items if item.lab_paths}

    # Neither folders, nor what is hidden, nor what leads out; the same words in two places once.
    ours = path.relative_to(root).as_posix() + "/CLAUDE.md"
    assert await shown() == {"CLAUDE.md": (ours,)}
    Path(worktree.path, "CLAUDE.md").write_text("Be wicked.\n")
    assert await shown() == {"CLAUDE.md": (ours, f"{worktree.lab_path}/CLAUDE.md")}


async def test_nothing_is_named_that_jupyterlab_does_not_show(made: TestHouse, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    repo, worktree = await taken_in(made, instructed(tmp_path / "outside"))
    told = await trust.preview(made.house, VERA, repo.id)
    listed = {item.path: item.lab_paths for item in told.items}
    assert listed["CLAUDE.md"] == (f"{worktree.lab_path}/CLAUDE.md",)


async def test_it_is_trusted_as_it_was_shown_and_asks_again(made: TestHouse, tmp_path: Path) -> None:
    repo, tree = await taken_in(made, instructed(tmp_path))
    shown = await trust.preview(made.house, OSCAR, repo.id)
    assert not await trust.is_trusted(made.house, tree)
    path = Path(tree.path)
    (path / "CLAUDE.md").write_text("Be wicked.\n")
    with pytest.raises(Conflict, match="not what was shown") as refused:
        await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=shown.digest))
    assert not await trust.is_trusted(made.house, tree)
    digest = str(refused.value.fields["digest"])
    told = await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=digest))
    assert (told.state, told.trusted_by) == ("trusted", "oscar")
    assert await trust.is_trusted(made.house, tree)

    hook = Path(repo.path) / ".git" / "hooks" / "pre-commit"
    before = hook.read_text()
    hook.write_text("#!/bin/sh\nexit 1\n")  # all worktrees share it
    assert not await trust.is_trusted(made.house, tree)
    hook.write_text(before)

    # One more file that counts, and one that does not.
    (path / ".mcp.json").write_text("{ }\n")
    assert await trust.is_trusted(made.house, tree)
    (path / "deep" / "er").mkdir(parents=True)
    (path / "deep" / "er" / "CLAUDE.md").write_text("And more.\n")
    assert (await trust.preview(made.house, VERA, repo.id)).state == "changed"
    assert not await trust.is_trusted(made.house, tree)
    (path / "deep" / "er" / "CLAUDE.md").unlink()
    (path / ".claude" / "settings.json").unlink()  # less than was seen is nothing new
    (path / ".claude").rename(path / "elsewhere")
    assert await trust.is_trusted(made.house, tree)

    told = await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=False))
    assert (told.state, told.trusted_by, told.trusted_ms) == ("untrusted", None, None)
    assert not await trust.is_trusted(made.house, tree)


async def test_its_owner_or_an_admin_says_so(made: TestHouse, tmp_path: Path) -> None:
    repo, tree = await taken_in(made, instructed(tmp_path))
    digest = (await trust.preview(made.house, MONA, repo.id)).digest
    for person in (MONA, VERA):
        for wish in (TrustRepo(trusted=True, digest=digest), TrustRepo(trusted=False)):
            with pytest.raises(Forbidden):
                await trust.change(made.house, person, repo.id, wish)
    assert not await trust.is_trusted(made.house, tree)
    told = await trust.change(made.house, ADA, repo.id, TrustRepo(trusted=True, digest=digest))
    assert told.trusted_by == "ada" and told.trusted_ms is not None
    record = await repos.show(made.house, VERA, repo.id)
    assert (record.trusted_by, record.trusted_digest) == ("ada", digest)


async def test_a_setting_trusts_whole_folders(tmp_path: Path) -> None:
    made = open_house(tmp_path, kinds=(reading_kind(),))
    house = replace(made.house, trusted_paths=(f"{tmp_path}/ours/*",))
    ours = await repos.add(house, OSCAR, AddRepo(path=str(instructed(tmp_path / "ours"))))
    tree = await worktrees.create(house, OSCAR, CreateWorktree(repo_id=ours.id, name="w"))
    assert await trust.is_trusted(house, tree)
    told = await trust.preview(house, VERA, ours.id)
    assert (told.state, told.by_setting, told.trusted_by) == ("trusted", True, None)
    with pytest.raises(Conflict, match="setting of this server"):
        await trust.change(house, ADA, ours.id, TrustRepo(trusted=False))
    other = await repos.add(house, OSCAR, AddRepo(path=str(make_repo(tmp_path / "ours-not"))))
    assert (await trust.preview(house, VERA, other.id)).state == "untrusted"
    await made.close()


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("/srv/ours/a", "/srv/ours", True),
        ("/srv/ours/a/b", "/srv/ours/*", True),
        ("/srv/ours", "/srv/ours/*", False),
        ("/srv/ours-not/a", "/srv/ours", False),
        ("/srv/x/y/ok", "/srv/*/ok", False),
        ("/srv/x/ok", "/srv/*/ok", True),
        ("/srv/ours/a", "", False),
        ("/srv/ours/a", "ours", False),
        ("/srv/ours/a", "/srv/../srv/ours", False),
        ("/srv/../etc", "/srv/..", False),
    ],
)
def test_a_pattern_matches_part_by_part(path: str, pattern: str, expected: bool) -> None:
    assert trust.lies_under(path, pattern) is expected


async def test_what_cannot_be_looked_at_whole_is_not_trusted(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_MOST_FILES", 3)
    path = instructed(tmp_path)
    for number in range(3):
        (path / ".claude" / "commands" / f"{number}.md").write_text("x")
    repo, _ = await taken_in(made, path)
    digest = (await trust.preview(made.house, OSCAR, repo.id)).digest
    with pytest.raises(Unprocessable, match="too large to be looked at"):
        await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=digest))


async def test_a_checkout_that_is_not_looked_through_is_not_trusted(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, tree = await taken_in(made, instructed(tmp_path))
    shown = await trust.preview(made.house, OSCAR, repo.id)
    wish = TrustRepo(trusted=True, digest=shown.digest)
    await trust.change(made.house, OSCAR, repo.id, wish)
    assert await trust.is_trusted(made.house, tree)
    monkeypatch.setattr(inventory, "_MOST_ENTRIES", 20)
    for number in range(30):
        (Path(tree.path) / f"{number}.txt").write_text("x")
    (Path(tree.path) / "z").mkdir()
    (Path(tree.path) / "z" / "CLAUDE.md").write_text("Be unkind.\n")
    assert not await trust.is_trusted(made.house, tree)
    again = await trust.preview(made.house, OSCAR, repo.id)
    assert (again.state, again.complete) == ("changed", False)
    with pytest.raises(Unprocessable, match="too many files"):
        await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=again.digest))


async def test_an_agent_that_knows_no_trust_starts_only_where_it_is(made: TestHouse, tmp_path: Path) -> None:
    repo, tree = await taken_in(made, instructed(tmp_path))
    plain = reading_kind()
    able = plain.capabilities.model_copy(update={"reads_untrusted": True})
    reckless = StandInKind(kind="reckless", title="Reckless", capabilities=able)
    assert await trust.check_start(made.house, plain, tree) is False
    with pytest.raises(Conflict, match="Reckless reads"):
        await trust.check_start(made.house, reckless, tree)
    digest = (await trust.preview(made.house, OSCAR, repo.id)).digest
    await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=digest))
    assert await trust.check_start(made.house, reckless, tree) is True


# --- looking only


def test_a_look_follows_no_way_out_and_waits_for_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    top = tmp_path / "top"
    (top / ".claude" / "loop").mkdir(parents=True)
    (top / "CLAUDE.md").symlink_to(outside)
    (top / ".claude" / "loop" / "again").symlink_to(top / ".claude")
    (top / ".claude" / "inside").symlink_to(top / "kept")
    (top / "kept").mkdir()
    (top / "kept" / "x.md").write_text("one")
    os.mkfifo(top / ".claude" / "settings.json")
    (top / ".env").write_text("KEY=1")

    def digests() -> dict[str, str]:
        return {found.path: found.digest for found in inventory.look(top, FILES).found}

    first = digests()
    assert set(first) == {"CLAUDE.md", ".claude/", ".claude/settings.json", ".env"}
    assert [found.path for found in inventory.look(top, FILES).found if found.leads_out] == ["CLAUDE.md"]
    outside.write_text("another secret")
    (top / ".env").write_text("KEY=2")
    assert digests() == first
    (top / "kept" / "x.md").write_text("two")
    assert {path for path, digest in digests().items() if digest != first[path]} == {".claude/"}


def test_a_folder_that_leads_elsewhere_is_something_else(tmp_path: Path) -> None:
    top, link = tmp_path / "top", tmp_path / "top" / ".claude"
    top.mkdir()
    seen = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.json").write_text(name)
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / name)
        found = {found.path: found for found in inventory.look(top, FILES).found}
        assert found[".claude/settings.json"].leads_out
        seen.add(found[".claude/settings.json"].digest)
    assert len(seen) == 2


def test_a_folder_that_never_ends_has_no_digest(tmp_path: Path) -> None:
    deep = tmp_path / ".claude"
    for _ in range(600):
        deep /= "d"
    deep.mkdir(parents=True)
    assert [found.digest for found in inventory.look(tmp_path, FILES).found] == [""]


def test_another_checkout_below_is_not_looked_into(tmp_path: Path) -> None:
    for folder in ("a", "b/.git", "node_modules/c"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("a", "b", "node_modules/c"):
        (tmp_path / folder / "CLAUDE.md").write_text("x")
    assert [found.path for found in inventory.look(tmp_path, FILES).found] == ["a/CLAUDE.md"]


# --- row A10: what the house itself does with a repository that wants to be run


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return make_hostile(tmp_path)


async def use_the_house(made: TestHouse, hostile: Hostile) -> Worktree:
    """Take it in, make a worktree, look at it, list what trust would do, trust it."""
    repo, tree = await taken_in(made, hostile.repo)
    for name in ("a.txt", "b.bin"):
        (Path(tree.path) / name).write_text("changed\n")
    await worktrees.status(made.house, OSCAR, tree.id)
    await worktrees.diff(made.house, OSCAR, tree.id, against="base")
    await worktrees.checkpoints(made.house, OSCAR, tree.id)
    shown = await trust.preview(made.house, OSCAR, repo.id)
    await trust.change(made.house, OSCAR, repo.id, TrustRepo(trusted=True, digest=shown.digest))
    assert await trust.is_trusted(made.house, tree)
    return tree


async def test_the_house_runs_nothing_of_it_trusted_or_not(made: TestHouse, hostile: Hostile) -> None:
    tree = await use_the_house(made, hostile)
    assert hostile.ran() == set()
    (Path(tree.path) / "a.txt").write_text("changed again\n")
    await worktrees.status(made.house, OSCAR, tree.id)
    await worktrees.diff(made.house, OSCAR, tree.id, against="base")
    assert hostile.ran() == set(), "trust is of agents: git of the house runs none of it"


async def test_every_trap_is_listed(made: TestHouse, hostile: Hostile) -> None:
    repo, _ = await taken_in(made, hostile.repo)
    told = await trust.preview(made.house, OSCAR, repo.id)
    listed = {item.path for item in told.items}
    assert listed >= {
        "CLAUDE.md", ".claude/", ".claude/settings.json", ".mcp.json", ".vscode/mcp.json", ".agor.yml",
        ".gitmodules", ".git/hooks/pre-commit", "core.hookspath", "core.fsmonitor", "filter.evil.clean",
        "filter.evil.smudge", "filter.proc.process", "diff.external", "diff.evil.textconv",
        "submodule.evil.update", "core.sshcommand", "credential.helper",
    }  # fmt: skip
    assert all(item.effect.endswith(".") for item in told.items)
    assert hostile.ran() == set()


async def test_a_borrowed_git_folder_is_refused_and_said(
    made: TestHouse, hostile: Hostile, tmp_path: Path
) -> None:
    repo, _ = await taken_in(made, hostile.repo)
    shown = await trust.preview(made.house, OSCAR, repo.id)
    borrow(hostile, make_repo(tmp_path / "victim"))
    told = await trust.preview(made.house, OSCAR, repo.id)
    assert told.digest != shown.digest
    assert next(item.effect for item in told.items if item.path == ".git").startswith("Refused: ")
    with pytest.raises(Unprocessable):
        await repos.branches(made.house, OSCAR, repo.id)
    assert hostile.ran() == set()


def test_the_traps_do_bite(hostile: Hostile) -> None:
    """Else the tests above could not fail: a person's own git runs them."""
    (hostile.repo / "a.txt").write_text("changed\n")
    for command in (
        ["status"],
        ["add", "-A"],
        ["diff", "HEAD"],
        ["checkout", "-q", "-f", "-b", "other"],
        ["branch", "another"],
        ["fetch"],
    ):
        subprocess.run(["git", *command], cwd=hostile.repo, capture_output=True, timeout=60)
    ran = hostile.ran()
    assert {"fsmonitor", "clean", "ext"} <= ran
    assert any(name.startswith("git-") for name in ran)


async def test_a_read_only_house_trusts_nothing(made: TestHouse, tmp_path: Path) -> None:
    repo, _ = await taken_in(made, instructed(tmp_path / "root" / "r"))
    seen = await trust.preview(made.house, OSCAR, repo.id)
    house = replace(made.house, read_only="Another server holds it.")
    with pytest.raises(ReadOnly):
        await trust.change(house, OSCAR, repo.id, TrustRepo(trusted=True, digest=seen.digest))
