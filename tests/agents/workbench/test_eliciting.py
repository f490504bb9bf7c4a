"""A server's question rests the time limit of the call it belongs to; a heap and a page are refused."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agor_jupyter.agents.forms import MOST_FIELDS, Form, Outcome
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.agents.workbench.asking import Asking
from agor_jupyter.agents.workbench.eliciting import Eliciting
from agor_jupyter.domain.events import Notice

types = pytest.importorskip("mcp.types")
SECONDS = 500.0


class Person(Asking):
    """Answers at once, and remembers what stood in the limit meanwhile."""

    def __init__(self) -> None:
        self.limit: asyncio.Timeout | None = None
        self.seen: list[float | None] = []
        self.asked: list[Form] = []

    async def fill(self, form: Form) -> Outcome:
        self.asked.append(form)
        self.seen.append(self.limit.when() if self.limit is not None else -1.0)
        return Outcome("accept", {"x": "y"})


def form(fields: int = 1) -> Any:
    properties = {f"f{number}": {"type": "string"} for number in range(fields)}
    schema = {"type": "object", "properties": properties}
    return types.ElicitRequestFormParams(message="Who?", requestedSchema=schema)


async def test_a_call_has_its_whole_time_again_after_a_question() -> None:
    person = Person()
    eliciting = Eliciting("tea", person, Outbox())
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60.0) as limit, eliciting.within(limit, SECONDS):
        person.limit = limit
        began = loop.time()
        result = await eliciting.answer(cast("Any", None), form())
        assert person.seen == [None], "while a person thinks, no time runs"
        again = limit.when()
        assert again is not None and began + SECONDS <= again <= loop.time() + SECONDS
    assert (result.action, result.content) == ("accept", {"x": "y"})
    later = limit.when()
    await eliciting.answer(cast("Any", None), form())
    assert (limit.when(), len(person.asked)) == (later, 2), "what belongs to no call rests none"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (form(MOST_FIELDS + 1), "asks more than a form may hold"),
        (
            types.ElicitRequestURLParams(message="Pay", url="https://tea.example/pay", elicitationId="e"),
            "asks you to open a page",
        ),
    ],
)
async def test_a_page_and_a_heap_are_declined_and_said(asked: Any, said: str) -> None:
    person, box = Person(), Outbox()
    result = await Eliciting("tea", person, box).answer(cast("Any", None), asked)
    box.end()
    (notice,) = [update async for update in box.read()]
    assert (result.action, person.asked) == ("decline", [])
    assert isinstance(notice, Notice) and "The MCP server tea" in notice.text and said in notice.text
