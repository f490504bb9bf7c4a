"""The cases of what a person's MCP server asks them: each is skipped where the capability is false."""

from __future__ import annotations

from agor_jupyter.agents.addresses import shortened
from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.events import Notice, PermissionResolved
from agor_jupyter.testing.conformance import Bench, Case, Say, UseTool
from agor_jupyter.testing.conformance_cases import ended
from agor_jupyter.testing.mcp_probe import FORM, PAGE


async def asks_a_servers_form(bench: Bench) -> None:
    """A form of an MCP server is a question; what does not fit is asked again."""
    bench.needs("mcp", "elicitation")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(UseTool("probe", "ask", {}))
    form = await talk.question()
    fields = FORM["requestedSchema"]["properties"].values()
    choices = {question.question: question.choices for question in form.questions}
    assert set(choices) == {item["description"] for item in fields}, "in any order: not all keep the server's"
    assert FORM["message"] in form.description and "probe" in form.title
    assert choices["Which bird?"] == ("heron", "stork")
    answers = {"Your name?": "Ann", "With cake?": "no", "Which bird?": "stork", "A note?": "-"}
    await talk.decide(form, Decision(outcome="selected", answers={**answers, "How many guests?": "many"}))
    again = await talk.question()
    assert "many" in again.description
    await talk.decide(again, Decision(outcome="selected", answers={**answers, "How many guests?": "3"}))
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"
    said = talk.said().replace("\\", "")  # some agents tell their model a tool's answer as JSON
    assert 'accept {"bird": "stork", "cake": false, "guests": 3, "name": "Ann"}' in said


async def declines_a_servers_form(bench: Bench) -> None:
    """A no of the person's reaches the server; a page to visit is refused, and a notice says so."""
    bench.needs("mcp", "elicitation")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(UseTool("probe", "ask", {}))
    await talk.choose(await talk.question(), "reject_once")
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"
    assert "decline {}" in talk.said()
    await talk.prompt(UseTool("probe", "ask", {"page": True}))
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"
    assert "accept" not in talk.said() and " {}" in talk.said()
    notice = await talk.wait_for(Notice, lambda item: item.text.startswith("The MCP server probe"))
    assert (notice.level, notice.hint) == ("warning", shortened(PAGE["url"]))
    assert "login" not in notice.hint, "all who read the session see it: it names the host alone"


async def withdraws_a_servers_form(bench: Bench) -> None:
    """A stop withdraws the question, and the conversation goes on."""
    bench.needs("mcp", "elicitation", "interrupt")
    talk = await bench.open()
    await talk.wait_ready()
    await talk.prompt(UseTool("probe", "ask", {}))
    form = await talk.question()
    await talk.talk.interrupt()
    gone = await talk.wait_for(PermissionResolved, lambda item: item.request_id == form.request_id)
    assert (gone.outcome, gone.by) == ("cancelled", "agent")
    assert ended(await talk.turn()).stop_reason == "cancelled"
    await talk.prompt(Say("Still here."))
    assert ended(await talk.turn_allowing()).stop_reason == "end_turn"


FORMS = [
    Case("asks_a_servers_form", asks_a_servers_form),
    Case("declines_a_servers_form", declines_a_servers_form, ("direct",)),
    Case("withdraws_a_servers_form", withdraws_a_servers_form, ("direct",)),
]
