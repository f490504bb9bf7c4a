"""A session's calls of the house's tools: each is done once, however often its runner asks.

A runner asks again after each reconnect for what has no answer yet. What is under way is waited
for, what is done is answered from memory, and the call's id goes to the tool as its idempotency key.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict

from agor_jupyter.agents.base import ToolAnswer
from agor_jupyter.domain.errors import RunnerLost, TimedOut
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.engine.jobs import Jobs
from agor_jupyter.engine.parts import Tools
from agor_jupyter.executors.base import RunnerLink
from agor_jupyter.runner.protocol import ToolAsked

KEPT = 64


class ToolCalls:
    """Answers the calls of one session, beside the stream of its words."""

    def __init__(self, session_id: SessionId, tools: Tools, jobs: Jobs) -> None:
        self._session_id = session_id
        self._tools = tools
        self._jobs = jobs
        self._calls: OrderedDict[str, asyncio.Future[ToolAnswer]] = OrderedDict()

    def answer(self, link: RunnerLink, asked: ToolAsked) -> None:
        """Answer on `link` once the tool has; returns at once."""
        answer = self._calls.get(asked.call)
        if answer is None:
            answer = self._calls[asked.call] = asyncio.get_running_loop().create_future()
            self._jobs.start(self._do(asked, answer), f"tool {asked.tool}")
            self._forget_old()
        self._jobs.start(self._hand_over(link, asked.call, answer), f"answer of {asked.tool}")

    async def _do(self, asked: ToolAsked, answer: asyncio.Future[ToolAnswer]) -> None:
        try:
            answer.set_result(await self._tools(self._session_id, asked.call, asked.tool, asked.input))
        finally:
            if not answer.done():  # a fault of ours: the agent must not wait for ever
                answer.set_result(ToolAnswer(text="Agor's server could not do that.", failed=True))

    async def _hand_over(self, link: RunnerLink, call: str, answer: asyncio.Future[ToolAnswer]) -> None:
        found = await asyncio.shield(answer)
        with contextlib.suppress(RunnerLost, TimedOut):  # asked again when it is attached again
            await link.answer_tool(call, found)

    def _forget_old(self) -> None:
        done = [call for call, answer in self._calls.items() if answer.done()]
        for call in done[: max(0, len(self._calls) - KEPT)]:
            del self._calls[call]
