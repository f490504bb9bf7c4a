"""The shell and the search: live, bounded, on time, and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.clip import LIMIT
from agor_jupyter.agents.kept import Kept
from agor_jupyter.agents.process import marked
from agor_jupyter.agents.workbench import commands
from agor_jupyter.agents.workbench.failing import ToolFailed

SESSION = f"ses_{secrets.token_hex(8)}"  # other tests on this machine mark their processes too
MARK = f"AGOR_SESSION={SESSION}"
ENVIRONMENT = {"PATH": os.environ["PATH"], "AGOR_SESSION": SESSION}


async def run(command: str, cwd: Path, seconds: float = 30.0) -> tuple[commands.Ran, list[str]]:
    heard: list[str] = []
    ran = await commands.run_shell(
        command, cwd=str(cwd), environment=ENVIRONMENT, seconds=seconds, on_output=heard.append
    )
    return ran, heard


async def test_output_and_exit_code(tmp_path: Path) -> None:
    ran, heard = await run("pwd; echo é >&2; exit 7", tmp_path)
    assert ran.text == f"{tmp_path}\né\n"
    assert ran.exit_code == 7
    assert "".join(heard) == ran.text


async def test_output_comes_while_the_command_runs(tmp_path: Path) -> None:
    heard = asyncio.Event()
    job = asyncio.create_task(
        commands.run_shell(
            "echo begun; while [ ! -e go ]; do sleep 0.02; done; echo done",
            cwd=str(tmp_path),
            environment=ENVIRONMENT,
            seconds=60,
            on_output=lambda _: heard.set(),
        )
    )
    await asyncio.wait_for(heard.wait(), 30)
    assert not job.done()
    (tmp_path / "go").touch()
    assert (await job).text == "begun\ndone\n"


async def test_what_is_too_long_keeps_its_head_and_tail(tmp_path: Path) -> None:
    ran, heard = await run("echo first; yes 0123456789 | head -c 3000000; echo last", tmp_path)
    assert ran.text.startswith("first\n")
    assert ran.text.endswith("last\n")
    assert ran.gone > 2_900_000
    assert len(ran.text) < LIMIT + 100
    assert len("".join(heard)) < LIMIT


async def test_a_time_out_ends_the_whole_tree(tmp_path: Path) -> None:
    ran, _ = await run("echo begun; (setsid sleep 71 &) ; sleep 72", tmp_path, seconds=1.0)
    assert ran.exit_code is None
    assert ran.text == "begun\n"
    assert marked(MARK) == set()


async def test_a_cancelled_command_is_gone_with_its_children(tmp_path: Path) -> None:
    job = asyncio.create_task(run("trap '' TERM; sleep 73 & touch begun; sleep 74", tmp_path))
    async with asyncio.timeout(30):
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.02)
    begun = asyncio.get_running_loop().time()
    job.cancel()
    await asyncio.wait({job})
    assert job.cancelled()
    assert asyncio.get_running_loop().time() - begun < 5
    assert marked(MARK) == set()


async def test_what_runs_on_in_the_background_does_not_hold_the_tool(tmp_path: Path) -> None:
    ran, _ = await run("sleep 75 & echo begun", tmp_path)
    assert ran.text == "begun\n"
    assert ran.exit_code == 0
    assert marked(MARK) == set()


def test_kept_text_is_bounded_and_counts_what_it_lost() -> None:
    kept = Kept(limit=30)
    shown = "".join(kept.feed(piece) for piece in ["a" * 15, "b" * 15, "é" * 20])
    assert shown == "a" * 15 + "b" * 5
    assert kept.text.startswith("a" * 15 + "bbbbb\n… ")
    assert kept.text.endswith("\n" + "é" * 10)
    assert kept.gone == 10 + 2 * 10
    assert Kept().text == "" and not Kept()
    assert kept


async def search(root: Path, pattern: str, **changes: Any) -> str:
    order = {"root": str(root), "pattern": pattern, "glob": "", "regex": True, "ignore_case": False}
    return await commands.search({**order, **changes}, environment=ENVIRONMENT)


async def test_search_finds_lines_and_skips_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("def one():\n    return 1\n")
    (tmp_path / "b.txt").write_text("Def two\n")
    (tmp_path / "binary").write_bytes(b"def\0")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x").write_text("def")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert await search(tmp_path, r"def \w+\(") == "src/a.py:1: def one():"
    assert await search(tmp_path, "def", ignore_case=True, glob="*.txt") == "b.txt:1: Def two"
    assert await search(tmp_path, "one()", regex=False) == "src/a.py:1: def one():"
    assert await search(tmp_path / "b.txt", "two") == "b.txt:1: Def two"
    assert await search(tmp_path, "root:") == "(nothing found)"
    with pytest.raises(ToolFailed, match="no regular expression"):
        await search(tmp_path, "(")


async def test_search_stops_at_many_hits(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hit\n" * 1000)
    found = (await search(tmp_path, "hit")).splitlines()
    assert len(found) == commands.SEARCH_HITS + 1
    assert "More than 200" in found[-1]


async def test_a_hostile_expression_is_ended_and_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SEARCH_SECONDS", 2.0)
    (tmp_path / "a.txt").write_text("fine\n")
    (tmp_path / "b.txt").write_text("a" * 60 + "!\n")
    found = await search(tmp_path, r"fine|(a+)+$")
    assert "a.txt:1: fine" in found
    assert "this is not all" in found
    assert marked(MARK) == set()
