"""Of an agent's commands those are kept that a prompt can name."""

from __future__ import annotations

from agor_jupyter.domain.content import MOST_COMMANDS, SlashCommand
from agor_jupyter.domain.events import AgentReady


def names(*commands: str) -> list[str]:
    ready = AgentReady(native_ref="n", commands=tuple(SlashCommand(name=name) for name in commands))
    return [command.name for command in ready.commands]


def test_a_name_is_one_printable_word() -> None:
    assert names("review", "mcp:look", "two words", "line\nbreak", "\u202ethgir", "", "x" * 101) == [
        "review",
        "mcp:look",
    ]


def test_each_name_stands_there_once_and_the_list_ends() -> None:
    ready = AgentReady(
        native_ref="n",
        commands=(SlashCommand(name="a", hint="first"), SlashCommand(name="a", hint="second")),
    )
    assert [command.hint for command in ready.commands] == ["first"]
    assert len(names(*(f"c{number}" for number in range(10_000)))) == MOST_COMMANDS
