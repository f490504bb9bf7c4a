"""What ACP tells of a tool call, as content of the house: kinds, files, diffs, terminals, text. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from agor_jupyter.agents.clip import clip, clip_input
from agor_jupyter.domain.content import (
    DiffContent,
    TerminalContent,
    TextContent,
    ToolContent,
    ToolKind,
    ToolLocation,
    ToolStatus,
)

KINDS: frozenset[str] = frozenset(get_args(ToolKind))
STATUSES: frozenset[str] = frozenset(get_args(ToolStatus))
PATH_KEYS = ("path", "file_path", "filePath", "abs_path", "absolute_path", "notebook_path", "dir_path")
"""Where tools' arguments name the file they touch."""

EXIT_KEYS = ("exit_code", "exitCode", "exit_status", "exit")

TITLE_LENGTH = 200
_FENCE = re.compile(r"\A```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)


def kind_of(value: object) -> ToolKind:
    return value if isinstance(value, str) and value in KINDS else "other"  # type: ignore[return-value]  # checked


def status_of(value: object) -> ToolStatus | None:
    return value if isinstance(value, str) and value in STATUSES else None  # type: ignore[return-value]  # checked


def title_of(value: object) -> str:
    """Keep one line of a title; agents quote names and commands in it."""
    line = _unquoted(str(value or "")).split("\n", 1)[0]
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def tool_name_of(call: Mapping[str, Any]) -> str:
    """Give the tool's own name where the agent tells it beside the call (an extension that several have)."""
    meta = call.get("_meta")
    told = (meta.get(key) for key in ("toolName", "tool_name")) if isinstance(meta, Mapping) else ()
    return next((name for name in told if isinstance(name, str)), "")


def asked_title_of(call: Mapping[str, Any]) -> str:
    """Give the title of a request. Some agents put a tool server's arguments there, and no name."""
    title, name = title_of(call.get("title")), tool_name_of(call)
    if not title.startswith("{") or not name:
        return title
    return title_of(f"{name} {title}")


def input_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """Take a tool's own arguments, clipped; what is no object gets a name.

    A command is always there, whole: where an agent tells it only in the title, from there. A title is
    cut to one line, and nobody may be shown the first line of what they allow.
    """
    value = call.get("rawInput")
    arguments = dict(value) if isinstance(value, Mapping) else {} if value is None else {"value": value}
    if call.get("kind") == "execute" and "command" not in arguments and call.get("title"):
        arguments["command"] = _unquoted(str(call["title"]))
    clipped = clip_input(arguments)
    return clipped if isinstance(clipped, dict) else {}


def locations_of(call: Mapping[str, Any], worktree: str) -> tuple[ToolLocation, ...]:
    """List the files that a call names: its locations, else its diffs', else its arguments'; absolute."""
    told = [(item.get("path"), item.get("line")) for item in records(call.get("locations"))]
    if not told:
        told = [
            (item.get("path"), None) for item in records(call.get("content")) if item.get("type") == "diff"
        ]
    raw = call.get("rawInput")
    if not told and isinstance(raw, Mapping):
        told = [(raw.get(key), None) for key in PATH_KEYS]
    found: dict[str, ToolLocation] = {}
    for path, line in told:
        if isinstance(path, str) and path:
            place = posixpath.join(worktree, path.removeprefix("file://"))
            number = line if isinstance(line, int) and line > 0 else None
            found.setdefault(place, ToolLocation(path=place, line=number))
    return tuple(found.values())


def contents_of(call: Mapping[str, Any], kind: ToolKind, worktree: str) -> tuple[ToolContent, ...] | None:
    """Translate a call's content. None: this update has none. Terminals are told apart from it."""
    if "content" not in call:
        return None
    items = records(call["content"])
    diffs = [_diff(item, worktree) for item in items if item.get("type") == "diff"]
    text = "\n".join(filter(None, (_text(item) for item in items)))
    if not text:
        return tuple(diffs)
    kept, gone = clip(_unfenced(text))
    if kind == "execute":
        return (*diffs, TerminalContent(text=kept, exit_code=exit_code_of(call), truncated=gone))
    return (*diffs, TextContent(text=kept, truncated=gone))


def exit_code_of(call: Mapping[str, Any]) -> int | None:
    """Find a command's exit code in the tool's own record of its result, or what that says of it."""
    raw = call.get("rawOutput")
    places = [raw, raw.get("metadata"), *records(raw.get("contents"))] if isinstance(raw, Mapping) else []
    for told in records(places):
        for name in EXIT_KEYS:
            if isinstance(told.get(name), int) and not isinstance(told[name], bool):
                return int(told[name])
    return None


def records(value: object) -> list[Mapping[str, Any]]:
    """Take the objects of a list; anything else is left out."""
    items: Iterable[object] = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [item for item in items if isinstance(item, Mapping)]


def block_text(block: object) -> str:
    """Give the words of a content block; what is no text is named."""
    if not isinstance(block, Mapping):
        return ""
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "resource":
            resource = block.get("resource")
            return str(resource.get("text", "")) if isinstance(resource, Mapping) else ""
        case "resource_link":
            return str(block.get("title") or block.get("name") or block.get("uri") or "")
        case other:
            return f"[{other} {block.get('mimeType', '')}]".replace(" ]", "]")


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "`" else text


def _text(item: Mapping[str, Any]) -> str:
    return block_text(item.get("content")) if item.get("type") == "content" else ""


def _diff(item: Mapping[str, Any], worktree: str) -> DiffContent:
    old, new = item.get("oldText"), item.get("newText")
    meta = item.get("_meta")
    kind = meta.get("kind") if isinstance(meta, Mapping) else None
    return DiffContent(
        path=posixpath.join(worktree, str(item.get("path", ""))),
        old_text=clip(old)[0] if isinstance(old, str) and kind != "add" else None,
        new_text=clip(new)[0] if isinstance(new, str) and kind != "delete" else None,
    )


def _unfenced(text: str) -> str:
    """Take off the fence in which some agents wrap a tool's output."""
    found = _FENCE.match(text)
    return found[1] if found else text
