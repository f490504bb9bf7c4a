"""A call of a tool is answered once, told only while it waits, and there are never too many."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.agents.base import ToolAnswer, ToolSpec
from agor_jupyter.runner import toolbox
from agor_jupyter.runner.protocol import ToolAsked
from agor_jupyter.runner.toolbox import BUSY, Toolbox

TOOLS = (ToolSpec(name="t", description="", parameters={}),)


async def test_the_first_answer_counts_and_the_call_is_told_no_more() -> None:
    told: list[ToolAsked] = []
    box = Toolbox(TOOLS, told.append)
    calling = asyncio.create_task(box.call("t", {}))
    await asyncio.sleep(0)
    assert box.waiting == told
    box.answer("of nobody", ToolAnswer(text="x"))
    box.answer(told[0].call, ToolAnswer(text="one"))
    box.answer(told[0].call, ToolAnswer(text="two"))
    assert (await calling).text == "one"
    assert box.waiting == [], "whoever attaches later would do it again"
    box.answer(told[0].call, ToolAnswer(text="three"))


async def test_too_many_calls_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "MAX_CALLS", 1)
    box = Toolbox(TOOLS, lambda asked: None)
    first = asyncio.create_task(box.call("t", {}))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert await box.call("t", {}) == BUSY
    await box.close()
    assert (await first).failed
