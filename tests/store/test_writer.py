"""The writer: groups, isolation, back-pressure, draining."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import AgorError, Conflict, InvalidRequest
from agor_jupyter.domain.events import ToolCall
from agor_jupyter.domain.ids import SessionId, TaskId, ToolCallId, UserId
from agor_jupyter.store import writer as writer_module
from agor_jupyter.store.batch import Order
from agor_jupyter.store.bus import Bus
from agor_jupyter.store.database import open_writer
from agor_jupyter.store.event_log import SqliteEventLog
from agor_jupyter.store.opening import open_store
from agor_jupyter.store.readers import Readers
from agor_jupyter.store.writer import Done, Writer
from tests.store.making import draft, open_session, said, seqs, session_id


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    made = Writer(open_writer(tmp_path / "agor.db"), Bus())
    yield made
    await asyncio.to_thread(made.stop)


def log_of(writer: Writer, folder: Path) -> SqliteEventLog:
    return SqliteEventLog(writer, Readers(folder / "agor.db"), Bus())


class Gate:
    """Work that holds the writer's thread until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, connection: sqlite3.Connection) -> Done[None]:
        self.entered.set()
        assert self.opened.wait(10)
        return Done(None)


async def hold(writer: Writer) -> tuple[Gate, asyncio.Future[None]]:
    gate = Gate()
    held = asyncio.ensure_future(writer.run(gate))
    assert await asyncio.to_thread(gate.entered.wait, 10)
    return gate, held


async def test_what_waits_together_is_committed_together(writer: Writer, tmp_path: Path) -> None:
    await open_session(log_of(writer, tmp_path))
    gate, held = await hold(writer)
    before = writer.commits
    jobs = [asyncio.ensure_future(writer.append(Order(session_id(), (said(str(n)),)))) for n in range(500)]
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(held, *jobs)
    assert writer.commits - before == 2  # the gate's own, and one for all five hundred


async def test_nothing_is_told_before_it_is_committed(writer: Writer, tmp_path: Path) -> None:
    await open_session(log_of(writer, tmp_path))
    await writer.append(Order(session_id(), (said("a"),)))
    gate, held = await hold(writer)
    second = asyncio.ensure_future(writer.append(Order(session_id(), (said("b"),))))
    await asyncio.sleep(0.05)
    known = writer.known(session_id())
    assert known is not None
    assert known.last_seq == 2
    assert not second.done()
    gate.opened.set()
    await asyncio.gather(held, second)


async def test_a_unit_that_fails_is_undone_alone(writer: Writer, tmp_path: Path) -> None:
    def good(connection: sqlite3.Connection) -> Done[int]:
        connection.execute("INSERT INTO settings VALUES ('u', ?, 'v')", (str(id(object())),))
        return Done(1)

    def half(connection: sqlite3.Connection) -> Done[int]:
        connection.execute("INSERT INTO settings VALUES ('u', 'half', 'v')")
        raise Conflict("no")

    def wrong(connection: sqlite3.Connection) -> Done[int]:
        connection.execute("INSERT INTO nowhere VALUES (1)")
        return Done(1)

    def unheard(connection: sqlite3.Connection) -> Done[int]:
        raise KeyError("a bug of ours")

    await open_session(log_of(writer, tmp_path))
    gate, held = await hold(writer)
    before = writer.commits
    jobs = [asyncio.ensure_future(writer.run(work)) for work in (half, wrong, unheard)]
    fine = [asyncio.ensure_future(writer.append(Order(session_id(), (said("a"),)))) for _ in range(3)]
    await asyncio.sleep(0)
    gate.opened.set()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    await asyncio.gather(held, *fine)
    assert [type(result) for result in results] == [Conflict, AgorError, KeyError]
    assert writer.commits - before == 2  # nobody paid for the others
    rows = await writer.run(lambda c: Done(c.execute("SELECT * FROM settings").fetchall()))
    assert rows == []


async def test_a_group_that_fails_as_a_whole_is_tried_one_by_one(writer: Writer, tmp_path: Path) -> None:
    log = log_of(writer, tmp_path)
    await open_session(log)
    gate, held = await hold(writer)
    # Half a surrogate pair in an id gets past the fold and fails where the group is written.
    bad = asyncio.ensure_future(
        writer.append(Order(session_id(), (said("lost", task=TaskId("task_\ud800")),)))
    )
    good = [asyncio.ensure_future(writer.append(Order(session_id(), (said("a"),)))) for _ in range(3)]
    await asyncio.sleep(0)
    gate.opened.set()
    await held
    with pytest.raises(InvalidRequest):
        await bad
    results = await asyncio.gather(*good)
    assert [seqs(result.events) for result in results] == [[2], [3], [4]]
    assert seqs(await log.read(session_id())) == [1, 2, 3, 4]


async def test_ids_that_cannot_be_stored_are_a_bad_request(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(InvalidRequest):
        await store.log.session(SessionId("ses_\ud800"))
    with pytest.raises(InvalidRequest):
        await store.log.read(session_id(), after_seq=2**70)
    with pytest.raises(InvalidRequest):
        await store.records.keep_setting(UserId("\ud800"), "a", "b")
    await store.close()


async def test_vendor_json_with_half_a_character_is_kept_mended(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await open_session(store.log)
    call = ToolCall(tool_call_id=ToolCallId("t"), title="x\udc80", input={"a": ["\ud800", 1]})
    appended = await store.log.append(session_id(), [said("before"), draft(call)])
    events = await store.log.read(session_id(), after_seq=1)
    assert tuple(events) == appended.events
    assert seqs(events) == [2, 3]
    assert events[1].update == ToolCall(tool_call_id=ToolCallId("t"), title="x?", input={"a": ["?", 1]})
    await store.close()


async def test_whoever_comes_to_a_full_queue_waits_in_order(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BACKLOG", 10)
    log = log_of(writer, tmp_path)
    await open_session(log)
    gate, held = await hold(writer)
    jobs = [asyncio.ensure_future(writer.append(Order(session_id(), (said(str(n)),)))) for n in range(200)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert writer._units.qsize() < 10
    for job in jobs[50:60]:
        job.cancel()  # those who give up waiting leave the queue to the others
    gate.opened.set()
    await asyncio.wait_for(asyncio.gather(held, *jobs, return_exceptions=True), 10)
    texts = [getattr(event.update, "text", "") for event in (await log.read(session_id()))[1:]]
    assert texts == [str(n) for n in range(200) if not 50 <= n < 60]


async def test_who_is_woken_and_gives_up_wakes_the_next(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "BACKLOG", 1)
    await open_session(log_of(writer, tmp_path))
    gate = Gate()

    async def first() -> None:
        await writer.run(gate)
        second.cancel()  # woken in this very moment, by the room that the gate has left

    job = asyncio.ensure_future(first())
    assert await asyncio.to_thread(gate.entered.wait, 10)
    second, third = (
        asyncio.ensure_future(writer.append(Order(session_id(), (said(word),)))) for word in ("b", "c")
    )
    await asyncio.sleep(0)
    gate.opened.set()
    await job
    with pytest.raises(asyncio.CancelledError):
        await second
    assert seqs((await asyncio.wait_for(third, 5)).events) == [2]


async def test_closing_stores_what_was_accepted(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await open_session(store.log)
    jobs = [asyncio.ensure_future(store.log.append(session_id(), [said(str(n))])) for n in range(300)]
    await asyncio.sleep(0)
    await store.close()
    results = await asyncio.gather(*jobs)
    assert [seqs(result.events) for result in results] == [[n] for n in range(2, 302)]
    with pytest.raises(Conflict):
        await store.log.append(session_id(), [said("late")])
    with pytest.raises(Conflict):
        await store.log.read(session_id())
    await store.close()
    again = open_store(tmp_path)
    assert len(await again.log.read(session_id(), limit=1000)) == 301
    await again.close()


async def test_nothing_of_a_token_is_in_the_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    token = await store.tokens.mint(UserId("ada"), "kernel")
    await store.close()
    assert token[5:].encode() not in (tmp_path / "agor.db").read_bytes()
    again = open_store(tmp_path)
    assert await again.tokens.check(token) == "ada"
    await again.close()
