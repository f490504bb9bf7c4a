"""Row A10 with the real Claude Code: a repository that wants to be run, before and after it is trusted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agor_jupyter.domain.events import AgentReady
from agor_jupyter.git.room import GitRoom
from agor_jupyter.testing.anthropic_server import AnthropicServer
from agor_jupyter.testing.hostile_repo import Hostile, make_hostile
from agor_jupyter.testing.model_script import script, use

Start = Callable[..., Any]


async def linked(hostile: Hostile) -> tuple[Path, dict[str, str]]:
    """Make a worktree as the house does; give it, and the variables that it gives an agent there."""
    root = hostile.repo.parent / "trees"
    root.mkdir()
    room = GitRoom(hostile.repo.parent / "git", root)
    tree = root / "linked"
    await room.worktrees.create(str(hostile.repo), str(tree), "linked", "main")
    variables = await room.repos.harmless_variables(str(tree))
    await room.close()
    assert hostile.ran() == set()
    return tree, variables


def reached_the_model(server: AnthropicServer) -> set[str]:
    said = "".join(f"{asked.body}{dict(asked.headers)}" for asked in server.asked)
    return set(re.findall(r"CANARY-[A-Z]+", said))


async def work(talk: Start, server: AnthropicServer, worktree: Path, **changes: Any) -> Any:
    """Let it read, write and run something: the moments at which hooks would come."""
    server.book["work"] = script(
        use("Bash", command="env | grep CANARY; git status; git diff", description="Look"),
        use("Write", file_path=str(worktree / "made.txt"), content="x"),
    )
    one = await talk(worktree=str(worktree), **changes)
    ended = await one.prompt("SCRIPT:work")
    assert ended.stop_reason == "end_turn", ended
    await one.close()
    return one


async def test_an_untrusted_repository_is_neither_read_nor_run(
    talk: Start, server: AnthropicServer, tmp_path: Path
) -> None:
    hostile = make_hostile(tmp_path)
    tree, variables = await linked(hostile)
    for mode in ("ask", "full_auto"):
        one = await work(talk, server, tree, mode=mode, environment=variables)
        assert hostile.ran() == set()
        assert reached_the_model(server) == set()
        assert [ready.instructions for ready in one.of(AgentReady)] == [()]


async def test_a_trusted_repository_is_read_and_its_hooks_run(
    talk: Start, server: AnthropicServer, tmp_path: Path
) -> None:
    hostile = make_hostile(tmp_path)
    tree, _ = await linked(hostile)
    one = await work(talk, server, tree, trusted=True)
    assert {"hook-SessionStart", "hook-UserPromptSubmit", "hook-PreToolUse"} <= hostile.ran()
    assert "mcp-server" not in hostile.ran(), "tool servers are added in the panel, not by a repository"
    assert "CANARY-CLAUDE" in reached_the_model(server)
    assert one.of(AgentReady)[0].instructions == ("CLAUDE.md",)
