"""The bench's slash commands: `/compact` it does itself; the others are prompts in our words. Pure.

A command is taken only where a prompt begins with it. The transcript shows what the person typed; the
conversation holds what the model was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agor_jupyter.agents.workbench.skills import Skill
from agor_jupyter.domain.content import SlashCommand

COMPACT = "/compact"
COMPACTS = "Sum up the conversation so far, to make room in the context"

INIT = """\
Write {file}, at the top of this worktree: what an agent must know that works here for the first time. Look
before you write: the README, how it is built, tested and checked (also in CI), how the folders are arranged,
the manner of the code. Name only commands and paths that you have seen, nothing that holds for every project.
Keep it below a hundred lines. If there is such a file, keep what is right in it and mend the rest."""

REVIEW = """\
Review the changes in this worktree; change nothing. Unless the person names others below, they are what is
not committed and what this branch has beyond the one it came from: find them with git, and read the code
around them. Look for wrong results and edge cases, errors that nobody handles, races, holes in security,
what has no test, and what is not in the manner of this project. Tell each finding with file and line, what
goes wrong, and how to mend it; the gravest first. Say so if there is none. Leave praise and taste out."""

SKILL = "Use the skill {name}: read {named} and follow it."


@dataclass(frozen=True)
class Slash:
    """A command, and the prompt that it stands for. What a person writes after it goes below that."""

    name: str
    description: str
    prompt: str
    hint: str = ""


def all_of(file: str, skills: Sequence[Skill]) -> dict[str, Slash]:
    """List the commands by name. `file` holds the project's instructions. No skill hides one of ours."""
    own = (
        Slash("init", f"Write or renew the project's {file}", INIT.format(file=file), "wishes"),
        Slash("review", "Review the changes in this worktree", REVIEW, "which changes"),
    )
    commands = {slash.name: slash for slash in own}
    for skill in skills:
        if f"/{skill.name}" != COMPACT:
            prompt = SKILL.format(name=skill.name, named=skill.named)
            commands.setdefault(skill.name, Slash(skill.name, skill.description, prompt, "what for"))
    return commands


def listed(commands: Mapping[str, Slash]) -> tuple[SlashCommand, ...]:
    """Give them as an agent lists its commands."""
    others = (SlashCommand.told(slash.name, slash.description, slash.hint) for slash in commands.values())
    return (SlashCommand.told(COMPACT, COMPACTS), *others)


def said(text: str, commands: Mapping[str, Slash]) -> str:
    """Give what the model is told for a prompt: the command's own prompt, else the words as they are."""
    first, *rest = text.split(maxsplit=1) or [""]
    slash = commands.get(first.removeprefix("/")) if first.startswith("/") else None
    return "\n\n".join([slash.prompt, *rest]) if slash is not None else text
