"""A session's events in, a script of the demo agent out. Pure, and heavy for long sessions: use a thread.

What the script says is what was seen: commands are shown with what they printed and never run again,
edits are made again, approvals and questions are asked again. Secrets and folders are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agor_jupyter.agents.demo.script import Script
from agor_jupyter.agents.recording.nodes import Fold, Turn
from agor_jupyter.agents.recording.steps import DELAY_MS, Comment, Item, Steps, pattern_of
from agor_jupyter.agents.recording.text import as_data, written
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import SessionEvent
from agor_jupyter.domain.redaction import PLACEHOLDER, Redactor

MOST_CHARACTERS = 8 * 2**20
"""So much may have been said in a session that is saved."""
SHOWN_PROMPT = 300
ENDING = ".demo.yml"


@dataclass(frozen=True)
class Recording:
    """The script, what was taken out and how often, and what of the session it does not play."""

    name: str
    script: str
    removed: Mapping[str, int]
    notes: tuple[str, ...]


class Recorder:
    """Takes a session's events page by page, then writes the script."""

    def __init__(self, title: str, about: str, worktree: str, redactor: Redactor) -> None:
        """`about` says what was recorded, in a few words; `worktree` is the folder it worked in."""
        self._title = title
        self._about = about
        self._redactor = redactor
        self._steps = Steps(redactor, worktree)
        self._fold = Fold()

    def take(self, events: Sequence[SessionEvent]) -> None:
        """Take the next events. Raises `Unprocessable` when it is more than a script should hold."""
        self._fold.take(events)
        if self._fold.characters > MOST_CHARACTERS:
            raise Unprocessable(
                f"This session has said more than {MOST_CHARACTERS // 2**20} MiB: too much for a script.",
                hint="Save a shorter session: a fork keeps what is worth to be shown.",
                most_characters=MOST_CHARACTERS,
            )

    def write(self, check: Callable[[], None] = lambda: None) -> Recording:
        """Write the script. Raises `Unprocessable` when there is nothing to play.

        `check` is called in between, and ends it by what it raises.
        """
        turns = self._fold.turns
        if not turns:
            raise Unprocessable("Nothing was done in this session yet.", hint="Send a prompt first.")
        told = [self._steps.turn(turn, check) for turn in turns]
        check()
        prompts = [prompt for prompt, _ in told]
        played = [(pattern_of(prompt), items) for prompt, items in told]
        played.append(("", [{"say": _offer(prompts)}]))
        members = {"version": 1, "recorded": True, "delay_ms": DELAY_MS}
        title = self._redactor.clean(self._title)
        Script.model_validate(as_data(members, played))
        check()
        text = written(self._head(title, turns), members, played)
        if self._redactor.holds_known(text):
            raise AssertionError("a known secret is left in the script")  # nothing is given then
        return Recording(_name(title), text, dict(self._redactor.removed), _notes(told))

    def _head(self, title: str, turns: Sequence[Turn]) -> list[str]:
        head = [
            f"“{title}”, {self._redactor.clean(self._about)}, saved as a script of the demo agent.",
            "Played, it runs no command: it shows what was printed, makes the edits, and asks again.",
            "How to play it: set AgorApp.agent_options to {'demo': {'script': '/path/to/this.yml'}}.",
        ]
        if (sha := turns[0].base_sha) != "":
            head.append(f"Its edits fit a worktree whose files are as at commit {sha[:12]}.")
        taken = ", ".join(f"{what} ({count})" for what, count in sorted(self._redactor.removed.items()))
        return [*head, f"Taken out: {taken}." if taken else "Nothing had to be taken out."]


def _offer(prompts: Sequence[str]) -> str:
    """Say what can be played, for a prompt that was not recorded."""
    listed = []
    for prompt in dict.fromkeys(prompts):
        short = prompt if len(prompt) <= SHOWN_PROMPT else prompt[: SHOWN_PROMPT - 1] + "…"
        listed.append("\n".join(f"    {line}" for line in short.splitlines()))
    words = "I play a recording, and this was not asked in it. It knows these prompts:"
    return "\n\n".join([words, *listed])


def _notes(told: Sequence[tuple[str, Sequence[Item]]]) -> tuple[str, ...]:
    """Gather what the comments say, each once."""
    found: dict[str, None] = {}

    def gather(items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Comment):
                found[item.text] = None
            elif "tool" in item:
                gather(item["tool"].get("steps", []))

    for _, items in told:
        gather(items)
    return tuple(found)


def _name(title: str) -> str:
    """Make a file's name of a (cleaned) title."""
    words = PLACEHOLDER.sub("", title).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:60].strip("-")
    return (slug or "session") + ENDING
