"""A script of the demo agent: the schema of `scripts/*.yml`, and how one is read. Its steps are in `verbs`.

A script is data. It holds turns; the first whose `match` is found in the prompt is played, and the
one without `match` plays for any other. See docs/agents-demo-scripts.md.

A script that says `recorded: true` is a session that was saved: it is taken literally, and cannot hold
a step that runs something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from agor_jupyter.agents.demo.verbs import Call, Crash, Run, Step, Strict, every_step
from agor_jupyter.domain.errors import Unprocessable

NAME = re.compile(r"^[a-z][a-z0-9_-]*$")
_INLINE = re.compile(r"^```demo\s*\n(.*?)^```", re.MULTILINE | re.DOTALL)


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
    """`recorded`: texts stand as they are (no `{names}`), a prompt brings no steps, and nothing is run."""

    version: Literal[1] = 1
    recorded: bool = False
    delay_ms: int = Field(default=15, ge=0)
    turns: tuple[Turn, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _recording_runs_nothing(self) -> Self:
        for turn in self.turns if self.recorded else ():
            if any(isinstance(step, Run | Call | Crash) for step in every_step(turn.steps)):
                raise ValueError("a recording has no run, call or crash: take `recorded` out, or that step")
        return self

    def turn_for(self, prompt: str, earlier: Sequence[str] = ()) -> tuple[Turn, re.Match[str] | None]:
        """Choose the turn that answers `prompt`. Raises `Unprocessable` when none does.

        A prompt that holds a block of steps (```` ```demo ````) is its own turn. In a recording a prompt may
        come again: of the turns that match, the first is chosen that no `earlier` prompt has played.
        """
        if self.recorded:
            return self._turn_of_recording(prompt, earlier), None
        if (inline := _INLINE.search(prompt)) is not None:
            return _read_turn(inline[1]), None
        for turn in self.turns:
            if turn.match and (found := re.search(turn.match, prompt)) is not None:
                return turn, found
        for turn in self.turns:
            if not turn.match:
                return turn, None
        raise _no_turn()

    def _turn_of_recording(self, prompt: str, earlier: Sequence[str]) -> Turn:
        played: set[int] = set()
        chosen: int | None = None
        for said in (*earlier, prompt):
            fitting = [
                place for place, turn in enumerate(self.turns) if turn.match and re.search(turn.match, said)
            ]
            chosen = next(
                (place for place in fitting if place not in played), fitting[-1] if fitting else None
            )
            played |= {chosen} if chosen is not None else set()
        if chosen is not None:
            return self.turns[chosen]
        if (other := next((turn for turn in self.turns if not turn.match), None)) is not None:
            return other
        raise _no_turn()


def _no_turn() -> Unprocessable:
    return Unprocessable("The script has no turn for this prompt.", hint="Add a turn without `match`.")


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
