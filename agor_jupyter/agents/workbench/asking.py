"""The open permission requests of one conversation: asked by a turn, answered from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.clip import clip_input
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench.tool import Job, digest_of
from agor_jupyter.domain.content import PermissionOption
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, ToolCallId, make_id

OPTIONS = (
    PermissionOption(option_id="allow_once", name="Allow once", kind="allow_once"),
    PermissionOption(option_id="allow_always", name="Always for this session", kind="allow_always"),
    PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
)
NO_ANSWER = "The person did not answer. Do not assume an answer: say what you need to know and stop."
REJECTED = "The person rejected this. Do not try it in another way; ask what to do instead."


class Asking:
    """One request at a time, in practice: a turn does one call after the other."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._open: dict[RequestId, asyncio.Future[Decision]] = {}

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        """Hand over a decision. An unknown, answered or withdrawn request is ignored."""
        future = self._open.get(request_id)
        if future is not None and not future.done():
            future.set_result(decision)

    async def ask(self, call_id: ToolCallId, name: str, arguments: Mapping[str, Any], job: Job) -> Decision:
        """Ask, and wait as long as a person needs. Cancelled with its turn: it is then withdrawn."""
        request = PermissionRequest(
            request_id=RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES))),
            tool_call_id=call_id,
            title=job.title,
            kind=job.kind,
            input=clip_input(dict(arguments)),
            locations=job.locations,
            content=job.preview,
            options=() if job.questions else OPTIONS,
            questions=job.questions,
            digest=digest_of(name, arguments),
        )
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._open[request.request_id] = future
        self._outbox.put(request)
        try:
            return await future
        finally:
            del self._open[request.request_id]
            if not future.done() or future.cancelled():
                withdrawn = PermissionResolved(request_id=request.request_id, outcome="cancelled", by="agent")
                self._outbox.put(withdrawn)


def refusal_of(decision: Decision) -> str:
    """Say why a decision forbids the act; empty when it allows it. What is not clearly allowed is not."""
    option = next((item for item in OPTIONS if item.option_id == decision.option_id), None)
    if decision.outcome == "selected" and option is not None and option.kind.startswith("allow"):
        return ""
    return decision.message or REJECTED


def answers_of(decision: Decision) -> str:
    """Put a person's answers into words for the model; empty when there are none."""
    if decision.outcome != "selected" or not decision.answers:
        return ""
    return "\n".join(f"{question}: {answer}" for question, answer in decision.answers.items())
