"""What the model is told before the conversation: its place, its mode, the project's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.files import read_lines
from agor_jupyter.agents.workbench.paths import find
from agor_jupyter.agents.workbench.skills import LIST_CHARACTERS, MOST_SKILLS, Skill, read_skills
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.events import Notice

INSTRUCTION_CHARACTERS = 64 * 1024
NAMED_SKILLS = 10

BASE = """\
You are a coding agent. You work in the folder {worktree}, a git worktree of your own, through your tools.
Look before you change: read the files that matter, search rather than guess. Make the smallest change that
does what was asked, in the manner of the code around it, and check it (run the tests, if there are some).
Keep a plan with update_plan when the work has several steps. Ask with ask_person only what you cannot find
out. A person may have to allow what you do; if something is rejected, do not try it in another way.
Do not commit unless you are asked to: the files are recorded before and after each task.
End with a short account of what you did and what is left."""

PLANNING = """\
You are in plan mode: only read. Changes and commands are refused. Work out what you would do, show it with
update_plan, and say it in a few sentences."""

SUMMARISE = """\
You keep the memory of a coding agent whose conversation has grown too long. Below is its older part. Write
what the agent must still know to go on: what the person asked for (their words where they matter), what was
decided and why, which files were read or changed and how, commands and their outcome, what failed, what is
left to do. Be exact with names and paths. Write no greeting and nothing about this task itself."""

SUMMARY_HEAD = "What was said before was summed up, to save room. The summary:"


def system_text(worktree: str, mode: Mode, instructions: str, append: str) -> str:
    """Join what the model is told. Empty parts are left out."""
    parts = [BASE.format(worktree=worktree), PLANNING if mode == "plan" else "", instructions, append]
    return "\n\n".join(part for part in parts if part)


@dataclass(frozen=True)
class Project:
    """What a trusted worktree says to its agent: `text` for the model, `read` the files that it is of."""

    text: str = ""
    read: tuple[str, ...] = ()
    skills: tuple[Skill, ...] = ()
    notices: tuple[Notice, ...] = ()


def read_project(worktree: str, names: Sequence[str]) -> Project:
    """Read the project's instructions and look for its skills; see `read_instructions`."""
    instructions, read = read_instructions(worktree, names)
    skills = read_skills(worktree)
    return Project(
        "\n\n".join(filter(None, [instructions, skills.text])),
        (*read, *(skill.shown for skill in skills.told)),
        skills.told,
        _left_out(skills.left_out),
    )


def read_instructions(worktree: str, names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Read the first of these files that the worktree has; give its words and its path.

    Call it only for a repository that a person trusts. A link that leads out of it is not followed.
    """
    for name in names:
        place = find(worktree, name)
        if not place.inside or not Path(place.real).is_file():
            continue
        try:
            text = read_lines(place)[:INSTRUCTION_CHARACTERS]
        except ToolFailed:
            continue
        return f"The project's instructions ({name}):\n\n{text}", (place.shown,)
    return "", ()


def _left_out(names: Sequence[str]) -> tuple[Notice, ...]:
    if not names:
        return ()
    more = f" and {len(names) - NAMED_SKILLS} more" if len(names) > NAMED_SKILLS else ""
    return (
        Notice(
            level="warning",
            text=f"Skills that the agent is not told of: {', '.join(names[:NAMED_SKILLS])}{more}.",
            hint="A skill lies in the worktree and begins with its folder's name and a description "
            f"(front matter in YAML); {MOST_SKILLS} are told, {LIST_CHARACTERS // 1024} KiB of them.",
        ),
    )
