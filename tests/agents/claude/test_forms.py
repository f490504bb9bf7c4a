"""The forms of a person's MCP server through Claude Code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agor_jupyter.agents.base import Decision
from agor_jupyter.agents.claude.asking import Asking
from agor_jupyter.agents.claude.eliciting import Eliciting
from agor_jupyter.agents.claude.translate import Translator
from agor_jupyter.agents.forms import MOST_FIELDS, Outcome
from agor_jupyter.agents.outbox import Outbox
from agor_jupyter.domain.events import Notice, PermissionRequest
from agor_jupyter.testing.anthropic_server import AnthropicServer
from tests.agents.form_server import FORMS
from tests.agents.form_stories import INVITE, FormStories

TOO_BIG = {"properties": {f"f{number}": {"type": "string"} for number in range(MOST_FIELDS + 1)}}


class TestForms(FormStories):
    @pytest.fixture
    async def chat(self, talk: Callable[..., Any], server: AnthropicServer) -> Any:
        server.book["invite"] = INVITE
        return await talk(mcp_servers=(FORMS,))


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        (
            {"mode": "url", "url": "https://tea.example/pay"},
            "asks you to open a page",
            "https://tea.example",
        ),
        ({"requested_schema": TOO_BIG}, "asks more than a form may hold", "at most"),
    ],
)
async def test_a_page_and_a_heap_are_declined_and_said(asked: dict[str, Any], said: str, hint: str) -> None:
    class Nobody(Asking):
        def __init__(self) -> None: ...

        async def decide(self, request: PermissionRequest) -> Decision:
            raise AssertionError(f"nobody is to be asked: {request.title}")

    box = Outbox()
    outcome = await Eliciting(Nobody(), box, Translator("/w")).answer({"mcp_server_name": "tea", **asked})
    box.end()
    (notice,) = [update async for update in box.read()]
    assert outcome == Outcome("decline")
    assert isinstance(notice, Notice) and notice.level == "warning"
    assert "The MCP server tea" in notice.text and said in notice.text and hint in notice.hint
