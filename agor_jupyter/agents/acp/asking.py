"""The open permission requests of one conversation: asked by the agent, answered from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from agor_jupyter.agents.acp import content, permissions
from agor_jupyter.agents.acp.translate import Translator
from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, make_id


class Asking:
    """`ask` answers the agent's request; it waits as long as a person needs, without a deadline."""

    def __init__(self, worktree: str, tools: Collection[str], outbox: Outbox, translator: Translator) -> None:
        self._worktree = worktree
        self._tools = tools
        self._outbox = outbox
        self._translator = translator
        self._open: dict[RequestId, asyncio.Future[Decision]] = {}
        self._stopping = False

    def answer(self, request_id: RequestId, decision: Decision) -> None:
        """Hand over a decision. An unknown, answered or withdrawn request is ignored."""
        future = self._open.get(request_id)
        if future is not None and not future.done():
            future.set_result(decision)

    def begin(self) -> None:
        """A turn begins: its requests are asked again."""
        self._stopping = False

    def withdraw_all(self) -> None:
        """The turn is to stop: the agent hears `cancelled` to all that it asks, now and until the next.

        The protocol wants that of a client; some agents wait for ever without it.
        """
        self._stopping = True
        for future in self._open.values():
            if not future.done():
                future.cancel()

    async def ask(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask, and wait. Gives the answer in the protocol's words."""
        told = params.get("toolCall")
        said: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
        call = self._translator.whole(said)
        # What a request shows beside a diff is an explanation, not what the tool has given.
        diffs = [item for item in content.records(said.get("content")) if item.get("type") == "diff"]
        for update in self._translator.asked({**said, "content": diffs}):
            self._outbox.put(update)
        if self._stopping:
            return permissions.CANCELLED
        if permissions.house_tool(call, self._tools):
            allowed = permissions.option_to_allow(params.get("options"))
            return permissions.selected(allowed) if allowed else permissions.CANCELLED
        locations = await asyncio.to_thread(permissions.look, call, self._worktree)
        request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
        request = permissions.request_of(request_id, call, params.get("options"), locations, self._worktree)
        return await self._ask(request, str(call.get("toolCallId", "")))

    async def _ask(self, request: PermissionRequest, key: str) -> Mapping[str, Any]:
        if self._stopping:
            return permissions.CANCELLED
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._open[request.request_id] = future
        self._outbox.put(request)
        await asyncio.wait({future})
        del self._open[request.request_id]
        if future.cancelled():
            withdrawn = PermissionResolved(request_id=request.request_id, outcome="cancelled", by="agent")
            self._outbox.put(withdrawn)
            return permissions.CANCELLED
        decision = future.result()
        answer, allowed = permissions.answer_of(request, decision)
        if not allowed:
            for update in self._translator.rejected(key, decision.message):
                self._outbox.put(update)
        return answer
