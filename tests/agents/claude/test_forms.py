"""The forms of a person's MCP server through Claude Code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agor_jupyter.testing.anthropic_server import AnthropicServer
from tests.agents.form_server import FORMS
from tests.agents.form_stories import INVITE, FormStories


class TestForms(FormStories):
    @pytest.fixture
    async def chat(self, talk: Callable[..., Any], server: AnthropicServer) -> Any:
        server.book["invite"] = INVITE
        return await talk(mcp_servers=(FORMS,))
