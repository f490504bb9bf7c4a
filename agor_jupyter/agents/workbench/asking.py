"""The open permission requests of one conversation: asked by a turn, answered from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents import forms
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
        self._forms: set[RequestId] = set()
        self.running: ToolCallId | None = None  # the call that works now

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
        return await self._wait(request)

    async def fill(self, form: forms.Form) -> forms.Outcome:
        """Put the form of an MCP server before the person, again where an answer does not fit.

        It is a question of the call that runs; `withdraw_forms` ends it with that call.
        """
        problems: tuple[str, ...] = ()
        while True:
            request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
            self._forms.add(request_id)
            try:
                outcome = form.outcome(await self._wait(form.request(request_id, self.running, problems)))
            finally:
                self._forms.discard(request_id)
            if not outcome.problems:
                return outcome
            problems = outcome.problems

    def withdraw_forms(self) -> None:
        """The call has ended: its server is told that the person did not answer.

        By an answer, not by a cancellation: the SDK's own job waits for it, and is to go on.
        """
        for request_id in list(self._forms):
            withdrawn = PermissionResolved(request_id=request_id, outcome="cancelled", by="agent")
            self._outbox.put(withdrawn)
            self.answer(request_id, Decision(outcome="cancelled"))

    async def _wait(self, request: PermissionRequest) -> Decision:
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
