"""What Codex, or an MCP server through it, asks a person; and the answers on their way back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents import forms
from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import Question


def asks_a_secret(params: Mapping[str, Any]) -> bool:
    """Say whether an answer must not be written down; ours stand in the log for ever."""
    return any(item.get("isSecret") for item in _asked(params))


def is_tool_approval(params: Mapping[str, Any]) -> bool:
    """Say whether an elicitation is Codex's own: may this tool of an MCP server run?"""
    meta = params.get("_meta")
    kind = meta.get("codex_approval_kind") if isinstance(meta, Mapping) else None
    return kind == "mcp_tool_call" or (params.get("mode") == "form" and not form_of(params).fields)


def can_be_asked(params: Mapping[str, Any]) -> bool:
    """Say whether we can show an elicitation: a page to visit, or a check of identity, we cannot."""
    return params.get("mode") == "form"


def questions_of(method: str, params: Mapping[str, Any]) -> tuple[Question, ...]:
    """Read the questions of a request; one that asks to act has none."""
    if method == "item/tool/requestUserInput":
        return tuple(
            Question(
                question=str(item.get("question", "")),
                header=str(item.get("header", "")),
                choices=tuple(str(option.get("label", "")) for option in item.get("options") or ()),
                descriptions=tuple(
                    str(option.get("description") or "") for option in item.get("options") or ()
                ),
                own=bool(item.get("isOther")),
            )
            for item in _asked(params)
        )
    asks = method == "mcpServer/elicitation/request" and not is_tool_approval(params)
    return form_of(params).questions if asks else ()


def form_of(params: Mapping[str, Any]) -> forms.Form:
    """Read the form of an elicitation."""
    server, message = str(params.get("serverName", "")), str(params.get("message") or "")
    return forms.form_of(server, message, params.get("requestedSchema"))


def answers_of(method: str, params: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Write a person's answers as Codex reads them. No answer is none, not an empty one."""
    given = decision.answers if decision.outcome == "selected" else {}
    if method == "item/tool/requestUserInput":
        return {
            "answers": {
                str(item.get("id")): {"answers": [given[str(item.get("question"))]]}
                for item in _asked(params)
                if str(item.get("question")) in given
            }
        }
    outcome = form_of(params).outcome(decision)
    if outcome.action == "accept":
        return {"action": "accept", "content": outcome.content}
    return {"action": outcome.action}


def _asked(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    asked = params.get("questions")
    return [item for item in asked if isinstance(item, Mapping)] if isinstance(asked, list) else []
