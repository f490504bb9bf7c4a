"""What a person's MCP server asks them while one of its tools works: a form is asked, a page is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agor_jupyter.agents import forms
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench.asking import Asking

if TYPE_CHECKING:
    from mcp.client import ClientRequestContext
    from mcp.types import ElicitRequestParams, ElicitResult


class Eliciting:
    """The questions of one server. `answer` is the `mcp` SDK's callback."""

    def __init__(self, server: str, asking: Asking, outbox: Outbox) -> None:
        self._server = server
        self._asking = asking
        self._outbox = outbox
        self._limit: asyncio.Timeout | None = None
        self._seconds = 0.0

    @asynccontextmanager
    async def within(self, limit: asyncio.Timeout, seconds: float) -> AsyncIterator[None]:
        """Let `limit`, of a call, rest while a person is asked; afterwards it has `seconds` again."""
        self._limit, self._seconds = limit, seconds
        try:
            yield
        finally:
            self._limit = None

    async def answer(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """Ask the person. What comes while no call works is asked too, and belongs to none."""
        from mcp.types import ElicitRequestFormParams, ElicitResult

        if not isinstance(params, ElicitRequestFormParams):
            self._outbox.put(forms.page_notice(self._server, params.url))
            return ElicitResult(action="decline")
        form = forms.form_of(self._server, params.message, params.requested_schema)
        if form.too_big:
            self._outbox.put(forms.size_notice(self._server))
            return ElicitResult(action="decline")
        self._rest(None)
        try:
            outcome = await self._asking.fill(form)
        finally:
            self._rest(self._seconds)
        accepted = outcome.action == "accept"
        return ElicitResult(action=outcome.action, content=outcome.content if accepted else None)

    def _rest(self, seconds: float | None) -> None:
        limit = self._limit
        if limit is not None and not limit.expired():
            loop = asyncio.get_running_loop()
            limit.reschedule(None if seconds is None else loop.time() + seconds)
