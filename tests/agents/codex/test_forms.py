"""The forms of a person's MCP server through Codex."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agor_jupyter.agents.codex import permissions
from agor_jupyter.agents.codex.asking import Asking
from agor_jupyter.agents.codex.translate import Translator
from agor_jupyter.agents.forms import MOST_FIELDS
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.events import Notice, PermissionRequest
from agor_jupyter.testing.model_script import Echo, Turn, script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.form_server import FORMS, late
from tests.agents.form_stories import INVITE, FormStories, answering, filled

TOO_BIG = {"properties": {f"f{number}": {"type": "string"} for number in range(MOST_FIELDS + 1)}}


class TestForms(FormStories):
    @pytest.fixture
    async def chat(self, talk: Callable[..., Any], server: ResponsesServer) -> Any:
        server.book["invite"] = INVITE
        return await talk(mcp_servers=(FORMS,))


async def test_codex_itself_cancels_a_form_with_a_title(
    talk: Callable[..., Any], server: ResponsesServer
) -> None:
    """A limit of 0.163, told in docs/agents-codex.md: nobody is asked, and the server hears `cancel`."""
    server.book["invite"] = script(use("mcp__forms__invite_titled"), Turn(blocks=(Echo(of="results"),)))
    chat = await talk(mcp_servers=(FORMS,))
    chat.answerer = answering()
    assert (await chat.prompt("SCRIPT:invite")).stop_reason == "end_turn"
    assert "cancel" in chat.text


async def test_a_turn_waits_for_a_server_that_still_starts(
    talk: Callable[..., Any], server: ResponsesServer
) -> None:
    """Left to itself, Codex begins the turn without its tools after a second, and tells nobody."""
    server.book["invite"] = INVITE
    chat = await talk(mcp_servers=(late(4),))
    chat.answerer = answering(filled("3"))
    assert (await chat.prompt("SCRIPT:invite")).stop_reason == "end_turn"
    assert [request for request in chat.of(PermissionRequest) if request.questions]
    assert "accept: Tea(guests=3, cake=True)" in chat.text


async def test_a_stop_does_not_wait_for_it(talk: Callable[..., Any], server: ResponsesServer) -> None:
    server.book["invite"] = INVITE
    chat = await talk(mcp_servers=(late(120),))
    await chat.send("SCRIPT:invite")
    async with asyncio.timeout(15):
        await chat.adapter.interrupt()
        assert (await chat.ended()).stop_reason == "cancelled"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"mode": "url", "url": "https://tea.example/pay"}, "asks you to open a page"),
        ({"mode": "form", "requestedSchema": TOO_BIG}, "asks more than a form may hold"),
    ],
)
async def test_a_page_and_a_heap_are_refused_and_said(params: dict[str, Any], said: str) -> None:
    replies: list[tuple[object, Mapping[str, Any]]] = []

    async def reply(number: object, answer: Mapping[str, Any]) -> None:
        replies.append((number, answer))

    box = Outbox()
    asking = Asking("/w", box, Translator("/w"), None, reply)
    await asking.take(7, permissions.ELICITATION, {"serverName": "tea", "message": "Who?", **params})
    box.end()
    (notice,) = [update async for update in box.read()]
    assert isinstance(notice, Notice) and notice.level == "warning"
    assert "The MCP server tea" in notice.text and said in notice.text
    assert replies == [(7, permissions.withdrawn_response(permissions.ELICITATION))]
