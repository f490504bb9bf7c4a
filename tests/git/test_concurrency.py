"""Row F4 (0 of 200 go wrong: four rounds of fifty), and an agent that works while we look."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from agor_jupyter.git.room import GitRoom
from tests.git.conftest import Sh
from tests.git.creating import create_many

TOP = Path(__file__).parents[2]


@pytest.fixture
def clone(repo: Path, tmp_path: Path, sh: Sh) -> Path:
    sh("clone", "-q", str(repo), "clone", cwd=tmp_path)
    return tmp_path / "clone"


@pytest.mark.slow
@pytest.mark.parametrize("round_", [1, 2, 3, 4])
async def test_fifty_creates_from_two_processes_with_fetches(
    room: GitRoom, clone: Path, repo: Path, root: Path, sh: Sh, round_: int
) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.git.creating",
        str(room.git.state_dir), str(root), str(clone), "b", "25",
        cwd=TOP, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def fetch_now_and_then() -> None:
        for number in range(5):
            sh("commit", "-q", "--allow-empty", "-m", f"{number}", cwd=repo)
            await room.repos.fetch(str(clone))

    errors, _ = await asyncio.gather(create_many(room, str(root), str(clone), "a", 25), fetch_now_and_then())
    said, _ = await other.communicate()
    errors += json.loads(said)["errors"]

    assert errors == []
    names = {f"{prefix}{number}" for prefix in "ab" for number in range(25)}
    assert {folder.name for folder in root.iterdir()} == names
    assert {linked.branch for linked in (await room.worktrees.list(str(clone)))[1:]} == names
    assert set(sh("branch", "--format=%(refname:short)", cwd=clone).split()) == names | {"main"}
    for name in names:
        assert (root / name / "a.txt").read_text() == "one\ntwo\nthree\n"
        assert sh("status", "--porcelain", cwd=root / name) == ""


async def test_the_same_folder_or_branch_is_made_once(room: GitRoom, repo: Path, root: Path, sh: Sh) -> None:
    other = GitRoom(room.git.state_dir, root)  # as another process would have it: it shares files only
    made = await asyncio.gather(
        *(
            door.worktrees.create(str(repo), str(root / "same"), f"branch-{number}")
            for number in range(4)
            for door in (room, other)
        ),
        *(room.worktrees.create(str(repo), str(root / f"w{number}"), "same-branch") for number in range(4)),
        return_exceptions=True,
    )
    assert sum(not isinstance(result, BaseException) for result in made[:8]) == 1
    assert sum(not isinstance(result, BaseException) for result in made[8:]) == 1
    assert (root / "same" / "a.txt").exists()
    assert len(sh("branch", "--format=%(refname)", cwd=repo).split()) == 3
    assert len(list(root.iterdir())) == 2
