"""The slash commands of a Codex session: which there are, and what a prompt asks for by one. Pure.

Those of Codex's own terminal are not known to its app server: what it can do is called by a method,
and what it cannot is asked for in words of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from agor_jupyter.agents.codex import options, skills
from agor_jupyter.agents.codex.skills import Skill
from agor_jupyter.domain.content import Attachment, SlashCommand
from agor_jupyter.domain.errors import Unprocessable

COMMANDS = (
    SlashCommand(name="compact", description="Sum up the conversation so far, to make room in the context"),
    SlashCommand(
        name="review",
        description="Review the uncommitted changes, or those that you name",
        hint="[base BRANCH | commit SHA | what to look at]",
    ),
    SlashCommand(
        name="init", description="Write AGENTS.md, the project's instructions", hint="[what matters most]"
    ),
)

OURS = frozenset(command.name for command in COMMANDS)

INIT = """\
Write the file AGENTS.md at the top of this repository: what somebody who begins to work here must know, \
and would not see at a glance.

Look around first: the code, what builds and tests it, the documents. Then tell, under short headings:
- what the project is for, and which folder holds what;
- the exact commands that set it up, build it, run it, test it (one test alone, too) and check its style;
- the conventions of its code, its tests and its commits;
- what is easily done wrong.

State what you have found here and nothing else: no general advice, nothing made up. Keep it below a \
hundred lines. Where there is an AGENTS.md already, keep what is right in it, mend what is not, and add \
what is missing. Change no other file."""


def argument_of(text: str, name: str) -> str | None:
    """Give what follows `/name` in a prompt that begins with it; None when it does not."""
    words = text.strip().split(maxsplit=1)
    if not words or words[0] != f"/{name}":
        return None
    return words[1] if len(words) > 1 else ""


def check(text: str, attachments: Sequence[Attachment]) -> None:
    """Raise `Unprocessable` for what a command cannot take."""
    if attachments and argument_of(text, "review") is not None:
        raise Unprocessable("A review takes no attachments.", hint="Name the files after `/review`.")


def target_of(argument: str) -> dict[str, str]:
    """Read what is to be reviewed. What is neither a branch nor a commit are instructions."""
    match argument.split():
        case []:
            return {"type": "uncommittedChanges"}
        case ["base", branch] if not branch.startswith("-"):
            return {"type": "baseBranch", "branch": branch}
        case ["commit", sha] if not sha.startswith("-"):
            return {"type": "commit", "sha": sha}
        case _:
            return {"type": "custom", "instructions": argument}


def words_of(text: str) -> str:
    """Give the words that go to the model: those of a person, but for `/init`."""
    wanted = argument_of(text, "init")
    if wanted is None:
        return text
    return f"{INIT}\n\nAbove all: {wanted}" if wanted else INIT


def input_of(text: str, attachments: Iterable[Attachment], known: Iterable[Skill]) -> list[dict[str, Any]]:
    """Make the input of a turn. A command of ours goes before a skill of the same name."""
    skill = skills.called(text, known)
    if skill is None or skill.name in OURS:
        return options.input_of(words_of(text), attachments)
    named, words = skills.input_of(text, skill)
    return [named, *options.input_of(words, attachments)]
