"""What a repository says to the agent (skills, commands), once it is trusted and not before; and `/init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.domain.events import Notice, PermissionRequest
from agor_jupyter.git import inventory
from agor_jupyter.testing.chat_server import ChatServer
from agor_jupyter.testing.hostile_repo import CANARIES, make_hostile
from agor_jupyter.testing.model_script import script, use
from tests.agents.workbench.talk import Bench, bench_of


def put_skill(worktree: Path, name: str = "count-birds") -> Path:
    path = worktree / ".agents" / "skills" / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(f"---\nname: {name}\ndescription: Counts herons.\n---\nCount to the-number-is-nine.\n")
    return path


async def test_a_skill_is_told_and_read_by_the_model_itself(bench: Bench, server: ChatServer) -> None:
    path = put_skill(bench.worktree)
    put_skill(bench.worktree, "Broken Name")
    talk = await bench.open(trusted=True)
    assert talk.ready.instructions == (str(path),)
    assert "count-birds" in [command.name for command in talk.ready.commands]
    assert "Broken Name" in talk.of(Notice)[0].text
    server.book["birds"] = script(use("read_file", path=".agents/skills/count-birds/SKILL.md"))
    await talk.prompt("/count-birds SCRIPT:birds")
    first, second = (json.dumps(asked.body) for asked in server.asked)
    assert "- count-birds (.agents/skills/count-birds/SKILL.md): Counts herons." in first
    assert "Use the skill count-birds" in first
    assert "the-number-is-nine" not in first
    assert "the-number-is-nine" in second
    assert talk.of(PermissionRequest) == [], "it lies inside the worktree"


@pytest.mark.parametrize("kind", ["openai", "gemini_api"])
async def test_before_trust_no_byte_of_it_reaches_the_model(
    kind: str, server: ChatServer, tmp_path: Path
) -> None:
    if kind == "gemini_api":
        pytest.importorskip("google.genai")
        from agor_jupyter.testing.gemini_server import GeminiServer

        async with GeminiServer() as gemini:
            await stay_silent(kind, gemini, tmp_path)
    else:
        await stay_silent(kind, server, tmp_path)


async def stay_silent(kind: str, server: Any, folder: Path) -> None:
    hostile, asked = make_hostile(folder), server.asked
    async with bench_of(kind, folder, server.environment()) as bench:
        wary = await bench.open(worktree=str(hostile.repo))
        assert wary.ready.instructions == ()
        assert "lure" not in [command.name for command in wary.ready.commands]
        await wary.prompt("/lure me")
        body = json.dumps(asked[-1].body)
        assert {canary for canary in CANARIES if canary in body} == set()
        assert ".agents" not in body
        trusting = await bench.open(worktree=str(hostile.repo), trusted=True)
        await trusting.prompt("/lure me")
        assert "CANARY-SKILL" in json.dumps(asked[-1].body), "else this test would prove nothing"
    assert hostile.ran() == set()


@pytest.mark.parametrize("kind", ["openai", "gemini_api"])
def test_what_trust_switches_on_is_what_is_read(kind: str, tmp_path: Path) -> None:
    files = registry.get(kind).capabilities.project_files
    path = put_skill(tmp_path)
    (before,) = inventory.look(tmp_path, files).found
    assert before.path == ".agents/skills/"
    (file,) = (file for file in files if file.path == before.path)
    assert file.active
    assert "skills" in file.effect
    (path.parent / "run.sh").write_text("echo changed")
    (after,) = inventory.look(tmp_path, files).found
    assert after.digest != before.digest, "what lies beside a skill's file counts too"


async def test_our_own_prompts_stand_for_init_and_review(bench: Bench, server: ChatServer) -> None:
    talk = await bench.open()
    await talk.prompt("/init in German")
    await talk.prompt("/review")
    first, second = (asked.history[-1].text for asked in server.asked)
    assert "AGENTS.md" in first
    assert first.endswith("in German")
    assert "Review the changes" in second
    await talk.prompt("/unknown")
    assert server.asked[-1].history[-1].text == "/unknown"
