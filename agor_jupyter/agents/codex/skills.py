"""Codex's skills as slash commands: `/name …` calls one, as `$name` does in Codex's terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agor_jupyter.domain.content import SlashCommand


@dataclass(frozen=True)
class Skill:
    """One that Codex has found. `repository`: of the worktree, and not the person's own."""

    name: str
    description: str
    path: str
    repository: bool
    enabled: bool


def read(answer: Mapping[str, Any]) -> tuple[Skill, ...]:
    """Read the list of skills, also those that the person has switched off."""
    return tuple(
        Skill(
            name=str(found.get("name", "")),
            description=str(found.get("description") or ""),
            path=str(found.get("path", "")),
            repository=found.get("scope") == "repo",
            enabled=bool(found.get("enabled")),
        )
        for place in answer.get("data") or ()
        for found in place.get("skills") or ()
    )


def command_of(skill: Skill) -> SlashCommand:
    return SlashCommand.told(skill.name, skill.description)


def called(text: str, skills: Iterable[Skill]) -> Skill | None:
    """Find the skill that a prompt begins with; of two with one name, the first."""
    name = (text.split(maxsplit=1) or [""])[0]
    return next((skill for skill in skills if name == f"/{skill.name}"), None)


def input_of(text: str, skill: Skill) -> tuple[dict[str, Any], str]:
    """Give the skill as Codex takes one into a turn, and the words that go with it."""
    return {"type": "skill", "name": skill.name, "path": skill.path}, f"${text.strip()[1:]}"
