"""What people are told of the provider's own tools: calls that it makes and ends by itself."""

from __future__ import annotations

import secrets
from typing import Any

from agor_jupyter.agents.clip import clip, clip_input
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench.model import Hosted
from agor_jupyter.domain.content import TextContent, ToolStatus
from agor_jupyter.domain.events import ToolCall, ToolCallUpdate
from agor_jupyter.domain.ids import ToolCallId

CUT_OFF = "The answer ended before this did."


class HostedCalls:
    """Those of one answer: each begun once; with `end` all have ended."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._ids: dict[str, ToolCallId] = {}
        self._open: set[ToolCallId] = set()

    def tell(self, call: Hosted) -> None:
        """Begin the call, or tell what is new of it."""
        given: dict[str, Any] = clip_input(dict(call.input))
        call_id = self._ids.get(call.id)
        if call_id is None:
            self._ids[call.id] = call_id = ToolCallId(f"call_{secrets.token_hex(8)}")
            self._open.add(call_id)
            self._outbox.put(
                ToolCall(
                    tool_call_id=call_id,
                    title=call.title,
                    kind=call.kind,
                    input=given,
                    status="in_progress",
                )
            )
        if call.result is not None:
            self._open.discard(call_id)
            update = ended(call_id, call.result, failed=call.failed)
            self._outbox.put(update.model_copy(update={"title": call.title, "input": given}))

    def end(self) -> None:
        """End what is still open: the answer was stopped, or cut off. Idempotent."""
        while self._open:
            self._outbox.put(ended(self._open.pop(), CUT_OFF, failed=True))


def ended(call_id: ToolCallId, text: str, *, failed: bool) -> ToolCallUpdate:
    """Make the update that ends a call with a text, clipped."""
    kept, gone = clip(text)
    status: ToolStatus = "failed" if failed else "completed"
    content = (TextContent(text=kept, truncated=gone),)
    return ToolCallUpdate(tool_call_id=call_id, status=status, content=content)
