"""What a server broke with is told to all who read a session: without the way into it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from agor_jupyter.agents.addresses import shortened
from agor_jupyter.agents.base import McpServer
from agor_jupyter.agents.codex.translate import news
from agor_jupyter.agents.forms import page_notice
from agor_jupyter.agents.workbench.mcp_servers import McpServers


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("https://host.example/s/abc123/mcp?token=abc123", "https://host.example/…"),
        ("https://me:abc123@host.example:8443", "https://host.example:8443"),
        ("for url 'http://h/x#abc123' (401).", "for url 'http://h/…' (401)."),
        ("(https://h/?k=abc123): refused, https://h.", "(https://h/… refused, https://h."),
        ("wss://abc123@h/y", "wss://h/…"),
        ("no address at all: a/b", "no address at all: a/b"),
    ],
)
def test_of_an_address_the_host_is_told_alone(said: str, told: str) -> None:
    assert shortened(said) == told


@pytest.mark.parametrize("repeated", ["a", "a://", "://", "a://@", "a.", "a://a@"])
def test_no_text_takes_long(repeated: str) -> None:
    began = time.thread_time()
    shortened(repeated * 1_000_000)
    assert time.thread_time() - began < 1


def test_a_page_that_is_refused_is_told_by_its_host() -> None:
    notice = page_notice("mail", "https://login.example/oauth?state=abc123&code=abc123")
    assert notice.hint == "https://login.example/…"


def test_a_server_that_codex_cannot_start_is_told_without_its_address() -> None:
    error = "handshake failed: error sending request for url (https://h.example/mcp?key=abc123)"
    (notice,) = news("mcpServer/startupStatus/updated", {"status": "failed", "name": "x", "error": error})
    assert "h.example" in notice.model_dump_json() and "abc123" not in notice.model_dump_json()


async def test_neither_the_address_nor_a_key_is_told_of_one_that_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> None:
        raise ValueError("Illegal header value 'Bearer abc123' for https://h.example/mcp?key=def456")

    monkeypatch.setattr(McpServers, "_client", broken)
    server = McpServer(
        name="x", transport="http", url="https://h.example/mcp", headers={"Authorization": "Bearer ${KEY}"}
    )
    unused: Any = None
    servers = McpServers((server,), {"KEY": "abc123"}, {}, "/", 5.0, unused, unused)
    await servers._live(server, asyncio.Event())
    (notice,) = servers.notices
    assert "Illegal header" in notice.text and "h.example" in notice.text
    assert "abc123" not in notice.text and "def456" not in notice.text
