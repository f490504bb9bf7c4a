"""Codex's code reviews: begun in our conversation, worked off by Codex in a thread of their own.

Codex passes the items of that thread on as ours, but not its count of tokens. It tells that when the
thread is taken up again, so this is done when the review is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from agor_jupyter.agents.codex import turns
from agor_jupyter.agents.codex.wire import Refused, Wire
from agor_jupyter.domain.content import Usage, add_usage
from agor_jupyter.domain.errors import AgentUnavailable, TimedOut

CALL_SECONDS = 15.0
COUNT_SECONDS = 10.0
"""For each call of a count: the turn's end waits for it."""
TOLD_SECONDS, TOLD_AT_ALL_SECONDS = 5.0, 0.5
"""The count follows the thread's answer. A review that failed or was stopped may have none."""


class Reviews:
    """The reviews of one conversation, one at a time. `params` are those that it was opened with."""

    def __init__(self, thread: str, params: Mapping[str, Any]) -> None:
        self._thread = thread
        self._params = params
        self._before: set[str] = set()  # reviews that were there before this one
        self._told: dict[str, Usage] = {}
        self._news = asyncio.Event()

    async def begin(
        self, wire: Wire, target: Mapping[str, str], settings: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Start a review; gives its turn. `settings` are a turn's: a review takes none by itself."""
        given = {"threadId": self._thread, **settings}
        await wire.call("thread/settings/update", given, seconds=CALL_SECONDS)
        self._before = await self._threads(wire, CALL_SECONDS)
        asked = {"threadId": self._thread, "target": target, "delivery": "inline"}
        answer = await wire.call("review/start", asked, seconds=CALL_SECONDS)
        return answer.get("turn") or {}

    def hear(self, method: str, params: Mapping[str, Any]) -> None:
        """Take what is said in another thread than ours."""
        if method == "thread/tokenUsage/updated":
            told = params.get("tokenUsage") or {}
            self._told[str(params.get("threadId"))] = turns.usage_of(told.get("total"))
            self._news.set()

    async def usage(self, wire: Wire, *, completed: bool) -> Usage | None:
        """Count the tokens of the review that is over; None when Codex does not tell them."""
        try:
            fresh = await self._threads(wire, COUNT_SECONDS) - self._before
            ours = [review for review in fresh if await self._is_ours(wire, review)]
            for review in ours:
                await self._ask(wire, review, TOLD_SECONDS if completed else TOLD_AT_ALL_SECONDS)
        except (Refused, TimedOut, AgentUnavailable):
            return None
        total = Usage()
        for review in ours:
            total = add_usage(total, self._told.pop(review, Usage()))
        return total if ours else None

    async def _ask(self, wire: Wire, review: str, seconds: float) -> None:
        """Take a thread up and let it go: its tokens are told in between."""
        self._news.clear()
        asked = {**quiet(self._params), "threadId": review, "excludeTurns": True}
        await wire.call("thread/resume", asked, seconds=COUNT_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while review not in self._told:
                    await self._news.wait()
                    self._news.clear()
        await wire.call("thread/unsubscribe", {"threadId": review}, seconds=COUNT_SECONDS)

    async def _threads(self, wire: Wire, seconds: float) -> set[str]:
        """List the latest reviews of this worktree: without their parents, which stand in files."""
        asked = {"sourceKinds": ["subAgentReview"], "cwd": self._params["cwd"], "useStateDbOnly": True}
        answer = await wire.call("thread/list", asked, seconds=seconds)
        return {str(item.get("id")) for item in answer.get("data") or () if isinstance(item, Mapping)}

    async def _is_ours(self, wire: Wire, review: str) -> bool:
        """Say whether a review is of our conversation: another one may be at work in this worktree."""
        answer = await wire.call("thread/read", {"threadId": review}, seconds=COUNT_SECONDS)
        return (answer.get("thread") or {}).get("parentThreadId") == self._thread


def quiet(params: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a thread in which nothing is to be done: no MCP server is started for it."""
    config = params["config"]
    servers = {name: {**server, "enabled": False} for name, server in config["mcp_servers"].items()}
    return {**params, "sandbox": "read-only", "config": {**config, "mcp_servers": servers}}
