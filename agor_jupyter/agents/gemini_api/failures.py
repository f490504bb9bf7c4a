"""What can go wrong with the Gemini API, as one sentence and the next step. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents.gemini_api.probe import KEY_HINT
from agor_jupyter.agents.workbench import failing
from agor_jupyter.agents.workbench.failing import ModelFailed

HINTS: Mapping[int, str] = {
    401: KEY_HINT,
    403: "This key may not use the model: choose another model, or another key.",
    404: "Choose another model for this session, then send the prompt again.",
    413: failing.SMALLER,
    429: "The rate limit of this key is used up: wait a little, then resume the session.",
}
_TOO_LONG = re.compile(r"token count .*exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
_BAD_KEY = re.compile(r"API key not valid|API_KEY_INVALID", re.IGNORECASE)
_DELAY = re.compile(r"^(\d+(?:\.\d+)?)s$")


def of_status(status: int, said: str, details: object) -> ModelFailed:
    """Explain an HTTP error. `details` is the whole body, which may say how long to wait."""
    if status == 400 and _BAD_KEY.search(f"{said} {details}"):
        status = 401  # Google answers a wrong key with 400
    too_long = status in (400, 413) and bool(_TOO_LONG.search(said))
    return failing.of_status(
        "The Gemini API", status, said, HINTS, too_long=too_long, wait_seconds=_wait(details)
    )


def unreachable() -> ModelFailed:
    return ModelFailed(
        "The Gemini API could not be reached.",
        "Look at the network (or GOOGLE_GEMINI_BASE_URL), then resume the session.",
        again=True,
    )


def _wait(details: object) -> float | None:
    """Find `retryDelay` in an error's body."""
    error: Any = details.get("error", details) if isinstance(details, dict) else {}
    for item in (error.get("details") or ()) if isinstance(error, dict) else ():
        found = _DELAY.match(str(item.get("retryDelay", ""))) if isinstance(item, dict) else None
        if found:
            return float(found[1])
    return None
