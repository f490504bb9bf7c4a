"""What Codex, or an MCP server through it, asks a person; and the answers on their way back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.content import Question


def asks_a_secret(params: Mapping[str, Any]) -> bool:
    """Say whether an answer must not be written down; ours stand in the log for ever."""
    return any(item.get("isSecret") for item in _asked(params))


def is_tool_approval(params: Mapping[str, Any]) -> bool:
    """Say whether an elicitation is Codex's own: may this tool of an MCP server run?"""
    meta = params.get("_meta")
    kind = meta.get("codex_approval_kind") if isinstance(meta, Mapping) else None
    return kind == "mcp_tool_call" or (params.get("mode") == "form" and not _properties(params))


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
            )
            for item in _asked(params)
        )
    if method != "mcpServer/elicitation/request" or is_tool_approval(params):
        return ()
    return tuple(
        Question(
            question=_question(name, schema),
            header=str(params.get("serverName", "")),
            choices=_choices(schema),
        )
        for name, schema in _properties(params).items()
    )


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
    if not given:
        return {"action": "decline"}
    content = {
        name: _typed(given[_question(name, schema)], schema)
        for name, schema in _properties(params).items()
        if _question(name, schema) in given
    }
    return {"action": "accept", "content": content}


def _asked(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    asked = params.get("questions")
    return [item for item in asked if isinstance(item, Mapping)] if isinstance(asked, list) else []


def _properties(params: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    schema = params.get("requestedSchema")
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {str(name): item for name, item in found.items() if isinstance(item, Mapping)}


def _question(name: str, schema: Mapping[str, Any]) -> str:
    return str(schema.get("description") or schema.get("title") or name)


def _choices(schema: Mapping[str, Any]) -> tuple[str, ...]:
    if schema.get("type") == "boolean":
        return ("true", "false")
    found = schema.get("enum")
    return tuple(str(item) for item in found) if isinstance(found, list) else ()


def _typed(answer: str, schema: Mapping[str, Any]) -> object:
    """Give the type that was asked for; what does not fit stays a text, and the server says so."""
    try:
        match schema.get("type"):
            case "boolean":
                return answer.strip().lower() in ("true", "yes")
            case "integer":
                return int(answer)
            case "number":
                return float(answer)
    except ValueError:
        return answer
    return answer
