"""What Claude Code's tools are to the house: a kind, a title, the files they touch. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from agor_jupyter.domain.content import ToolKind, ToolLocation

KINDS: Mapping[str, ToolKind] = {
    "Read": "read",
    "Glob": "search",
    "Grep": "search",
    "LS": "search",
    "Write": "edit",
    "Edit": "edit",
    "MultiEdit": "edit",
    "NotebookEdit": "edit",
    "Bash": "execute",
    "Monitor": "execute",
    "KillShell": "execute",
    "TaskStop": "execute",
    "BashOutput": "read",
    "WebFetch": "fetch",
    "WebSearch": "fetch",
    "Task": "think",
    "Agent": "think",
    "TodoWrite": "think",
    "TaskCreate": "think",
    "TaskUpdate": "think",
    "TaskGet": "think",
    "TaskList": "think",
    "ToolSearch": "think",
    "EnterPlanMode": "switch_mode",
    "ExitPlanMode": "switch_mode",
}
HOUSE = "agor"
"""The name of the MCP server that has the house's own tools."""

PLAN_TOOLS = frozenset({"TodoWrite", "TaskCreate", "TaskUpdate", "TaskGet", "TaskList"})
"""Their whole meaning is the plan, which is drawn on its own."""

_SUBJECTS = ("file_path", "notebook_path", "path", "url", "query", "pattern", "skill", "description")


def kind_of(name: str) -> ToolKind:
    return KINDS.get(name, "other")


def title_of(name: str, tool_input: Mapping[str, Any], worktree: str) -> str:
    """Say in one line what a call does: the verb and its object."""
    if name == "Bash":
        return _line(str(tool_input.get("command", ""))) or name
    if name in ("Task", "Agent"):
        about = tool_input.get("description")
        return _line(f"Agent: {about}") if about else "Agent"
    if name == "ExitPlanMode":
        return "Leave plan mode and start"
    if name == "EnterPlanMode":
        return "Make a plan first"
    if name == "AskUserQuestion":
        return "Ask a question"
    if name.startswith("mcp__"):
        return _line(_mcp_title(name))
    for key in _SUBJECTS:
        subject = tool_input.get(key)
        if isinstance(subject, str) and subject:
            return _line(f"{name} {relative_to(subject, worktree)}")
    return name


def locations_of(name: str, tool_input: Mapping[str, Any], worktree: str) -> tuple[ToolLocation, ...]:
    """List the files that a call names, absolute; links are not followed here (no I/O)."""
    for key in ("file_path", "notebook_path", "path"):
        path = tool_input.get(key)
        if isinstance(path, str) and path:
            offset = tool_input.get("offset")
            line = offset if name == "Read" and isinstance(offset, int) and offset > 0 else None
            return (ToolLocation(path=posixpath.join(worktree, path), line=line),)
    return ()


def relative_to(path: str, worktree: str) -> str:
    """Shorten a path inside the worktree."""
    return path.removeprefix(worktree.rstrip("/") + "/")


def _mcp_title(name: str) -> str:
    """Make `mcp__server__tool` readable. The house's tools all begin with its name: once is enough."""
    server, _, called = name.removeprefix("mcp__").partition("__")
    return f"{server} · {called.removeprefix(f'{HOUSE}_') if server == HOUSE else called}"


def _line(text: str) -> str:
    first = text.strip().split("\n", 1)[0]
    return first if len(first) <= 200 else first[:199] + "…"
