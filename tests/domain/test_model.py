"""A value's copy is pydantic's copy: equal, apart, and as frozen."""

from __future__ import annotations

import copy

import pytest
from pydantic import BaseModel, ValidationError

from agor_jupyter.domain.content import Usage


def test_a_copy_is_as_pydantic_makes_it() -> None:
    value = Usage(input_tokens=3)
    ours, theirs = copy.copy(value), BaseModel.__copy__(value)
    assert ours == theirs == value
    assert ours.model_fields_set == theirs.model_fields_set == {"input_tokens"}
    assert ours.model_dump_json() == theirs.model_dump_json()
    assert ours is not value


def test_a_changed_copy_leaves_the_value_alone() -> None:
    value = Usage(input_tokens=3)
    changed = value.model_copy(update={"output_tokens": 4})
    assert (value.output_tokens, changed.output_tokens) == (0, 4)
    assert value.model_fields_set == {"input_tokens"}
    assert changed.model_fields_set == {"input_tokens", "output_tokens"}
    with pytest.raises(ValidationError, match="frozen"):
        changed.output_tokens = 5  # type: ignore[misc]  # it must not


def test_an_error_repeats_nothing_of_what_was_given() -> None:
    with pytest.raises(ValidationError) as error:
        Usage.model_validate_json('{"input_tokens": "sk-of-ann", "more": "sk-of-bob"}')
    assert "sk-of" not in str(error.value)
    assert "input_tokens" in str(error.value)
