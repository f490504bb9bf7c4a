"""How a turn of an ACP agent ended: stop reason, usage, and what to do next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agor_jupyter.domain.content import StopReason, Usage

AUTH_REQUIRED = -32000
MOST_DOLLARS = 1e9
"""More is a slip of whoever counts; JSON's numbers may be larger than any float."""

STOP_REASONS: Mapping[str, StopReason] = {
    "end_turn": "end_turn",
    "max_tokens": "max_tokens",
    "max_turn_requests": "max_turn_requests",
    "refusal": "refusal",
    "cancelled": "cancelled",
}
HINTS: Mapping[int, str] = {
    403: "This account may not use the model: choose another model or log in to another account.",
    404: "Choose another model for this session, then send the prompt again.",
    413: "The request is too large: begin a new session.",
    429: "The rate limit of the account is used up: wait a little, then resume the session.",
    500: "The model's server failed: wait a little, then send the prompt again.",
    503: "The model's servers are overloaded: wait a little, then resume the session.",
    529: "The model's servers are overloaded: wait a little, then resume the session.",
}
TOO_LONG = "The conversation or the answer is too long for the model: ask for less, or begin a new session."
_LOGIN_WORDS = re.compile(r"authenti|api[ _-]?key|log ?in\b|credential|unauthori[sz]ed", re.IGNORECASE)
_FAULT_WORDS = {
    429: re.compile(r"rate.?limit|too many requests|quota|\b429\b", re.IGNORECASE),
    529: re.compile(r"overload|\b(503|529)\b", re.IGNORECASE),
}
_MODEL_WORDS = re.compile(
    r"\bmodels?\b.*\b(not found|unknown|not supported)|not found for API", re.IGNORECASE
)


def stop_reason_of(answer: object) -> StopReason:
    """Read why a turn ended; an unknown reason is an end like any other."""
    told = answer.get("stopReason") if isinstance(answer, Mapping) else None
    return STOP_REASONS.get(str(told), "end_turn")


def usage_of(answer: object, path: tuple[str, ...]) -> Usage:
    """Read the tokens of a turn where the agent puts them. Cached ones are not within `input_tokens`."""
    found: object = answer
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return Usage()
    return Usage(
        input_tokens=_count(found, "inputTokens", "input_tokens"),
        output_tokens=_count(found, "outputTokens", "output_tokens"),
        cached_read_tokens=_count(found, "cachedReadTokens"),
        cached_write_tokens=_count(found, "cachedWriteTokens"),
        thought_tokens=_count(found, "thoughtTokens"),
    )


def usage_of_answer(told: Mapping[str, Any]) -> tuple[Usage, int]:
    """Read the tokens of one answer of the model, told beside words; and how full the context was.

    Where the total is that of input and output alone, cached tokens and thoughts are within those.
    """
    used = usage_of({"usage": told}, ("usage",))
    whole = used.input_tokens + used.output_tokens
    if _count(told, "totalTokens") == whole:
        used = used.model_copy(update={"input_tokens": max(0, used.input_tokens - used.cached_read_tokens)})
    return used, whole


def usage_less(total: Usage, before: Usage) -> Usage:
    """Give what came between two counts. A count that went down began anew."""
    if total.total_tokens < before.total_tokens:
        return total
    names = Usage.model_fields.keys() - {"cost_usd"}
    return Usage(**{name: max(0, getattr(total, name) - getattr(before, name)) for name in names})


def cost_in_dollars(update: Mapping[str, Any]) -> float | None:
    """Read the running cost of the whole session, where it is told in US dollars."""
    cost = update.get("cost")
    if not isinstance(cost, Mapping) or str(cost.get("currency", "")).upper() != "USD":
        return None
    amount = cost.get("amount")
    return float(amount) if isinstance(amount, int | float) and 0 <= amount <= MOST_DOLLARS else None


def _hint_for(code: int, said: str) -> str:
    """Find what to do by the code, else by the words: many agents wrap all that fails into one code."""
    if code in HINTS:
        return HINTS[code]
    return next((HINTS[known] for known, words in _FAULT_WORDS.items() if words.search(said)), "")


def explain(code: int, message: str, data: object, *, title: str, login_hint: str) -> tuple[str, str]:
    """Say in a sentence what failed, and what to do."""
    details = data.get("details") if isinstance(data, Mapping) else data
    said = details if isinstance(details, str) and message in ("", "Internal error") else message
    said = said.removeprefix("Internal error: ")
    error = sentence(said) or f"{title} failed (error {code})."
    if code in (AUTH_REQUIRED, 401) or _LOGIN_WORDS.search(said):
        return error, login_hint
    if code == 404 or _MODEL_WORDS.search(said):
        return error, HINTS[404]
    return error, _hint_for(code, said) or "Resume the session to try again; the conversation is kept."


def sentence(text: str) -> str:
    """Keep the first sentence of an error, at most 300 characters."""
    line = re.split(r"(?<=[.!?])\s", text.strip().split("\n", 1)[0].strip(), maxsplit=1)[0]
    line = line if len(line) <= 300 else line[:299] + "…"
    return line if not line or line[-1] in ".!?…" else line + "."


def _count(values: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = values.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return 0
