"""`jupyter agor demo --headless`, as people run it: with the demo agent, and with the real Claude Code."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.model_script import Text, Thinking, ToolUse, Turn, say, script, use

STEPS = (
    "edited: stats/summary.py",
    "the test passes",
    "checkpoint:",
    "transcript:",
    "the board has the card",
)
WRONG = "    return ordered[middle]  # the middle value\n"
RIGHT = """\
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
"""


async def run_demo(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command in a home of its own; give its exit code and what it printed."""
    argv = [sys.executable, "-m", "agor_jupyter.cli", "demo", "--headless", *arguments]
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, "HOME": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(150):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(200)
async def test_the_demo_agent_tells_the_story_and_leaves_nothing(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code, output = await run_demo(tmp_path, TMPDIR=str(scratch))
    assert code == 0, output
    assert [step for step in STEPS if step not in output] == []
    assert [path.name for path in scratch.iterdir() if path.name.startswith("agor-demo")] == []


@pytest.mark.timeout(200)
async def test_claude_code_tells_the_same_story(tmp_path: Path) -> None:
    pytest.importorskip("claude_agent_sdk")
    folder = tmp_path / "demo"
    file = folder / "work/agor/worktrees/summary/mend-the-summary/stats/summary.py"
    test = f"{sys.executable} -m unittest -q"
    look = Turn(
        blocks=(
            Thinking(text="The median of an even count is the mean of two values."),
            Text(text="I look at the code."),
            ToolUse(name="Read", input={"file_path": str(file)}),
        )
    )
    edit = use("Edit", file_path=str(file), old_string=WRONG, new_string=RIGHT)
    book = {"": script(look, edit, use("Bash", command=test, description="Run the tests"), say("Done."))}
    async with AnthropicServer(book) as model:
        code, output = await run_demo(
            tmp_path,
            "--agent",
            "claude",
            "--folder",
            str(folder),
            CLAUDE_CONFIG_DIR=str(tmp_path / "claude"),
            **model.environment(),
        )
    assert code == 0, output
    assert [step for step in STEPS if step not in output] == []
    assert output.count("allowed once") == 2


@pytest.mark.timeout(200)
async def test_a_story_that_is_not_true_exits_with_one(tmp_path: Path) -> None:
    """Claude Code that edits nothing: the same command says what is missing."""
    pytest.importorskip("claude_agent_sdk")
    async with AnthropicServer({"": script(say("I would rather not."))}) as model:
        code, output = await run_demo(
            tmp_path,
            "--agent",
            "claude",
            "--folder",
            str(tmp_path / "demo"),
            CLAUDE_CONFIG_DIR=str(tmp_path / "claude"),
            **model.environment(),
        )
    assert code == 1
    assert "no file was edited" in output
