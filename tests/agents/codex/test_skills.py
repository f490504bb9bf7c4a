"""Skills as slash commands, with the real Codex."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.codex import commands, skills
from agor_jupyter.agents.codex.skills import Skill
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.codex.test_trust import canaries, make_repository

Start = Callable[..., Any]


def skill(name: str, path: str = "/s/SKILL.md") -> Skill:
    return Skill(name=name, description="", path=path, repository=False, enabled=True)


def make_skill(folder: Path, name: str, body: str) -> Path:
    path = folder / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(f"---\nname: {name}\ndescription: What {name} is for\n---\n{body}\n")
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [("/lure", True), (" /lure the fish\n", True), ("/lures", False), ("use /lure", False), ("", False)],
)
def test_a_skill_is_called_at_the_beginning(text: str, found: bool) -> None:
    assert (skills.called(text, [skill("lure")]) is not None) is found


def test_a_command_of_ours_goes_before_a_skill_of_the_same_name() -> None:
    given = commands.input_of("/init", (), [skill("init")])
    assert [item["type"] for item in given] == ["text"]
    assert given[0]["text"] == commands.INIT


async def test_a_skill_of_a_trusted_repository_is_a_command(
    talk: Start, server: ResponsesServer, tmp_path: Path
) -> None:
    linked = make_repository(tmp_path / "repository")
    one = await talk(worktree=str(linked), trusted=True)
    listed = {command.name: command.description for command in one.ready.commands}
    assert listed["lure"] == "CANARY-SKILL"
    await one.prompt("/lure the fish")
    assert "CANARY-BODY" in canaries(server)
    assert "$lure the fish" in str(server.asked[-1].body["input"])


async def test_a_skill_of_an_untrusted_repository_is_none(
    talk: Start, server: ResponsesServer, tmp_path: Path
) -> None:
    linked = make_repository(tmp_path / "repository")
    one = await talk(worktree=str(linked))
    assert "lure" not in {command.name for command in one.ready.commands}
    await one.prompt("/lure the fish")
    assert canaries(server) == set()
    assert server.asked[-1].choice.prompt == "/lure the fish"


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_persons_own_skills_are_commands_and_what_they_switched_off_stays_off(
    talk: Start, server: ResponsesServer, home: Path, trusted: bool
) -> None:
    folder = home / ".codex" / "skills"
    make_skill(folder, "mine", "CANARY-MINE")
    off = make_skill(folder, "off", "CANARY-OFF")
    config = home / ".codex" / "config.toml"
    config.write_text(f'{config.read_text()}[[skills.config]]\npath = "{off}"\nenabled = false\n')
    one = await talk(trusted=trusted)
    names = {command.name for command in one.ready.commands}
    assert "mine" in names
    assert "off" not in names
    await one.prompt("/mine and $off")
    assert canaries(server) == {"CANARY-MINE"}
