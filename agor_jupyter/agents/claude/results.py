"""What a tool of Claude Code gave back, as content of the house: diffs, terminals, text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agor_jupyter.agents.clip import LIMIT, clip
from agor_jupyter.domain.content import DiffContent, TerminalContent, TextContent, ToolContent

_EXIT_CODE = re.compile(r"^(?:Error: )?Exit code (\d+)\n?")
_NO_OUTPUT = "(Bash completed with no output)"
_ERROR_TAGS = re.compile(r"</?tool_use_error>")


def content_of(name: str, content: object, structured: object, *, failed: bool) -> tuple[ToolContent, ...]:
    """Translate one result: `content` is what the model saw, `structured` the CLI's own record."""
    record = structured if isinstance(structured, Mapping) else {}
    if name in ("Write", "Edit", "MultiEdit") and not failed and "filePath" in record:
        return (_file_diff(record),)
    if name == "NotebookEdit" and not failed and "updated_file" in record:
        return (
            _diff(str(record.get("notebook_path", "")), record.get("original_file"), record["updated_file"]),
        )
    if record.get("status") == "async_launched":
        return (TextContent(text="Works on in the background; what it finds comes later."),)
    if name == "Bash":
        return _terminal(record, text_of(content), failed=failed)
    text = _ERROR_TAGS.sub("", text_of(content))
    if not text:
        return ()
    kept, gone = clip(text)
    return (TextContent(text=kept, truncated=gone),)


def diff_of_request(
    name: str, tool_input: Mapping[str, Any], path: str, before: str | None
) -> ToolContent | None:
    """Show what an edit would do, before it is done. `before` is the file now, None if there is none."""
    if name == "Write" and isinstance(tool_input.get("content"), str):
        return _diff(path, before, tool_input["content"])
    if name == "Edit" and isinstance(tool_input.get("new_string"), str):
        return _diff(path, str(tool_input.get("old_string", "")), tool_input["new_string"])
    if name == "NotebookEdit" and isinstance(tool_input.get("new_source"), str):
        return _diff(path, None, tool_input["new_source"])
    return None


def text_of(content: object) -> str:
    """Join the text blocks of a result; what is no text is named."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    return "\n".join(_block_text(block) for block in content if isinstance(block, Mapping))


def _block_text(block: Mapping[str, Any]) -> str:
    if block.get("type") == "text":
        return str(block.get("text", ""))
    source = block.get("source")
    media = source.get("media_type", "") if isinstance(source, Mapping) else ""
    return f"[{block.get('type', 'content')} {media}]".replace(" ]", "]")


def _terminal(record: Mapping[str, Any], seen: str, *, failed: bool) -> tuple[ToolContent, ...]:
    """Newer CLIs give both streams in order as `stdout`; where they are apart, stdout comes first."""
    code: int | None = None
    if record and not failed:
        text = _joined(str(record.get("stdout", "")), str(record.get("stderr", "")))
        plain = not record.get("interrupted") and not record.get("backgroundTaskId")
        code = 0 if plain and not record.get("returnCodeInterpretation") else None
        if record.get("isImage"):
            text = "[image]"
        text = text or (seen if record.get("backgroundTaskId") else "")
    else:
        found = _EXIT_CODE.match(seen)
        code = int(found.group(1)) if found else None
        text = _ERROR_TAGS.sub("", _EXIT_CODE.sub("", seen, count=1))
        text = "" if text == _NO_OUTPUT else text
    kept, gone = clip(text)
    return (TerminalContent(text=kept, exit_code=code, truncated=gone),)


def _joined(stdout: str, stderr: str) -> str:
    if stdout and stderr and not stdout.endswith("\n"):
        return f"{stdout}\n{stderr}"
    return stdout + stderr


def _file_diff(record: Mapping[str, Any]) -> DiffContent:
    path = str(record["filePath"])
    before, after = record.get("originalFile"), record.get("content")
    hunks = record.get("structuredPatch") or []
    if record.get("type") == "create":
        return _diff(path, None, after)
    small = isinstance(before, str) and len(before) <= LIMIT
    if small and isinstance(after, str):
        return _diff(path, before, after)
    if small and hunks:
        patched = _patched(str(before), hunks)
        if patched is not None:
            return _diff(path, before, patched)
    return _diff(path, _side(hunks, "-"), _side(hunks, "+"))


def _patched(before: str, hunks: Sequence[Mapping[str, Any]]) -> str | None:
    """Apply the hunks. None when they do not fit (then only their own lines are shown)."""
    lines = before.split("\n")
    for hunk in reversed(hunks):
        start = int(hunk["oldStart"]) - 1
        old = [line[1:] for line in hunk["lines"] if line[:1] in (" ", "-")]
        new = [line[1:] for line in hunk["lines"] if line[:1] in (" ", "+")]
        if start < 0 or lines[start : start + len(old)] != old:
            return None
        lines[start : start + len(old)] = new
    return "\n".join(lines)


def _side(hunks: Sequence[Mapping[str, Any]], sign: str) -> str:
    """Give one side of a patch: context and the lines of `sign`, hunks parted by a mark."""
    parts = ["\n".join(line[1:] for line in hunk["lines"] if line[:1] in (" ", sign)) for hunk in hunks]
    return "\n⋮\n".join(parts)


def _diff(path: str, before: object, after: object) -> DiffContent:
    return DiffContent(
        path=path,
        old_text=clip(before)[0] if isinstance(before, str) else None,
        new_text=clip(after)[0] if isinstance(after, str) else None,
    )
