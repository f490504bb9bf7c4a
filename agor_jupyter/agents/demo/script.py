"""What a script of the demo agent may say: the schema of `scripts/*.yml`, and how one is read.

A script is data. It holds turns; the first whose `match` is found in the prompt is played, and the
one without `match` plays for any other. See docs/agents-demo-scripts.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, field_validator

from agor_jupyter.domain.content import PlanEntry, StopReason
from agor_jupyter.domain.errors import Unprocessable

NAME = re.compile(r"^[a-z][a-z0-9_-]*$")
_INLINE = re.compile(r"^```demo\s*\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(Strict):
    """Speak, streamed in small pieces."""

    say: str
    delay_ms: int | None = Field(default=None, ge=0)


class Think(Strict):
    think: str
    delay_ms: int | None = Field(default=None, ge=0)


class MakePlan(Strict):
    plan: tuple[PlanEntry, ...]


class Read(Strict):
    """Read a file of the worktree."""

    read: str


class EditOf(Strict):
    """`write` makes the whole file; `find` and `replace` change the first place that holds `find`."""

    path: str
    write: str | None = None
    find: str | None = None
    replace: str | None = None
    ask: bool = True


class Edit(Strict):
    edit: EditOf


class RunOf(Strict):
    argv: tuple[str, ...] = Field(min_length=1)
    title: str = ""
    ask: bool = True


class Run(Strict):
    """Run a command in the worktree: an argument list, never a shell line."""

    run: RunOf

    @field_validator("run", mode="before")
    @classmethod
    def _list_is_argv(cls, value: Any) -> Any:
        return {"argv": value} if isinstance(value, list) else value


class AskOf(Strict):
    question: str
    header: str = ""
    choices: tuple[str, ...] = ()
    multiple: bool = False


class Ask(Strict):
    ask: AskOf


class UsageOf(Strict):
    input_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int = 0


class AddUsage(Strict):
    usage: UsageOf


class Wait(Strict):
    """Wait so many seconds; a string is a name such as `{1}`."""

    wait: float | str


class StreamOf(Strict):
    tokens: int | str
    per_second: float | str


class Stream(Strict):
    """Speak numbered tokens (`tok0 tok1 …`) at a rate: what load tests count."""

    stream: StreamOf


class RepeatOf(Strict):
    times: int = Field(ge=0, le=100_000)
    steps: tuple[Step, ...]


class Repeat(Strict):
    repeat: RepeatOf


class IfOf(Strict):
    """All conditions that are given must hold."""

    answer: str | None = None
    exit_code: int | None = None
    failed: bool | None = None
    rejected: bool | None = None
    exists: str | None = None
    contains: tuple[str, str] | None = None
    earlier: bool | None = None
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()


class CallOf(Strict):
    """A tool of the house and its arguments; what it gave is `{result}` from then on."""

    tool: str
    input: dict[str, Any] = {}


class Call(Strict):
    call: CallOf


class If(Strict):
    """`failed`: the last command's exit code was not 0. `rejected`: the last request was refused."""

    if_: IfOf = Field(alias="if")


class Fail(Strict):
    """End the turn as failed."""

    fail: str


class End(Strict):
    """End the turn here, with this stop reason."""

    end: StopReason


class Crash(Strict):
    """Die as an agent's process would (exit code); for tests of what comes after."""

    crash: int


VERBS = (
    "say",
    "think",
    "plan",
    "read",
    "edit",
    "run",
    "ask",
    "call",
    "usage",
    "wait",
    "stream",
    "repeat",
    "if",
    "fail",
    "end",
    "crash",
)


def _verb(raw: Any) -> str:
    """Name the verb of a step, so that an error is about that verb and not about all of them."""
    if isinstance(raw, Strict):  # made in code, not read
        names = {name.rstrip("_") for name in type(raw).model_fields}
    else:
        names = set(raw) if isinstance(raw, dict) else set()
    found = names & set(VERBS)
    return found.pop() if len(found) == 1 else ""


Step = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Think, Tag("think")]
    | Annotated[MakePlan, Tag("plan")]
    | Annotated[Read, Tag("read")]
    | Annotated[Edit, Tag("edit")]
    | Annotated[Run, Tag("run")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[Call, Tag("call")]
    | Annotated[AddUsage, Tag("usage")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[Stream, Tag("stream")]
    | Annotated[Repeat, Tag("repeat")]
    | Annotated[If, Tag("if")]
    | Annotated[Fail, Tag("fail")]
    | Annotated[End, Tag("end")]
    | Annotated[Crash, Tag("crash")],
    Discriminator(
        _verb,
        custom_error_type="step",
        custom_error_message=f"a step has exactly one verb of: {', '.join(VERBS)}",
    ),
]


class Turn(Strict):
    match: str = ""
    steps: tuple[Step, ...]

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value


class Script(Strict):
    version: Literal[1] = 1
    delay_ms: int = Field(default=15, ge=0)
    turns: tuple[Turn, ...] = Field(min_length=1)

    def turn_for(self, prompt: str) -> tuple[Turn, re.Match[str] | None]:
        """Choose the turn that answers `prompt`. Raises `Unprocessable` when none does.

        A prompt that holds a block of steps (```` ```demo ````) is its own turn.
        """
        if (inline := _INLINE.search(prompt)) is not None:
            return _read_turn(inline[1]), None
        for turn in self.turns:
            if turn.match and (found := re.search(turn.match, prompt)) is not None:
                return turn, found
        for turn in self.turns:
            if not turn.match:
                return turn, None
        raise Unprocessable("The script has no turn for this prompt.", hint="Add a turn without `match`.")


for _model in (RepeatOf, IfOf, Repeat, If, Turn, Script):
    _model.model_rebuild()


def load_script(name_or_path: str) -> Script:
    """Read a shipped script by its name, or any by its path. Raises `Unprocessable`."""
    try:
        if NAME.match(name_or_path):
            folder = resources.files("agor_jupyter.agents.demo") / "scripts"
            text = (folder / f"{name_or_path}.yml").read_text("utf-8")
        else:
            text = Path(name_or_path).read_text("utf-8")
    except OSError as error:
        raise Unprocessable(f"The script {name_or_path!r} cannot be read: {error.strerror}.") from error
    try:
        return Script.model_validate(_parsed(text))
    except ValidationError as error:
        raise Unprocessable(f"The script {name_or_path!r} is wrong: {_complaints(error)}") from error


def _read_turn(text: str) -> Turn:
    try:
        return Turn.model_validate({"steps": _parsed(text)})
    except ValidationError as error:
        raise Unprocessable(f"The steps in the prompt are wrong: {_complaints(error)}") from error


def _parsed(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unprocessable(f"The script is not YAML: {error}") from error


def _complaints(error: ValidationError) -> str:
    places: Iterable[str] = (
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
    )
    return "; ".join(places)
