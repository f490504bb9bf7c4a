"""What can fail on the bench, told to the model (a tool) or to the person (the model itself)."""

from __future__ import annotations

import re
from collections.abc import Mapping

RESUME = "Resume the session to try again; the conversation is kept."
SMALLER = "The request is too large: send `/compact`, or begin a new session."
LOOK = "Look at the model and the settings of this session."


class ToolFailed(Exception):
    """A tool could not do what it was asked. The message is for the model, and says what to do."""


class ModelFailed(Exception):
    """The model gave no whole answer. `sentence` says what happened, `hint` what a person can do.

    `again`: the same request may succeed later, after `wait_seconds` where the server said so.
    `too_long`: the conversation does not fit, so a shorter one may. `refused`: it was read, and something
    in it was not taken (an image, by a model that does not see).
    """

    def __init__(
        self,
        sentence: str,
        hint: str,
        *,
        again: bool = False,
        wait_seconds: float | None = None,
        too_long: bool = False,
        refused: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.again = again
        self.wait_seconds = wait_seconds
        self.too_long = too_long
        self.refused = refused


def of_status(
    server: str,
    status: int,
    said: str,
    hints: Mapping[int, str],
    *,
    too_long: bool = False,
    spent: bool = False,
    wait_seconds: float | None = None,
) -> ModelFailed:
    """Explain an HTTP error of a model's server. `spent`: to wait does not help."""
    words = sentence(said)
    again = (status in (408, 409, 429) or status >= 500) and not spent
    hint = SMALLER if too_long else hints.get(status, RESUME if again else LOOK)
    return ModelFailed(
        f"{server} answered with {status}" + (f": {words}" if words else "."),
        hint,
        again=again,
        wait_seconds=wait_seconds if again else None,
        too_long=too_long,
        refused=status in (400, 413, 415, 422) and not too_long,
    )


def cut_off() -> ModelFailed:
    """The connection ended in the middle of an answer."""
    return ModelFailed("The model's answer was cut off.", RESUME, again=True)


def sentence(text: str) -> str:
    """Keep the first sentence of an error, at most 300 characters."""
    line = re.split(r"(?<=[.!?])\s", text.strip().split("\n", 1)[0].strip(), maxsplit=1)[0]
    line = line if len(line) <= 300 else line[:299] + "…"
    return line if not line or line[-1] in ".!?…" else line + "."
