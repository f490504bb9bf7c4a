"""What a person's MCP server asks them while Claude Code calls it: a form is asked, a page is refused.

The SDK has no callback for it; Claude Code tells it to a hook (`Elicitation`) and sends on what that gives.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from claude_agent_sdk import ElicitationHookSpecificOutput, HookContext, HookMatcher
from claude_agent_sdk.types import HookInput, HookJSONOutput

from agor_jupyter.agents import forms
from agor_jupyter.agents.claude.asking import Asking
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, make_id

EVENT = "Elicitation"
WAIT_SECONDS = 2_000_000.0
"""Three weeks, and about the longest that a timer of the CLI can be set to; by itself it waits 10 minutes."""


class Eliciting:
    """`hooks` is for the SDK's options. Asked at once, answered from outside, without a deadline of ours."""

    def __init__(self, asking: Asking, outbox: Outbox, translator: Translator) -> None:
        self._asking = asking
        self._outbox = outbox
        self._translator = translator

    @property
    def hooks(self) -> dict[Any, list[HookMatcher]]:
        return {EVENT: [HookMatcher(hooks=[self._hook], timeout=WAIT_SECONDS)]}

    async def _hook(self, asked: HookInput, _: str | None, __: HookContext) -> HookJSONOutput:
        given: Mapping[str, Any] = {**asked}
        return _output(await self.answer(given))

    async def answer(self, asked: Mapping[str, Any]) -> forms.Outcome:
        """Ask the person, again where an answer does not fit. Cancelled when the CLI no longer waits."""
        server = str(asked.get("mcp_server_name", ""))
        if asked.get("mode") == "url":
            self._outbox.put(forms.page_notice(server, str(asked.get("url") or "")))
            return forms.Outcome("decline")
        form = forms.form_of(server, str(asked.get("message") or ""), asked.get("requested_schema"))
        if form.too_big:
            self._outbox.put(forms.size_notice(server))
            return forms.Outcome("decline")
        problems: tuple[str, ...] = ()
        while True:
            request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
            request = form.request(request_id, self._translator.call_of(server), problems)
            outcome = form.outcome(await self._asking.decide(request))
            if not outcome.problems:
                return outcome
            problems = outcome.problems


def _output(outcome: forms.Outcome) -> HookJSONOutput:
    """Write an outcome as a hook gives it.

    Of a callback the CLI (2.1.332) reads nothing but `systemMessage`, and that as it reads the output of a
    hook that is a command: so the whole stands in there too.
    """
    specific: ElicitationHookSpecificOutput = {"hookEventName": "Elicitation", "action": outcome.action}
    if outcome.action == "accept":
        specific["content"] = outcome.content
    return {
        "hookSpecificOutput": specific,
        "systemMessage": json.dumps({"hookSpecificOutput": specific}),
    }
