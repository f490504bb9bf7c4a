"""What Codex's items are to the house: a kind, a title, the files they touch. Pure."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from agor_jupyter.agents.clip import clip_input
from agor_jupyter.domain.content import ToolKind, ToolLocation

Item = Mapping[str, Any]
SHELLS = frozenset({"sh", "bash", "zsh", "dash"})

CALLS: Mapping[str, ToolKind] = {
    "commandExecution": "execute",
    "fileChange": "edit",
    "mcpToolCall": "other",
    "dynamicToolCall": "other",
    "webSearch": "fetch",
    "imageView": "read",
    "imageGeneration": "other",
}
"""The types of items that are tool calls. What stands in none of our tables is not shown."""


def kind_of(item: Item) -> ToolKind:
    """A change that deletes or moves a file is no plain edit: `accept_edits` must ask about it."""
    kinds = {str((change.get("kind") or {}).get("type")) for change in changes_of(item)}
    if "delete" in kinds:
        return "delete"
    if any((change.get("kind") or {}).get("move_path") for change in changes_of(item)):
        return "move"
    return CALLS.get(str(item.get("type")), "other")


def title_of(item: Item, worktree: str) -> str:
    """Say in one line what a call does."""
    match item.get("type"):
        case "commandExecution":
            return line(script_of(item.get("command"))) or "Run a command"
        case "fileChange":
            names = [relative_to(path, worktree) for path in paths_of(item)]
            return line(f"{_verb(item)} {', '.join(names)}") if names else "Edit files"
        case "mcpToolCall":
            return line(f"{item.get('server', '')} {item.get('tool', '')}")
        case "dynamicToolCall":
            return line(str(item.get("tool", "")))
        case "webSearch":
            return line(f"Search the web: {item.get('query', '')}")
        case "imageView":
            return line(f"Look at {relative_to(str(item.get('path', '')), worktree)}")
        case _:
            return "Make an image"


def input_of(item: Item) -> dict[str, Any]:
    """Give the call's own arguments, clipped."""
    match item.get("type"):
        case "commandExecution":
            found: dict[str, Any] = {"command": script_of(item.get("command")), "cwd": item.get("cwd")}
        case "fileChange":
            found = {"changes": [dict(change) for change in changes_of(item)]}
        case "mcpToolCall" | "dynamicToolCall":
            given = item.get("arguments")
            found = dict(given) if isinstance(given, Mapping) else {"arguments": given}
        case "webSearch":
            found = {"query": item.get("query")}
        case _:
            found = {"path": item.get("path")} if item.get("path") else {}
    clipped = clip_input(found)
    return clipped if isinstance(clipped, dict) else {}


def locations_of(item: Item, worktree: str) -> tuple[ToolLocation, ...]:
    """List the files that a call names, absolute; links are not followed here (no I/O)."""
    return tuple(ToolLocation(path=posixpath.join(worktree, path)) for path in paths_of(item))


def paths_of(item: Item) -> list[str]:
    """List the paths of a file change (where a file is moved: both), or of an image that is viewed."""
    if item.get("type") == "imageView":
        return [str(item.get("path", ""))]
    found: dict[str, None] = {}
    for change in changes_of(item):
        found[str(change.get("path", ""))] = None
        moved = (change.get("kind") or {}).get("move_path")
        if moved:
            found[str(moved)] = None
    return [path for path in found if path]


def changes_of(item: Item) -> list[Mapping[str, Any]]:
    changes = item.get("changes")
    return [change for change in changes if isinstance(change, Mapping)] if isinstance(changes, list) else []


def script_of(command: object) -> str:
    """Undress a command: `/bin/bash -lc 'echo hi'` is `echo hi` to a person, and to a rule."""
    text = str(command or "")
    try:
        words: Sequence[str] = shlex.split(text)
    except ValueError:
        return text
    plain = len(words) == 3 and posixpath.basename(words[0]) in SHELLS and words[1] in ("-c", "-lc")
    return words[2] if plain else text


def relative_to(path: str, worktree: str) -> str:
    """Shorten a path inside the worktree."""
    return path.removeprefix(worktree.rstrip("/") + "/")


def line(text: str) -> str:
    """Keep the first line, at most 200 characters."""
    first = text.strip().split("\n", 1)[0]
    return first if len(first) <= 200 else first[:199] + "…"


def _verb(item: Item) -> str:
    match kind_of(item):
        case "delete":
            return "Delete"
        case "move":
            return "Move"
        case _:
            kinds = {str((change.get("kind") or {}).get("type")) for change in changes_of(item)}
            return "Write" if kinds == {"add"} else "Edit"
