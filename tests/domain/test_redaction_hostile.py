"""Texts that are made to keep the redactor busy, and encodings that hide a known value."""

from __future__ import annotations

import base64
import time

import pytest

from agor_jupyter.agents.recording.steps import Steps
from agor_jupyter.domain.redaction import Redactor

KEY = "wobbleQuartz91827364xy"


@pytest.mark.parametrize("text", ["-eyJ" * 100_000, "\n… 1 bytes left out …\n" * 10_000])
def test_hostile_text_is_read_in_a_time_that_grows_with_its_length(text: str) -> None:
    redactor = Redactor({f"{KEY}{number}": "variable" for number in range(30)}, {})
    began = time.perf_counter()
    redactor.clean(text)
    assert time.perf_counter() - began < 4


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(f"me:{KEY}\n".encode()).decode(),
        base64.b64encode(f"{KEY}\n".encode()).decode(),
        base64.urlsafe_b64encode(f"a{KEY}".encode()).decode(),
        KEY.encode().hex(),
    ],
)
def test_a_known_value_is_found_within_what_was_encoded(hidden: str) -> None:
    said = Redactor({KEY: "credential"}, {}).clean(f"It is {hidden} here.")
    assert "[secret-1]" in said


def test_a_number_that_is_a_secret_is_taken_out_of_an_input() -> None:
    steps = Steps(Redactor({"4417123456": "credential"}, {}), "/w")
    assert steps._clean({"pin": 4417123456, "n": 3, "on": True}) == {"pin": "[secret-1]", "n": 3, "on": True}
