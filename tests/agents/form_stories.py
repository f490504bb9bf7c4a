"""A real MCP server, of the real SDK, asks the person a form: the same stories through every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.events import PermissionRequest, PermissionResolved, ToolCall
from agor_jupyter.testing.model_script import Echo, Turn, script, use

INVITE = script(use("mcp__forms__invite"), Turn(blocks=(Echo(of="results"),)))


def answering(*given: Decision) -> Callable[[PermissionRequest], Decision]:
    """Allow the call; answer the forms one after the other."""
    left = list(given)

    def answer(request: PermissionRequest) -> Decision:
        return left.pop(0) if request.questions else Decision(outcome="selected", option_id="allow_once")

    return answer


def filled(guests: str) -> Decision:
    answers = {"How many guests?": guests, "With cake?": "yes"}
    return Decision(outcome="selected", answers=answers)


class FormStories:
    """Inherited by each kind. Its fixture `chat` is a talk with `FORMS`, whose model's book has `INVITE`."""

    async def test_its_form_is_asked_checked_and_typed(self, chat: Any) -> None:
        chat.answerer = answering(filled("12"), filled("3"))
        assert (await chat.prompt("SCRIPT:invite")).stop_reason == "end_turn"
        forms = [request for request in chat.of(PermissionRequest) if request.questions]
        assert {question.question for question in forms[0].questions} == {"How many guests?", "With cake?"}
        assert "Who comes to tea?" in forms[0].description
        assert "12 is more than 9" in forms[1].description
        assert {form.tool_call_id for form in forms} == {chat.of(ToolCall)[0].tool_call_id}
        assert "accept: Tea(guests=3, cake=True)" in chat.text

    async def test_a_no_is_passed_on(self, chat: Any) -> None:
        chat.answerer = answering(Decision(outcome="selected", option_id="decline"))
        assert (await chat.prompt("SCRIPT:invite")).stop_reason == "end_turn"
        assert "decline" in chat.text

    async def test_a_stop_withdraws_it(self, chat: Any) -> None:
        chat.answerer = lambda request: (
            None if request.questions else Decision(outcome="selected", option_id="allow_once")
        )
        await chat.send("SCRIPT:invite")
        await chat.wait(lambda: [item for item in chat.of(PermissionRequest) if item.questions])
        async with asyncio.timeout(30):
            await chat.adapter.interrupt()
        assert (await chat.ended()).stop_reason == "cancelled"
        resolved = {item.request_id for item in chat.of(PermissionResolved)}
        assert {item.request_id for item in chat.of(PermissionRequest) if item.questions} <= resolved
