"""What an agent says, brought within what its log, the socket and every later reader can hold.

Adapters clip already. This is for those that do not, and for third parties': a line that was written and
that nobody can read again would stop its session for good.
"""

from __future__ import annotations

from collections.abc import Iterator

from agor_jupyter.agents.clip import clip_input, is_deep
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    AgentUpdate,
    PermissionRequest,
    ToolCall,
    ToolCallUpdate,
)

TEXT_CHARACTERS = 1 << 20
"""A longer text comes in pieces: the socket takes lines of 64 MiB, and browsers hold what is sent at once."""


def bounded(update: AgentUpdate) -> Iterator[AgentUpdate]:
    """Yield an update as it is, its input cut where it is nested too deep, or its long text in pieces."""
    match update:
        case AgentMessageChunk(text=text) | AgentThoughtChunk(text=text) if len(text) > TEXT_CHARACTERS:
            for start in range(0, len(text), TEXT_CHARACTERS):
                yield update.model_copy(update={"text": text[start : start + TEXT_CHARACTERS]})
        case ToolCall(input=given) | ToolCallUpdate(input=given) | PermissionRequest(input=given) if is_deep(
            given
        ):
            yield update.model_copy(update={"input": clip_input(given)})
        case _:
            yield update
