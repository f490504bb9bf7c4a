"""Slash commands of the bench: which there are, and what the model is told for one."""

from __future__ import annotations

import pytest

from agor_jupyter.agents.workbench import slash
from agor_jupyter.agents.workbench.skills import Skill


def skill(name: str) -> Skill:
    return Skill(name, f"About {name}.", f".agents/skills/{name}/SKILL.md", f"/w/{name}")


COMMANDS = slash.all_of("GEMINI.md", [skill("birds"), skill("review"), skill("compact")])


def test_they_are_listed_with_what_they_do() -> None:
    told = slash.listed(COMMANDS)
    assert [command.name for command in told] == ["compact", "init", "review", "birds"]
    assert "GEMINI.md" in told[1].description
    assert told[3].description == "About birds."
    assert all(command.usable and command.description for command in told)


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("/init", "Write GEMINI.md", "mend the rest."),
        ("  /review the last commit\nonly  ", "Review the changes", "\n\nthe last commit\nonly  "),
        ("/review\nthis", "Review the changes", "\n\nthis"),
        ("/birds", "Use the skill birds: read .agents/skills/birds/SKILL.md", "follow it."),
        ("/birds how many?", "Use the skill birds", "\n\nhow many?"),
        ("/compact", "/compact", "/compact"),
        ("/reviewed", "/reviewed", "/reviewed"),
        ("review", "review", "review"),
        ("see /review", "see /review", "see /review"),
        ("//review", "//review", "//review"),
        ("", "", ""),
    ],
)
def test_what_the_model_is_told(text: str, begins: str, ends: str) -> None:
    told = slash.said(text, COMMANDS)
    assert told.startswith(begins)
    assert told.endswith(ends)


def test_no_skill_hides_a_command_of_ours() -> None:
    assert "skill" not in slash.said("/review", COMMANDS)
