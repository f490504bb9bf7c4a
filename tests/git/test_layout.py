"""Rows A1 and A2: no name leaves the root, none is taken for an option, none is run."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agor_jupyter.domain.errors import AgorError, InvalidName, NotARepository, NotFound
from agor_jupyter.git.layout import locate, worktree_place
from agor_jupyter.git.names import check_branch, check_ref_part, check_revision
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh

PARTS = ["..", ".", "", ".git", ".GIT", "~", "-x", "--force", "a\0b", "a\nb", "a b", "a;b", "$(x)", "`x`",
         "|x", "a:b", "C:", "\\", "..\\..", "%2e%2e", "\u2024\u2024", "\uff0e\uff0e", "a\u202eb", "x.lock",
         "HEAD", "con", ".hidden", "a.", "a..b", "*", "?", "\udcff", "ä", "a" * 64]  # fmt: skip
SHAPES = ["{root}/{bad}", "{root}/{bad}/x", "{root}/x/{bad}", "{root}/{bad}/../x", "{root}/x/../{bad}",
          "{bad}", "{bad}/x"]  # fmt: skip
WHOLE = ["", "/", "{root}", "{root}/", "{root}/.", "{root}/..", "{root}/../x", "{root}-evil/x", "{root}x",
         "{root}/../{name}-evil/x", "/etc/passwd", "x", "./x", "../x", "~/x", "file://{root}/x",
         "{root}/a/../../x",
         "{root}/link/x", "{root}/link", "{root}/loop/x", "{root}/up/x", "/proc/self/cwd/x",
         "{root}/\0"]  # fmt: skip
PAYLOADS = [shape.replace("{bad}", bad) for shape, bad in itertools.product(SHAPES, PARTS)] + WHOLE
HARMLESS = {"{root}/./x", "{root}//x", "{root}/x/.", "{root}/x/"}
"""pathlib reads these as `{root}/x`: a plain name in the root, so they may pass."""


def everything_below(folder: Path) -> set[str]:
    return {os.path.join(at, name) for at, dirs, files in os.walk(folder) for name in dirs + files}


@pytest.fixture
def trapped_root(root: Path, tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (root.parent / "worktrees-evil").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    return root


def test_there_are_more_than_two_hundred() -> None:
    assert len(set(PAYLOADS)) >= 200


async def test_no_payload_makes_anything_outside_the_root(
    room: GitRoom, repo: Path, trapped_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Sh
) -> None:
    """Every payload is tried as a real creation, but for git's own start, which is noted instead."""
    monkeypatch.chdir(tmp_path)
    before = everything_below(tmp_path)
    started: list[str] = []

    async def note(entry: object, lock: int) -> None:
        started.append(entry.folder)  # type: ignore[attr-defined]  # a journal entry
        raise InvalidName("not really")

    monkeypatch.setattr(room.worktrees._worktrees, "_add", note)
    for payload in PAYLOADS:
        folder = payload.replace("{root}", str(trapped_root)).replace("{name}", trapped_root.name)
        with pytest.raises(AgorError) as caught:
            await room.worktrees.create(str(repo), folder, "new")
        assert isinstance(caught.value, InvalidName), payload
        caught.value.detail.encode()
    assert set(started) <= {str(trapped_root / "x")}
    state = str(room.git.state_dir)
    made = {path for path in everything_below(tmp_path) - before if not path.startswith(state)}
    assert made == set()


@pytest.mark.parametrize("payload", sorted(set(PAYLOADS) - HARMLESS))
def test_no_payload_has_a_place(payload: str, trapped_root: Path) -> None:
    folder = payload.replace("{root}", str(trapped_root)).replace("{name}", trapped_root.name)
    with pytest.raises(InvalidName):
        worktree_place(trapped_root, folder)


def test_a_root_behind_a_symlink_is_resolved(root: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(root)
    assert worktree_place(tmp_path / "short", tmp_path / "short" / "x") == root / "x"
    assert worktree_place(tmp_path / "short", root / "repo" / "x") == root / "repo" / "x"


BAD_BRANCHES = [
    "", "-x", "--upload-pack=touch x", "-b", "@", "HEAD", "a..b", "a b", "a\tb", "a\nb", "a\0b", "~a", "a^",
    "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@{-1}",
    "a@{b", "refs/heads/x", "\x7f", "\udc80", "x" * 201, "a" * 40,
]  # fmt: skip


async def test_branches_that_are_no_branches(room: GitRoom, repo: Path, root: Path) -> None:
    for name in BAD_BRANCHES:
        for new in (True, False):
            with pytest.raises(InvalidName):
                await room.worktrees.create(str(repo), str(root / "x"), name, create_branch=new)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "agor/x-1", "feature/ä", "1.2", "a.b/c_d", "-".join("ab")])
def test_branches_that_are(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize("name", ["", "-x", "--all", "a b", "a\nrefs/heads/main", "a\0", "\udcff"])
def test_revisions_that_are_none(name: str) -> None:
    with pytest.raises(InvalidName):
        check_revision(name)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "x y", "a" * 65, "-\n"])
def test_ref_parts_that_are_none(name: str) -> None:
    with pytest.raises(InvalidName):
        check_ref_part(name)


SHELL = ["; touch {mark}", "$(touch {mark})", "`touch {mark}`", "| touch {mark}", "\ntouch {mark}",
         "& touch {mark} &", "--upload-pack=touch {mark}", "--exec=touch {mark}", "ext::touch {mark}",
         "-ctouch {mark}", "';touch {mark};'", "--output={mark}", "--git-dir={mark}", "!touch {mark}",
         "--open-files-in-pager=touch {mark}"]  # fmt: skip


async def test_nothing_is_run_and_no_option_is_taken(
    room: GitRoom, repo: Path, root: Path, tmp_path: Path, sh: Sh
) -> None:
    """Row A2: every text that reaches a command line, with every payload; 0 executions."""
    mark = tmp_path / "executed"
    await room.worktrees.create(str(repo), str(root / "w"), "w")
    tree, head = str(root / "w"), sh("rev-parse", "HEAD", cwd=repo)
    for shape in SHELL:
        evil = shape.replace("{mark}", str(mark))
        tries = [
            lambda e=evil: room.worktrees.create(str(repo), str(root / "n"), e),
            lambda e=evil: room.worktrees.create(str(repo), str(root / "n"), "n", e),
            lambda e=evil: room.worktrees.create(str(repo), str(root / e), "n"),
            lambda e=evil: room.worktrees.create(str(repo), f"{root}/{e}", "n"),
            lambda e=evil: room.worktrees.remove(str(repo), f"{root}/{e}", files="delete", force=True),
            lambda e=evil: room.repos.fetch(str(repo), e),
            lambda e=evil: room.repos.inspect(e),
            lambda e=evil: room.repos.inspect(f"/{e}"),
            lambda e=evil: room.diffs.diff(tree, e),
            lambda e=evil: room.diffs.status(tree, e),
            lambda e=evil: room.diffs.compare(tree, e, head),
            lambda e=evil: room.checkpoints.changes(str(repo), head, e),
            lambda e=evil: room.checkpoints.record(tree, e, "task_1"),  # type: ignore[arg-type]  # evil ids
            lambda e=evil: room.checkpoints.record(tree, "ses_1", e),  # type: ignore[arg-type]  # evil ids
        ]
        for attempt in tries:
            with pytest.raises(AgorError):
                await attempt()  # type: ignore[no-untyped-call]  # a table of calls
        await room.checkpoints.record(tree, "ses_1", "task_1", prompted_by=evil)  # type: ignore[arg-type]  # short ids
    assert not mark.exists()
    assert {p.name for p in root.iterdir()} == {"w"}
    assert sh("branch", "--format=%(refname:short)", cwd=repo).split() == ["main", "w"]


def test_a_borrowed_repository_is_refused(repo: Path, root: Path, tmp_path: Path, sh: Sh) -> None:
    """A crafted `commondir` or `.git` file would lend this folder another repository's trust."""
    evil = tmp_path / "evil"
    (evil / ".git").mkdir(parents=True)
    (evil / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (evil / ".git" / "commondir").write_text(f"{repo}/.git\n")
    assert sh("rev-parse", "HEAD", cwd=evil) == sh("rev-parse", "HEAD", cwd=repo)  # git itself would follow
    with pytest.raises(NotARepository, match="borrows another repository"):
        locate(evil)

    sh("worktree", "add", "-q", "-b", "w", str(root / "w"), cwd=repo)
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / ".git").write_text((root / "w" / ".git").read_text())
    assert sh("rev-parse", "--abbrev-ref", "HEAD", cwd=thief) == "w"
    with pytest.raises(NotARepository, match="known to git as"):
        locate(thief)

    own = tmp_path / "own"
    own.mkdir()
    (own / "commondir").write_text(f"{repo}/.git")
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    (thief / ".git").write_text(f"gitdir: {own}\n")
    with pytest.raises(NotARepository, match="borrows another repository"):
        locate(thief)


def test_what_is_no_checkout(tmp_path: Path, repo: Path) -> None:
    with pytest.raises(NotFound):
        locate(tmp_path / "nowhere")
    (tmp_path / "plain").mkdir()
    with pytest.raises(NotARepository, match=r"no \.git of its own"):
        locate(tmp_path / "plain")
    for pointer in ("garbage", "gitdir: /nowhere", "x" * 10_000):
        (tmp_path / "plain" / ".git").write_text(pointer)
        with pytest.raises(NotARepository):
            locate(tmp_path / "plain")
    assert locate(repo).common == repo / ".git" and not locate(repo).linked


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.sampled_from("ab/.-@{}~^:?*[\\ \t\nHEADlockä\x7f\x01"), max_size=12))
def test_our_rules_for_branches_are_no_looser_than_gits(repo: Path, name: str, sh: Sh) -> None:
    try:
        check_branch(name)
    except InvalidName:
        return
    assert sh("check-ref-format", "--branch", name, cwd=repo) == name


@pytest.mark.parametrize(
    "pointer",
    ["gitdir: loop/x\n", "gitdir: a\0b\n", f"gitdir: {'a' * 5000}\n", "\xff\xfe", ""],
)
def test_whatever_a_git_file_says_is_an_answer(tmp_path: Path, pointer: str) -> None:
    """An agent can write it: what escaped here as a bug kept its task from ever ending."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / ".git").write_text(pointer, "latin-1")
    with pytest.raises(NotARepository):
        locate(tmp_path)


def test_a_commondir_that_leads_in_a_circle_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "loop").symlink_to("loop")
    (own / "commondir").write_text("loop/x\n")
    (tmp_path / ".git").write_text(f"gitdir: {own}\n")
    with pytest.raises(NotARepository):
        locate(tmp_path)
