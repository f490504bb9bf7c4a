"""Texts that are made to keep the redactor busy, and encodings that hide a known value."""

from __future__ import annotations

import base64
import time

import pytest

from agor_jupyter.agents.recording.steps import Steps
from agor_jupyter.domain.redaction import Redactor
from agor_jupyter.domain.secret_shapes import SHAPES

KEY = "wobbleQuartz91827364xy"


@pytest.mark.parametrize("text", ["-eyJ" * 100_000, "\n… 1 bytes left out …\n" * 10_000])
def test_hostile_text_is_read_in_a_time_that_grows_with_its_length(text: str) -> None:
    redactor = Redactor({f"{KEY}{number}": "variable" for number in range(30)}, {})
    began = time.perf_counter()
    redactor.clean(text)
    assert time.perf_counter() - began < 4


REPEATED = (
    *("token-", "token", "TOKEN_", "TOKEN-----", "_", "-", ".", "api-key-", "KEY=", "token='a1$", 'token="'),
    *("eyJ", "-eyJ", "eyJaaaaaaaa.", "ghp_", "glpat-", "xoxb-", "https://hooks.slack.com/services/", "AIza"),
    *("ya29.", "AKIA", "hf_", "npm_", "pypi-", "agor_", "sk-", "sk-a", "0123456789abcdef", "authorization: "),
    *("authorization", "bearer ", "bearer a", "://", "://a:", "://a", "a:", "?token=", "&key=", "\n"),
    *("-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", 'credential\\"', "?"),
)


@pytest.mark.parametrize("repeated", REPEATED)
def test_no_shape_is_looked_for_longer_than_a_few_steps_a_letter(repeated: str) -> None:
    """The interpreter's lock is held for a whole look: what is slow stops the house."""
    text = (repeated * 200_000)[:200_000]
    for what, pattern in SHAPES:
        began = time.thread_time()
        for _ in pattern.finditer(text):
            pass
        assert time.thread_time() - began < 0.25, what


def test_many_secrets_in_many_pieces_are_taken_out_in_one_go() -> None:
    redactor = Redactor({KEY: "variable"}, {})
    began = time.thread_time()
    parts = redactor.clean_parts([f"so {KEY} it", " is "] * 16_000)
    assert time.thread_time() - began < 4
    assert parts == ["so [secret-1] it", " is "] * 16_000


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"{'a' * 70}_token = 'abcd1234efgh'", "abcd1234efgh"),
        ("export MY_OWN_API_KEY_OF_TEST=abcdefgh", "abcdefgh"),
        ('"apiKeyForTheHouse": "abcd1234efgh"', "abcd1234efgh"),
        ("db.password_of_it: 'abcd1234efgh'", "abcd1234efgh"),
    ],
)
def test_a_name_that_tells_is_found_whatever_stands_around_it(text: str, secret: str) -> None:
    assert secret not in Redactor({}, {}).clean(text)


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
