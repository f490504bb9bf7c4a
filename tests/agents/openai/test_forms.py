"""The forms of a person's MCP server through the bench."""

from __future__ import annotations

import pytest

from agor_jupyter.testing.chat_server import ChatServer
from tests.agents.form_server import FORMS
from tests.agents.form_stories import INVITE, FormStories
from tests.agents.workbench.talk import Bench, Talk


class TestForms(FormStories):
    @pytest.fixture
    async def chat(self, bench: Bench, server: ChatServer) -> Talk:
        server.book["invite"] = INVITE
        return await bench.open(mcp_servers=(FORMS,))
