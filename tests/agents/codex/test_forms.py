"""The forms of a person's MCP server through Codex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agor_jupyter.testing.model_script import Echo, Turn, script, use
from agor_jupyter.testing.responses_server import ResponsesServer
from tests.agents.form_server import FORMS
from tests.agents.form_stories import INVITE, FormStories, answering


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
