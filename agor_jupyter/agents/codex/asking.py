"""The open requests of one conversation: what Codex asks of us, answered from outside or by a tool."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agor_jupyter.agents import forms
from agor_jupyter.agents.base import Decision, ToolAnswer, ToolCaller
from agor_jupyter.agents.codex import permissions, questions, tools
from agor_jupyter.agents.codex.translate import Translator
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.events import Notice, PermissionRequest, PermissionResolved
from agor_jupyter.domain.ids import ENTROPY_BYTES, RequestId, make_id

Reply = Callable[[object, Mapping[str, Any]], Awaitable[None]]
TOOL = "item/tool/call"
SECRET = "Codex asks for a secret. It is not asked here: every answer is kept in the log."  # noqa: S105  (a notice)


@dataclass(frozen=True)
class _Open:
    """A request that waits. `number` is how Codex knows it."""

    number: object
    method: str
    params: Mapping[str, Any]
    request: PermissionRequest


class Asking:
    """Waits as long as a person needs, without a deadline. `reply` answers Codex."""

    def __init__(
        self,
        worktree: str,
        outbox: Outbox,
        translator: Translator,
        call_tool: ToolCaller | None,
        reply: Reply,
    ) -> None:
        self._worktree = worktree
        self._outbox = outbox
        self._translator = translator
        self._call_tool = call_tool
        self._reply = reply
        self._open: dict[RequestId, _Open] = {}
        self._tools: set[asyncio.Task[None]] = set()

    def knows(self, method: str) -> bool:
        return method == TOOL or method in permissions.METHODS

    async def take(self, number: object, method: str, params: Mapping[str, Any]) -> None:
        """Take a request of Codex: call the house's tool, or ask."""
        if method == TOOL:
            job = asyncio.create_task(self._use_tool(number, params), name="codex-tool")
            self._tools.add(job)
            job.add_done_callback(self._tools.discard)
        elif method == permissions.USER_INPUT and questions.asks_a_secret(params):
            self._outbox.put(Notice(level="warning", text=SECRET, hint="Give it by other means."))
            await self._reply(number, permissions.withdrawn_response(method))
        elif method == permissions.ELICITATION and not questions.can_be_asked(params):
            server, url = str(params.get("serverName")), str(params.get("url") or "")
            self._outbox.put(forms.page_notice(server, url))
            await self._reply(number, permissions.withdrawn_response(method))
        elif method == permissions.ELICITATION and questions.form_of(params).too_big:
            self._outbox.put(forms.size_notice(str(params.get("serverName"))))
            await self._reply(number, permissions.withdrawn_response(method))
        else:
            await self._ask(number, method, params)

    async def _ask(
        self, number: object, method: str, params: Mapping[str, Any], problems: Sequence[str] = ()
    ) -> None:
        item = self._translator.item(str(params.get("itemId")))
        if method == permissions.ELICITATION:
            item = self._translator.call_of(str(params.get("serverName")))
        paths = tools.paths_of(item) if item is not None and method == permissions.CHANGE else []
        if params.get("grantRoot"):
            paths.append(str(params["grantRoot"]))
        seen = await asyncio.to_thread(permissions.look, paths, self._worktree)
        request_id = RequestId(make_id("req", secrets.token_bytes(ENTROPY_BYTES)))
        request = permissions.request_of(request_id, method, params, item, seen, self._worktree, problems)
        self._open[request_id] = _Open(number, method, params, request)
        self._outbox.put(request)

    async def answer(self, request_id: RequestId, decision: Decision) -> str:
        """Hand over a decision. Gives the words that Codex must be told besides, if there are any.

        An unknown, answered or withdrawn request is ignored.
        """
        found = self._open.pop(request_id, None)
        if found is None:
            return ""
        if found.method == permissions.ELICITATION and found.request.questions:
            problems = questions.form_of(found.params).outcome(decision).problems
            if problems:  # Codex still waits: what does not fit is asked again, and the server not told
                await self._ask(found.number, found.method, found.params, problems)
                return ""
        words = ""
        if permissions.is_rejection(found.request, decision):
            words = decision.message
            if found.request.tool_call_id is not None:
                self._translator.note_rejection(found.request.tool_call_id, words)
        response = permissions.response_of(found.method, found.params, found.request, decision)
        await self._reply(found.number, response)
        return words

    def resolved(self, number: object) -> None:
        """Codex says that a request is settled: one that we did not answer was withdrawn."""
        for request_id, found in list(self._open.items()):
            if found.number == number:
                self._withdraw(request_id)

    def withdraw_all(self) -> None:
        """The turn, or the conversation, ends: no request is waited for any more."""
        for request_id in list(self._open):
            self._withdraw(request_id)
        for job in self._tools:
            job.cancel()

    def _withdraw(self, request_id: RequestId) -> None:
        del self._open[request_id]
        self._outbox.put(PermissionResolved(request_id=request_id, outcome="cancelled", by="agent"))

    async def _use_tool(self, number: object, params: Mapping[str, Any]) -> None:
        arguments = params.get("arguments")
        given = arguments if isinstance(arguments, Mapping) else {}
        if self._call_tool is None:
            answer = ToolAnswer(text="This tool is not there any more.", failed=True)
        else:
            answer = await self._call_tool(str(params.get("tool", "")), given)
        content = [{"type": "inputText", "text": answer.text}]
        await self._reply(number, {"contentItems": content, "success": not answer.failed})
