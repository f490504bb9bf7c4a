"""The steps of a demo script: each verb and what may stand beside it. Played by `player`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from agor_jupyter.domain.content import PlanEntry, StopReason, ToolKind


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


class ChangeOf(Strict):
    """A change to one file within a tool call: one of `write`, `find` with `replace`, `delete`."""

    path: str
    write: str | None = None
    find: str | None = None
    replace: str = ""
    every: bool = False
    delete: bool = False

    @model_validator(mode="after")
    def _is_one_change(self) -> Self:
        if [self.write is not None, bool(self.find), self.delete].count(True) != 1:
            raise ValueError("a change has one of: write, find (with replace), delete")
        return self


class DiffOf(Strict):
    path: str
    old: str | None = None
    new: str | None = None


class ToolOf(Strict):
    """A tool call as it is written here. It starts nothing; only its `edits` are made."""

    title: str
    kind: ToolKind = "other"
    input: dict[str, Any] = {}  # vendor JSON: any shape is legal
    paths: tuple[str, ...] = ()
    ask: bool = False
    description: str = ""
    preview: str = ""
    steps: tuple[Step, ...] = ()
    seconds: float = Field(default=0, ge=0)
    output: str | None = None
    exit_code: int | None = None
    text: str = ""
    edits: tuple[ChangeOf, ...] = ()
    diffs: tuple[DiffOf, ...] = ()
    failed: bool = False


class Tool(Strict):
    """Show a tool call; what is in its `steps` is shown within it, as a sub-agent's work is."""

    tool: ToolOf


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
    descriptions: tuple[str, ...] = ()
    own: bool = False

    @model_validator(mode="after")
    def _each_is_described(self) -> AskOf:
        if self.descriptions and len(self.descriptions) != len(self.choices):
            raise ValueError("descriptions must be as many as choices, in their order")
        return self


class Ask(Strict):
    """Ask one thing, or several at once."""

    ask: tuple[AskOf, ...] = Field(min_length=1)

    @field_validator("ask", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value


class Note(Strict):
    """Tell something that is neither an answer nor a failure."""

    note: str
    level: Literal["info", "warning", "error"] = "info"
    hint: str = ""


class UsageOf(Strict):
    input_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int = 0
    cached_read_tokens: int = 0
    cached_write_tokens: int = 0
    context_used: int | None = None
    context_size: int | None = None


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
    hint: str = ""


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
    "tool",
    "ask",
    "note",
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
    | Annotated[Tool, Tag("tool")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[Note, Tag("note")]
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


for _model in (RepeatOf, IfOf, ToolOf, Repeat, If, Tool):
    _model.model_rebuild()


def every_step(steps: Iterable[Step]) -> Iterator[Step]:
    """Give all steps, those within others too."""
    for step in steps:
        yield step
        match step:
            case Repeat(repeat=RepeatOf(steps=inner)) | Tool(tool=ToolOf(steps=inner)):
                yield from every_step(inner)
            case If(if_=condition):
                yield from every_step((*condition.then, *condition.otherwise))
            case _:
                pass
