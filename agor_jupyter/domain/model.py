"""The base of every value of the house: frozen, closed, comparable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

_set = object.__setattr__


class Value(BaseModel):
    """A frozen record. Unknown fields are refused when one is parsed; no error repeats what was given."""

    # What is parsed may be a prompt, a key or a person's environment, and errors end up in logs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __copy__(self) -> Self:
        """Copy shallowly, as pydantic does, in half the time: a value has no extras and no private state.

        `model_copy` begins with it.
        """
        copied = type(self).__new__(type(self))
        _set(copied, "__dict__", self.__dict__.copy())
        _set(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__.copy())
        _set(copied, "__pydantic_extra__", None)
        _set(copied, "__pydantic_private__", None)
        return copied

    def changed(self, changes: Mapping[str, object]) -> Self:
        """Give `model_copy(update=changes)`, in a third of its time: the reducer folds each event with it.

        The names of the fields that were set are shared where they stay the same: nothing writes to
        them, as `__copy__` takes its own.
        """
        made = type(self).__new__(type(self))
        known = self.__pydantic_fields_set__
        _set(made, "__dict__", {**self.__dict__, **changes})
        _set(made, "__pydantic_fields_set__", known if changes.keys() <= known else known.union(changes))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made
