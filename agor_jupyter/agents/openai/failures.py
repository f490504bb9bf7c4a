"""What can go wrong with an OpenAI endpoint, as one sentence and the next step. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from agor_jupyter.agents.openai.probe import KEY_HINT
from agor_jupyter.agents.workbench import failing
from agor_jupyter.agents.workbench.failing import ModelFailed, sentence

HINTS: Mapping[int, str] = {
    401: KEY_HINT,
    403: "This key may not use the model: choose another model, or another key.",
    404: "Choose another model for this session (or mend OPENAI_BASE_URL), then send the prompt again.",
    413: failing.SMALLER,
    429: "The rate limit or the credit of this key is used up: wait a little, or look at your account.",
}
_TOO_LONG = re.compile(
    r"context[ _]length|context window|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)


def of_status(status: int, said: str, code: str | None, headers: Mapping[str, str]) -> ModelFailed:
    """Explain an HTTP error. `said` is the server's own message."""
    return failing.of_status(
        "The model's server",
        status,
        said,
        HINTS,
        too_long=status in (400, 413) and (code == "context_length_exceeded" or bool(_TOO_LONG.search(said))),
        spent=code == "insufficient_quota",
        wait_seconds=_wait(headers),
    )


def unreachable(base_url: str) -> ModelFailed:
    place = urlsplit(base_url)  # without a name and password that may stand in it
    port = f":{place.port}" if place.port else ""
    return ModelFailed(
        f"The model's server at {place.hostname}{port} could not be reached.",
        "Look at the network (or OPENAI_BASE_URL), then resume the session.",
        again=True,
    )


def odd(said: str) -> ModelFailed:
    """The server kept to the protocol, but its answer makes no sense."""
    return ModelFailed(
        f"The model's answer cannot be used: {sentence(said)}", "Choose another model, or try again."
    )


def _wait(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None  # a date, or nothing: our own waiting time counts
