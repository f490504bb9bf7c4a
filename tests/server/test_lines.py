"""NDJSON: events one a line, followed as they come, until the client leaves or may not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agor_jupyter.server import lines
from tests.making import wait_until
from tests.server.conftest import API, Stand
from tests.server.test_events import begin


async def test_lines_follow_ping_and_stop(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PING_SECONDS", 0.05)
    session_id = await begin(stand)
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.server.port)
    writer.write(
        f"GET {stand.server.base_url}{API}/sessions/{session_id}/events?after_seq=1 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{stand.server.port}\r\nAccept: application/x-ndjson\r\n"
        "Authorization: token vera-token\r\n\r\n".encode()
    )
    heard: list[dict[str, Any]] = []

    async def more() -> None:
        line = await asyncio.wait_for(reader.readline(), 5)
        if line.startswith(b"{"):
            heard.append(json.loads(line))

    while not any("ping" in line for line in heard):
        await more()
    await stand.made.work.say(session_id, "x")
    while heard[-1].get("seq") != 4:
        await more()
    assert [line["seq"] for line in heard if "seq" in line] == [2, 3, 4]
    assert stand.made.store.bus._readers
    writer.close()
    await wait_until(lambda: not stand.made.store.bus._readers)


async def test_a_client_that_leaves_in_silence_is_noticed_before_the_next_ping(stand: Stand) -> None:
    session_id = await begin(stand)
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.server.port)
    writer.write(
        f"GET {stand.server.base_url}{API}/sessions/{session_id}/events HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{stand.server.port}\r\nAccept: application/x-ndjson\r\n"
        "Authorization: token vera-token\r\n\r\n".encode()
    )
    while b"task_started" not in await asyncio.wait_for(reader.readline(), 5):
        pass
    assert stand.made.store.bus._readers and lines.PING_SECONDS >= 10
    writer.close()
    await wait_until(lambda: not stand.made.store.bus._readers, 5)


async def test_lines_end_when_the_right_is_lost(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PING_SECONDS", 0.05)
    session_id = await begin(stand)
    asked = asyncio.create_task(
        stand.ask(
            "GET", f"/sessions/{session_id}/events", person="mona", headers={"Accept": "application/x-ndjson"}
        )
    )
    await wait_until(lambda: stand.made.store.bus._readers)
    stand.server.app.authorizer.set_tier("mona", None)
    answer = await asyncio.wait_for(asked, 5)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line).get("seq") for line in answer.body.splitlines()][:3] == [1, 2, 3]


async def test_lines_of_an_unknown_session_are_a_404(stand: Stand) -> None:
    answer = await stand.ask("GET", "/sessions/ses_0/events", headers={"Accept": "application/x-ndjson"})
    assert answer.code == 404 and answer.headers["Content-Type"].startswith("application/problem+json")
