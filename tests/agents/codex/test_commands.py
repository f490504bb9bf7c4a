"""Slash commands: how a prompt is read, and `/init` with the real Codex."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.codex import commands
from agor_jupyter.domain.content import HINT_CHARS, Attachment
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest
from agor_jupyter.testing.harnesses.codex import add_file
from agor_jupyter.testing.model_script import script, use
from agor_jupyter.testing.responses_server import ResponsesServer

NOTE = Attachment(name="a.txt", media_type="text/plain", data="a")


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/review", "review", ""),
        ("  /review\n", "review", ""),
        ("/review base main", "review", "base main"),
        ("/review\nlook at the tests\nand at a.py", "review", "look at the tests\nand at a.py"),
        ("/reviews", "review", None),
        ("please /review", "review", None),
        ("/compact", "init", None),
        ("", "review", None),
    ],
)
def test_a_command_stands_at_the_beginning(text: str, name: str, argument: str | None) -> None:
    assert commands.argument_of(text, name) == argument


@pytest.mark.parametrize(
    ("argument", "target"),
    [
        ("", {"type": "uncommittedChanges"}),
        ("base main", {"type": "baseBranch", "branch": "main"}),
        ("commit  4b825dc", {"type": "commit", "sha": "4b825dc"}),
        ("base --all", {"type": "custom", "instructions": "base --all"}),
        ("commit messages only", {"type": "custom", "instructions": "commit messages only"}),
        ("Look at a.py.\nIs it right?", {"type": "custom", "instructions": "Look at a.py.\nIs it right?"}),
    ],
)
def test_what_is_to_be_reviewed(argument: str, target: dict[str, str]) -> None:
    assert commands.target_of(argument) == target


def test_the_words_of_a_prompt_are_left_alone() -> None:
    assert commands.words_of("/initial thoughts ") == "/initial thoughts "
    assert commands.words_of("/init") == commands.INIT
    assert commands.words_of("/init the tests").endswith("\n\nAbove all: the tests")


def test_a_review_takes_no_attachments() -> None:
    with pytest.raises(Unprocessable, match="no attachments"):
        commands.check("/review", (NOTE,))
    commands.check("/review", ())
    commands.check("review this", (NOTE,))


def test_what_is_listed_can_be_shown_whole() -> None:
    assert all(command.usable and len(command.hint) <= HINT_CHARS for command in commands.COMMANDS)


async def test_init_asks_for_the_instructions_and_asks_before_it_writes(
    talk: Callable[..., Any], server: ResponsesServer, worktree: Path
) -> None:
    server.book["write"] = script(use("apply_patch", input=add_file("AGENTS.md", "Run the tests.\n")))
    one = await talk()
    assert (await one.prompt("/init SCRIPT:write")).stop_reason == "end_turn"
    asked = server.asked[0].choice.prompt
    assert asked == commands.words_of("/init SCRIPT:write")
    assert "AGENTS.md" in asked
    assert [request.title for request in one.of(PermissionRequest)] == ["Write AGENTS.md"]
    assert (worktree / "AGENTS.md").read_text() == "Run the tests.\n"
