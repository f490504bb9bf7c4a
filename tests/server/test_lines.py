"""NDJSON: events one a line, followed as they come, until the client leaves or may not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agor_jupyter.domain.ids import UserId
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
    monkeypatch.setattr(lines, "RECHECK_SECONDS", 0.05)
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


@asynccontextmanager
async def talking(stand: Stand, session_id: str) -> AsyncIterator[None]:
    """A session that is never silent for long."""

    async def talk() -> None:
        while True:
            await stand.made.work.say(session_id, "on and on")
            await asyncio.sleep(0.01)

    job = asyncio.create_task(talk())
    try:
        yield
        assert not job.done(), job.exception()
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


@pytest.mark.parametrize("lost", ["the tier", "the kernel's token"])
async def test_lines_of_a_busy_session_end_too(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(lines, "RECHECK_SECONDS", 0.3)
    session_id = await begin(stand)
    await stand.get("/me", person="mona")
    token = await stand.made.house.tokens.mint(UserId("mona"), "kernel")
    headers = {"Accept": "application/x-ndjson", "Authorization": f"token {token}"}
    async with talking(stand, session_id):
        asked = asyncio.create_task(
            stand.ask("GET", f"/sessions/{session_id}/events", person=None, headers=headers)
        )
        await wait_until(lambda: stand.made.store.bus._readers)
        if lost == "the tier":
            stand.server.app.authorizer.set_tier("mona", None)
        else:
            await stand.made.house.tokens.revoke(token)
        answer = await asyncio.wait_for(asked, 10)
    heard = [json.loads(line) for line in answer.body.splitlines()]
    assert [line["seq"] for line in heard] == list(range(1, len(heard) + 1)), "no ping: it was not silent"
    assert len(heard) > 3


async def test_lines_of_an_unknown_session_are_a_404(stand: Stand) -> None:
    answer = await stand.ask("GET", "/sessions/ses_0/events", headers={"Accept": "application/x-ndjson"})
    assert answer.code == 404 and answer.headers["Content-Type"].startswith("application/problem+json")
