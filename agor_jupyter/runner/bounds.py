"""What an agent says, brought within what its log, the socket and every later reader can hold.

Adapters clip already. This is for those that do not, and for third parties': a line that was written and
that nobody can read again would stop its session for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from agor_jupyter.agents.clip import clip, clip_input, fits
from agor_jupyter.domain.content import DiffContent, ToolContent
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
)

MOST = 1 << 20
"""A content that is longer is clipped as adapters should have done it."""

TEXT_CHARACTERS = 256 * 1024
"""A longer text comes in pieces: the socket takes lines of 64 MiB, and browsers hold what is sent at once."""


def bounded(update: AgentUpdate) -> Iterator[AgentUpdate]:
    """Yield an update as it is, its input cut where it is nested too deep, or its long text in pieces."""
    if isinstance(update, ToolCall | ToolCallUpdate | PermissionRequest) and not fits(update.input):
        update = update.model_copy(update={"input": clip_input(update.input)})
    if isinstance(update, ToolCallUpdate | PermissionRequest) and update.content:
        update = update.model_copy(update={"content": tuple(map(_clipped, update.content))})
    match update:
        case AgentMessageChunk(text=text) | AgentThoughtChunk(text=text) if len(text) > TEXT_CHARACTERS:
            for piece in _pieces(text):
                yield update.model_copy(update={"text": piece})
        case ToolCallUpdate(output_delta=str(text)) if len(text) > TEXT_CHARACTERS:
            first, *others = _pieces(text)
            yield update.model_copy(update={"output_delta": first})
            for piece in others:
                yield ToolCallUpdate(tool_call_id=update.tool_call_id, output_delta=piece)
        case _:
            yield update


def _clipped(content: ToolContent) -> ToolContent:
    if isinstance(content, DiffContent):
        sides = {name: getattr(content, name) for name in ("old_text", "new_text")}
        long = {name: clip(text)[0] for name, text in sides.items() if text is not None and len(text) > MOST}
        return content.model_copy(update=long) if long else content
    if len(content.text) <= MOST:
        return content
    kept, gone = clip(content.text)
    return content.model_copy(update={"text": kept, "truncated": content.truncated + gone})


def _pieces(text: str) -> list[str]:
    return [text[start : start + TEXT_CHARACTERS] for start in range(0, len(text), TEXT_CHARACTERS)]
