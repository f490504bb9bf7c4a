"""How a turn of Claude Code ended: stop reason, usage of this turn alone, and what to do next. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from claude_agent_sdk import ResultMessage

from agor_jupyter.agents.claude.probe import login_hint
from agor_jupyter.domain.content import StopReason, Usage
from agor_jupyter.domain.events import TurnEnded

HINTS: Mapping[int, str] = {
    403: "This account may not use the model: choose another model or log in to another account.",
    404: "Choose another model for this session, then send the prompt again.",
    413: "The request is too large: send `/compact`, or begin a new session.",
    429: "The rate limit of the account is used up: wait a little, then resume the session.",
    529: "Anthropic's servers are overloaded: wait a little, then resume the session.",
}

BUDGET_SPENT = "The budget of this session is used up."
BUDGET_HINT = "Raise the option `max_budget_usd`, then resume the session; or begin a new one."


def usage_of(raw: Mapping[str, Any] | None, cost_usd: float | None = None) -> Usage:
    """Translate the API's own names. Cached tokens are not within `input_tokens`."""
    raw = raw or {}
    details = raw.get("output_tokens_details") or {}
    return Usage(
        input_tokens=_count(raw.get("input_tokens")),
        output_tokens=_count(raw.get("output_tokens")),
        cached_read_tokens=_count(raw.get("cache_read_input_tokens")),
        cached_write_tokens=_count(raw.get("cache_creation_input_tokens")),
        thought_tokens=_count(details.get("thinking_tokens")),
        cost_usd=cost_usd,
    )


def added(first: Usage, second: Usage) -> Usage:
    """Add two usages. A cost that one of them does not know is taken from the other."""
    costs = [usage.cost_usd for usage in (first, second) if usage.cost_usd is not None]
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        cached_read_tokens=first.cached_read_tokens + second.cached_read_tokens,
        cached_write_tokens=first.cached_write_tokens + second.cached_write_tokens,
        thought_tokens=first.thought_tokens + second.thought_tokens,
        cost_usd=sum(costs) if costs else None,
    )


def cost_of_turn(total: float | None, before: float | None, *, certain: bool = True) -> float | None:
    """Give what this turn cost. The CLI reports the whole conversation's total, over resumes too.

    `before` None: the total before is not known, so neither is the turn's. Not `certain`: the CLI
    may have begun to count anew (one that was killed saves no total); a total that fell says so.
    """
    if total is None or before is None:
        return None
    if total < before:
        return total
    return total - before if certain else None


def ended(
    result: ResultMessage,
    usage: Usage,
    *,
    interrupted: bool,
    last_message_ref: str | None,
    program: str = "claude",
) -> TurnEnded:
    """Translate a result. `is_error` counts more than `subtype`, which may say success then.

    `program` is what a person would run to log in.
    """
    reason = result.terminal_reason or ""
    if reason.startswith("aborted") or (interrupted and result.subtype == "error_during_execution"):
        return TurnEnded(stop_reason="cancelled", usage=usage, last_message_ref=last_message_ref)
    if result.subtype == "error_max_turns" or reason == "max_turns":
        return TurnEnded(stop_reason="max_turn_requests", usage=usage, last_message_ref=last_message_ref)
    if result.is_error:
        error, hint = explain(result, program)
        return TurnEnded(
            stop_reason="failed", usage=usage, error=error, hint=hint, last_message_ref=last_message_ref
        )
    return TurnEnded(
        stop_reason=_stop_reason(result.stop_reason), usage=usage, last_message_ref=last_message_ref
    )


def taken(result: ResultMessage, owed: Sequence[str]) -> set[str]:
    """Say which of the messages that were sent this turn took in. The CLI also runs turns that nobody
    asked for (a background agent is done); theirs name another origin, or other messages.

    A result that names nobody has taken in all: better an end too early than none.
    """
    named = {*(result.user_message_uuids or ()), *filter(None, [result.user_message_uuid])}
    if named:
        return named.intersection(owed)
    asked_for = result.origin is None or result.origin.get("kind") in (None, "human")
    return set(owed) if asked_for else set()


def context_size(result: ResultMessage) -> int | None:
    """Find how much the largest model of the conversation can hold."""
    sizes = [
        size
        for used in (result.model_usage or {}).values()
        if isinstance(size := used.get("contextWindow"), int)
    ]
    return max(sizes, default=None)


def explain(result: ResultMessage, program: str = "claude") -> tuple[str, str]:
    """Say in a sentence what failed, and what to do."""
    if result.subtype == "error_max_budget_usd":
        return BUDGET_SPENT, BUDGET_HINT  # the number that it names is what was left when it started
    said = next((text for text in (result.errors or []) if text), "") or (result.result or "")
    error = sentence(said) or f"Claude Code failed ({result.subtype})."
    status = result.api_error_status
    if "/login" in said or "authentication" in said.lower() or status == 401:
        return error, login_hint(program)
    if status is not None and status in HINTS:
        return error, HINTS[status]
    if "selected model" in said or "model:" in said:
        return error, HINTS[404]
    if "onnection" in said:
        return error, "Look at the network (or ANTHROPIC_BASE_URL), then resume the session."
    return error, "Resume the session to try again; the conversation is kept."


def sentence(text: str) -> str:
    """Keep the first sentence of an error, at most 300 characters."""
    line = re.split(r"(?<=[.!?])\s", text.strip().split("\n", 1)[0].strip(), maxsplit=1)[0]
    line = line if len(line) <= 300 else line[:299] + "…"
    return line if not line or line[-1] in ".!?…" else line + "."


def _stop_reason(reason: str | None) -> StopReason:
    if reason == "max_tokens":
        return "max_tokens"
    return "refusal" if reason == "refusal" else "end_turn"


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
