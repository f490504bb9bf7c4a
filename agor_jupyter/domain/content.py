"""What a message or a tool call is made of. Literals are the Agent Client Protocol's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from agor_jupyter.domain.model import Value

ToolKind = Literal[
    "read",
    "edit",
    "delete",
    "move",
    "search",
    "execute",
    "think",
    "fetch",
    "switch_mode",
    "other",
]
ToolStatus = Literal["pending", "in_progress", "completed", "failed"]
StopReason = Literal[
    "end_turn",
    "max_tokens",
    "max_turn_requests",
    "refusal",
    "cancelled",
    "failed",
    "lost",
]
PermissionKind = Literal["allow_once", "allow_always", "reject_once", "reject_always"]
Mode = Literal["ask", "accept_edits", "plan", "full_auto"]


NAME_CHARS, DESCRIPTION_CHARS, HINT_CHARS, MOST_COMMANDS = 100, 200, 80, 500
"""How much of an agent's commands is kept: they stand in a session's record."""


class SlashCommand(Value):
    """What a session's agent does for a prompt that begins with `/name`. `hint` names the arguments."""

    name: str
    description: str = ""
    hint: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: object) -> object:
        """Older logs, and agents that know no more, give names alone."""
        return {"name": given} if isinstance(given, str) else given

    @property
    def usable(self) -> bool:
        """Say whether a prompt can begin with it: one printable word."""
        return len(self.name) <= NAME_CHARS and self.name.isprintable() and self.name.split() == [self.name]

    @classmethod
    def told(cls, name: object, description: object = "", hint: object = "") -> SlashCommand:
        """Make one of what an agent says: one line each, clipped."""
        words, about = (
            " ".join(item.split()) if isinstance(item, str) else "" for item in (description, hint)
        )
        return cls(
            name=str(name).removeprefix("/"),
            description=_clip(words, DESCRIPTION_CHARS),
            hint=_clip(about, HINT_CHARS),
        )


def _usable(commands: tuple[SlashCommand, ...]) -> tuple[SlashCommand, ...]:
    """Keep the first of each name, and no more than anybody looks through."""
    named = {command.name: command for command in reversed(commands) if command.usable}
    return tuple(command for command in commands if named.get(command.name) is command)[:MOST_COMMANDS]


SlashCommands = Annotated[tuple[SlashCommand, ...], AfterValidator(_usable)]
"""An agent's commands, of which those are kept that a prompt can name."""


def _clip(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


class TextContent(Value):
    """Text that a tool gave back. `truncated` says how many bytes the middle lost."""

    type: Literal["text"] = "text"
    text: str
    truncated: int = 0


class DiffContent(Value):
    """A change to one file. `old_text` is None for a new file, `new_text` for a deleted one."""

    type: Literal["diff"] = "diff"
    path: str
    old_text: str | None = None
    new_text: str | None = None


class TerminalContent(Value):
    """What a command printed so far (stdout and stderr in order) and its exit code."""

    type: Literal["terminal"] = "terminal"
    text: str
    exit_code: int | None = None
    truncated: int = 0


ToolContent = Annotated[TextContent | DiffContent | TerminalContent, Field(discriminator="type")]


class ToolLocation(Value):
    """A file that a tool call touches. `line` counts from 1."""

    path: str
    line: int | None = None


class PlanEntry(Value):
    content: str
    priority: Literal["high", "medium", "low"] = "medium"
    status: Literal["pending", "in_progress", "completed"] = "pending"


class PermissionOption(Value):
    option_id: str
    name: str
    kind: PermissionKind


MEANING_CHARS = 500
"""How much is kept of what a choice means: it is read beside the choice."""


class Question(Value):
    """A question to the person. No `choices` means a free answer.

    `descriptions` say what each choice means, in their order (none: nothing is said of any). With `own`
    an answer in the person's own words will do as well as a choice.
    """

    question: str
    header: str = ""
    choices: tuple[str, ...] = ()
    multiple: bool = False
    descriptions: tuple[str, ...] = ()
    own: bool = False

    @field_validator("descriptions")
    @classmethod
    def _told(cls, given: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Keep one line each, clipped; what only says its choice again says nothing."""
        choices = info.data.get("choices", ())
        if given and len(given) != len(choices):
            raise ValueError(
                f"{len(given)} descriptions for {len(choices)} choices: give each choice its own"
            )
        lines = (_clip(" ".join(each.split()), MEANING_CHARS) for each in given)
        told = tuple("" if line == choice else line for line, choice in zip(lines, choices, strict=False))
        return told if any(told) else ()


class Attachment(Value):
    """A file sent with a prompt. `data` is base64 for an image, text otherwise."""

    name: str
    media_type: str
    data: str


class Usage(Value):
    """Tokens of one task. `cost_usd` only when the agent reports one; never computed here."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_read_tokens: int = 0
    cached_write_tokens: int = 0
    thought_tokens: int = 0
    cost_usd: float | None = None

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens + self.cached_read_tokens + self.cached_write_tokens


def add_usage(total: Usage, more: Usage) -> Usage:
    """Add two usages. A cost is known as soon as one of the two reports it."""
    costs = [usage.cost_usd for usage in (total, more) if usage.cost_usd is not None]
    return Usage(
        input_tokens=total.input_tokens + more.input_tokens,
        output_tokens=total.output_tokens + more.output_tokens,
        cached_read_tokens=total.cached_read_tokens + more.cached_read_tokens,
        cached_write_tokens=total.cached_write_tokens + more.cached_write_tokens,
        thought_tokens=total.thought_tokens + more.thought_tokens,
        cost_usd=sum(costs) if costs else None,
    )


class Checkpoint(Value):
    """The commit that records a worktree's files: on `ref`, whose parent is the worktree's HEAD."""

    ref: str
    sha: str
    head_sha: str
