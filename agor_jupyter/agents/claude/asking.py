"""The open permission requests of one conversation: asked in a callback, answered from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from claude_agent_sdk import PermissionResultAllow, ToolPermissionContext
from claude_agent_sdk.types import PermissionResult

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.claude import permissions
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.content import Mode
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, make_id

ORDER_SECONDS = 2.0
"""How long a request waits for its tool call to be told first: two channels carry them."""


class Asking:
    """`ask` is the SDK's callback; it waits as long as a person needs, without a deadline."""

    def __init__(
        self,
        worktree: str,
        outbox: Outbox,
        translator: Translator,
        *,
        unasked: frozenset[str] = frozenset(),
    ) -> None:
        self._worktree = worktree
        self._outbox = outbox
        self._translator = translator
        self._unasked = unasked
        self._open: dict[RequestId, asyncio.Future[Decision]] = {}
        self._heard = asyncio.Event()
        self.mode_after_plan: Mode = "ask"

    def hear(self) -> None:
        """A message was translated: calls that are awaited may be known now."""
        self._heard.set()

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        """Hand over a decision. An unknown, answered or withdrawn request is ignored."""
        future = self._open.get(request_id)
        if future is not None and not future.done():
            future.set_result(decision)

    async def ask(
        self, name: str, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        """Ask, and wait. Cancelled when the CLI withdraws the question (an interrupt)."""
        if name in self._unasked:
            # The house's own tools: the server checks each call against the rights of the session.
            return PermissionResultAllow()
        await self._wait_told(context.tool_use_id)
        shown: Mapping[str, Any] = tool_input
        if name == "ExitPlanMode" and "plan" not in tool_input and context.tool_use_id:
            shown = {**self._translator.input_of(context.tool_use_id), **tool_input}
        seen = await asyncio.to_thread(
            permissions.look, name, tool_input, context.blocked_path, self._worktree
        )
        request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
        request = permissions.request_of(request_id, name, shown, context, seen, self._worktree)
        return await self._ask(request, tool_input, context)

    async def _ask(
        self, request: PermissionRequest, tool_input: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResult:
        decision = await self.decide(request)
        self.mode_after_plan = permissions.MODE_AFTER_PLAN.get(decision.option_id or "", "ask")
        return permissions.result_of(request, decision, tool_input, context.suggestions)

    async def decide(self, request: PermissionRequest) -> Decision:
        """Put a request before the person, and wait. Cancelled when the CLI withdraws it (an interrupt)."""
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

    def withdraw_all(self) -> None:
        """The conversation ends: no request is waited for any more."""
        for future in list(self._open.values()):
            future.cancel()

    async def _wait_told(self, tool_call_id: str | None) -> None:
        if tool_call_id is None:
            return
        clock = asyncio.get_running_loop().time
        deadline = clock() + ORDER_SECONDS
        while not self._translator.knows(tool_call_id) and clock() < deadline:
            self._heard.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._heard.wait()
            except TimeoutError:
                return
