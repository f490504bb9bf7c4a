"""How a turn of Codex ended: stop reason, usage of this turn alone, and what to do next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agor_jupyter.domain.content import StopReason, Usage
from agor_jupyter.domain.events import TurnEnded

AGAIN = "Resume the session to try again; the conversation is kept."
HINTS: Mapping[int, str] = {
    403: "This account may not use the model: choose another model or log in to another account.",
    404: "Choose another model for this session, then send the prompt again.",
    413: "The request is too large: send `/compact`, or begin a new session.",
    429: "The rate limit of the account is used up: wait a little, then resume the session.",
    503: "The model's servers are overloaded: wait a little, then resume the session.",
}
NAMED: Mapping[str, str] = {
    "contextWindowExceeded": "Send `/compact`, or begin a new session.",
    "sessionBudgetExceeded": "Begin a new session.",
    "usageLimitExceeded": "The limit of the account is used up: wait until it is renewed.",
    "rateLimitExceeded": HINTS[429],
    "serverOverloaded": HINTS[503],
    "sandboxError": "Codex's sandbox does not work on this machine; docs/agents-codex.md says what it needs.",
    "cyberPolicy": "The provider refused this; put it in another way.",
}
_STATUS = re.compile(r"unexpected status (\d{3})")
_NETWORK = ("error sending request", "stream disconnected", "Connection", "connection")


def usage_of(raw: Mapping[str, Any] | None) -> Usage:
    """Translate Codex's own names. Cached tokens are within its input; ours stand apart."""
    raw = raw or {}
    cached, written = _count(raw.get("cachedInputTokens")), _count(raw.get("cacheWriteInputTokens"))
    return Usage(
        input_tokens=max(0, _count(raw.get("inputTokens")) - cached - written),
        output_tokens=_count(raw.get("outputTokens")),
        cached_read_tokens=cached,
        cached_write_tokens=written,
        thought_tokens=_count(raw.get("reasoningOutputTokens")),
    )


def less(total: Usage, before: Usage) -> Usage:
    """Give what was used since `before`. Codex counts over the whole conversation."""

    def since(name: str) -> int:
        return max(0, int(getattr(total, name)) - int(getattr(before, name)))

    names = ("input_tokens", "output_tokens", "cached_read_tokens", "cached_write_tokens", "thought_tokens")
    return Usage(**{name: since(name) for name in names})


def ended(turn: Mapping[str, Any], usage: Usage, *, interrupted: bool, login_hint: str) -> TurnEnded:
    """Translate a turn that is over. Its id is where a fork can branch."""
    ref = str(turn.get("id") or "") or None
    status = turn.get("status")
    if status == "interrupted" or (interrupted and status == "failed"):
        return TurnEnded(stop_reason="cancelled", usage=usage, last_message_ref=ref)
    if status != "failed":
        return TurnEnded(stop_reason="end_turn", usage=usage, last_message_ref=ref)
    raw = turn.get("error")
    error = raw if isinstance(raw, Mapping) else {}
    words, hint = explain(error, login_hint)
    return TurnEnded(
        stop_reason=_stop_reason(error), usage=usage, error=words, hint=hint, last_message_ref=ref
    )


def lost(usage: Usage, *, interrupted: bool, exit_code: int | None) -> TurnEnded:
    """Say how a turn ended whose program is gone."""
    if interrupted:
        return TurnEnded(stop_reason="cancelled", usage=usage)
    how = f" (exit code {exit_code})" if exit_code is not None else ""
    return TurnEnded(
        stop_reason="lost",
        usage=usage,
        error=f"Codex ended in the middle of its work{how}.",
        hint="Resume the session: the conversation is kept up to here.",
    )


def explain(error: Mapping[str, Any], login_hint: str) -> tuple[str, str]:
    """Say in a sentence what failed, and what to do."""
    said = str(error.get("message") or "")
    words = sentence(said) or "Codex failed."
    name, status = named(error.get("codexErrorInfo"))
    found = _STATUS.search(said)
    status = status or (int(found.group(1)) if found else None)
    if name == "unauthorized" or status == 401:
        return words, login_hint
    if name in NAMED:
        return words, NAMED[name]
    if status is not None and status in HINTS:
        return words, HINTS[status]
    if status is None and any(word in said for word in _NETWORK):
        return words, "Look at the network (or the provider's address), then resume the session."
    return words, AGAIN


def named(info: object) -> tuple[str, int | None]:
    """Read `codexErrorInfo`: a name, or a name with the HTTP status within."""
    if isinstance(info, Mapping) and info:
        name, body = next(iter(info.items()))
        status = body.get("httpStatusCode") if isinstance(body, Mapping) else None
        return str(name), status if isinstance(status, int) else None
    return str(info or ""), None


def sentence(text: str) -> str:
    """Keep the first sentence of an error, at most 300 characters; an address at its end is left out."""
    line = text.strip().split("\n", 1)[0].split(", url: ", 1)[0].strip()
    line = re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0]
    line = line[:1].upper() + (line[1:] if len(line) <= 300 else line[1:299] + "…")
    return line if not line or line[-1] in ".!?…" else line + "."


def _stop_reason(error: Mapping[str, Any]) -> StopReason:
    if "max_output_tokens" in str(error.get("message")):
        return "max_tokens"
    refused = named(error.get("codexErrorInfo"))[0] in ("cyberPolicy", "misalignmentPolicyViolation")
    return "refusal" if refused else "failed"


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
