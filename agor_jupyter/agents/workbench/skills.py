"""A project's skills (`.agents/skills/<name>/SKILL.md`): named to the model, which reads them by itself.

The format is the open one of https://agentskills.io: front matter in YAML with `name` and `description`,
then instructions. Only the front matter is looked at here. Call it only for a repository that a person
trusts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.files import read_lines
from agor_jupyter.agents.workbench.paths import find
from agor_jupyter.agents.workbench.settings import SKILLS

FOLDER = SKILLS.rstrip("/")
FILE = "SKILL.md"

MOST_SKILLS = 64
LIST_CHARACTERS = 16 * 1024
"""How much all names and descriptions may take of every request to the model."""

DESCRIPTION_CHARACTERS = 1024
NAME_CHARACTERS = 64
FRONT_LINES = 100
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

HEAD = """\
Skills of this project, each with instructions for one kind of work. When a task is of that kind, read the
skill's file before you begin, and follow it. Paths that it names are relative to its own folder."""


@dataclass(frozen=True)
class Skill:
    """`named` is the path of its file in the worktree, `shown` the same as people see it."""

    name: str
    description: str
    named: str
    shown: str


@dataclass(frozen=True)
class Skills:
    """What can be told, and the names of what was left out: broken, outside of the worktree, or too much."""

    told: tuple[Skill, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the model is told of them; empty where there are none."""
        return "\n".join([HEAD, *map(_line, self.told)]) if self.told else ""


def read_skills(worktree: str) -> Skills:
    """Look for the skills of a worktree, in the order of their names. Blocks: run it in a thread."""
    told: list[Skill] = []
    left_out: list[str] = []
    size = 0
    for folder in _folders(worktree):
        skill = _read(worktree, folder)
        if skill is not None and len(told) < MOST_SKILLS and size + len(_line(skill)) <= LIST_CHARACTERS:
            told.append(skill)
            size += len(_line(skill))
        else:
            left_out.append(folder)
    return Skills(tuple(told), tuple(left_out))


def _line(skill: Skill) -> str:
    return f"- {skill.name} ({skill.named}): {skill.description}"


def _folders(worktree: str) -> Sequence[str]:
    """Name what may be skills: folders with such a file. What hides, and files beside them, are nobody's."""
    place = find(worktree, FOLDER)
    if not place.inside or not place.real.is_dir():
        return ()
    try:
        names = sorted(entry.name for entry in place.real.iterdir())
    except OSError:
        return ()
    return [name for name in names if not name.startswith(".") and (place.real / name / FILE).is_file()]


def _read(worktree: str, folder: str) -> Skill | None:
    """Read one skill's front matter. A link that leads out of the worktree is not followed."""
    named = f"{FOLDER}/{folder}/{FILE}"
    place = find(worktree, named)
    if not place.inside or place.in_git:
        return None
    try:
        front = yaml.safe_load("\n".join(_front(read_lines(place, limit=FRONT_LINES))))
    except (ToolFailed, yaml.YAMLError, ValueError, RecursionError):
        return None  # ValueError: a date that is none; RecursionError: brackets without end
    if not isinstance(front, dict):
        return None
    name, description = front.get("name"), front.get("description")
    if name != folder or not _NAME.fullmatch(folder) or len(folder) > NAME_CHARACTERS:
        return None
    if not isinstance(description, str) or not description.strip():
        return None
    words = " ".join(description.split())[:DESCRIPTION_CHARACTERS]
    return Skill(folder, words, named, place.shown)


def _front(text: str) -> Iterator[str]:
    """Give the lines between the first two lines of dashes. Raises `ToolFailed` where there are none."""
    lines = iter(text.splitlines())
    if next(lines, "").strip() != "---":
        raise ToolFailed("It does not begin with front matter.")
    for line in lines:
        if line.rstrip() == "---":
            return
        yield line
    raise ToolFailed("Its front matter does not end.")
