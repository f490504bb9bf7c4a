"""What the harnesses of agents have in common that talk with one of our scripted models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from agor_jupyter.testing.conformance import Act
from agor_jupyter.testing.faulty import ModelFault
from agor_jupyter.testing.harnesses.faults import failing_script
from agor_jupyter.testing.model_script import Script


class Said(Protocol):
    @property
    def role(self) -> str: ...

    @property
    def text(self) -> str: ...


class Asked(Protocol):
    @property
    def history(self) -> Sequence[Said]: ...


class Model(Protocol):
    """A scripted model: what it will say, and what it was asked."""

    book: dict[str, Script]

    @property
    def asked(self) -> Sequence[Asked]: ...


class Scripted:
    """The part of `conformance.Harness` and `faulty.Faulty` that is the model's alone."""

    def __init__(self, model: Model, script_of: Callable[[Sequence[Act]], Script]) -> None:
        self._model = model
        self._script_of = script_of

    def prompt(self, acts: Sequence[Act], note: str) -> str:
        return f"{note}\n{self._noted(self._script_of(acts))}"

    def failing(self, acts: Sequence[Act], fault: ModelFault) -> str:
        return self._noted(failing_script(self._script_of(acts), fault))

    def heard(self) -> str:
        return "\n".join(said.text for said in self._model.asked[-1].history if said.role == "user")

    def _noted(self, script: Script) -> str:
        """Write a script into the model's book; give the words that call it."""
        name = f"acts{len(self._model.book)}"
        self._model.book[name] = script
        return f"SCRIPT:{name}"
