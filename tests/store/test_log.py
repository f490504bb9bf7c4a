"""What every event log promises, whatever keeps it."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.domain.errors import Conflict, InvalidRequest, NotFound
from agor_jupyter.domain.events import Draft, SessionEvent, SessionUpdated, TaskRemoved, TaskUpdated
from agor_jupyter.domain.ids import RequestId
from agor_jupyter.domain.ports import Appended, Page, RunnerMark
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.snapshot import apply
from agor_jupyter.store.facade import Store
from agor_jupyter.store.fold import stamped
from tests.store.making import (
    ADA,
    answered,
    asked,
    created,
    draft,
    ended,
    next_of,
    open_session,
    queued,
    said,
    seqs,
    session,
    session_id,
    started,
    task_id,
)


async def test_append_stamps_folds_and_keeps(store: Store) -> None:
    log = store.log
    record = await open_session(log)
    drafts = [
        queued(task_id()),
        started(task_id(), at_ms=2000),
        said("Hello\nyou", task=task_id(), at_ms=3000),
    ]
    appended = await log.append(record.id, drafts)
    assert seqs(appended.events) == [2, 3, 4]
    assert appended.session.status == "running"
    assert appended.session.last_words == "you"
    assert await log.session(record.id) == appended.session
    events = await log.read(record.id)
    assert seqs(events) == [1, 2, 3, 4]
    assert [Draft(task_id=e.task_id, at_ms=e.at_ms, update=e.update) for e in events[1:]] == drafts
    refolded = session()
    for event in events:
        refolded = apply(refolded, event)
    assert refolded == appended.session


async def test_concurrent_appends_leave_no_gap_and_no_double(store: Store) -> None:
    log = store.log
    for number in (1, 2, 3):
        await open_session(log, number)
    results = await asyncio.gather(
        *(log.append(session_id(1 + n % 3), [said(f"{n} "), said("x")]) for n in range(300))
    )
    for number in (1, 2, 3):
        events = await log.read(session_id(number), limit=10_000)
        assert seqs(events) == list(range(1, 202))
        given = [seq for r in results if r.session.id == session_id(number) for seq in seqs(r.events)]
        assert sorted(given) == list(range(2, 202))
    # Two events of one append stand side by side.
    assert all(r.events[1].seq == r.events[0].seq + 1 for r in results)


async def test_appends_of_one_caller_keep_their_order(store: Store) -> None:
    await open_session(store.log)
    await asyncio.gather(*(store.log.append(session_id(), [said(str(n))]) for n in range(200)))
    texts = [event.update.text for event in (await store.log.read(session_id()))[1:]]  # type: ignore[union-attr]  # chunks only
    assert texts == [str(n) for n in range(200)]


async def test_a_bad_append_changes_nothing_and_fails_nobody_else(store: Store) -> None:
    log = store.log
    await open_session(log)
    good = [log.append(session_id(), [said("a")]) for _ in range(5)]
    bad = [
        log.append(session_id(99), [said("nobody")]),
        log.append(session_id(), [said("lost"), queued(None)]),  # type: ignore[arg-type]  # the reducer refuses it
        log.append(session_id(), [created(session())], create=session()),
    ]
    results = await asyncio.gather(
        *good, *bad, *(log.append(session_id(), [said("b")]) for _ in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results[5:8]] == [NotFound, ValueError, Conflict]
    assert all(isinstance(result, Appended) for result in (*results[:5], *results[8:]))
    events = await log.read(session_id())
    assert seqs(events) == list(range(1, 12))
    assert "lost" not in repr(events)


async def test_create_wants_its_event_first(store: Store) -> None:
    with pytest.raises(ValueError, match="session_created"):
        await store.log.append(session_id(), [said("a")], create=session())
    with pytest.raises(ValueError, match="session_created"):
        await store.log.append(session_id(), [], create=session())
    with pytest.raises(ValueError, match="empty record"):
        await store.log.append(session_id(2), [created(session())], create=session())
    assert await store.log.session(session_id()) is None


async def test_reading_by_seq_both_ways(store: Store) -> None:
    log = store.log
    await open_session(log)
    await log.append(session_id(), [said(str(n), task=task_id(1 + n % 2)) for n in range(2, 21)])
    assert seqs(await log.read(session_id(), after_seq=18)) == [19, 20]
    assert seqs(await log.read(session_id(), after_seq=3, before_seq=7)) == [4, 5, 6]
    assert seqs(await log.read(session_id(), limit=3)) == [1, 2, 3]
    assert seqs(await log.read(session_id(), limit=3, newest=True)) == [18, 19, 20]
    assert seqs(await log.read(session_id(), before_seq=10, limit=3, newest=True)) == [7, 8, 9]
    assert seqs(await log.read(session_id(), task_id=task_id(2), limit=3, newest=True)) == [15, 17, 19]
    assert all(e.task_id == task_id(2) for e in await log.read(session_id(), task_id=task_id(2)))
    assert len(await log.read(session_id(), task_id=task_id(2))) == 9
    assert await log.read(session_id(99)) == []
    assert await log.read(session_id(), limit=0) == []


async def test_sessions_page_by_page_last_updated_first(store: Store) -> None:
    log = store.log
    for number in range(1, 26):
        await open_session(log, number, worktree=1 + number % 2, at_ms=1000 + number // 2)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await log.sessions(limit=4, cursor=cursor)
        seen += [item.id for item in page.items]
        if (cursor := page.next) is None:
            break
        # What is added meanwhile is newer: it shifts nothing.
        await open_session(log, 100 + len(seen), at_ms=9000)
    assert seen == [
        session_id(n) for n in sorted(range(1, 26), key=lambda n: (1000 + n // 2, n), reverse=True)
    ]
    with pytest.raises(InvalidRequest):
        await log.sessions(cursor="nonsense")
    with pytest.raises(InvalidRequest):
        await log.sessions(cursor="WzFd")  # a list of tasks gave this out


async def test_sessions_are_filtered(store: Store) -> None:
    log = store.log
    for number in range(1, 7):
        await open_session(log, number, worktree=1 + number % 2)
    await log.append(session_id(2), [queued(task_id(2))])
    await log.append(session_id(4), [queued(task_id(4)), started(task_id(4)), said("x")])
    await log.append(session_id(6), [draft(SessionUpdated(by=ADA, archived=True))])

    def ids(page: Page[Session]) -> list[str]:
        return sorted(item.id for item in page.items)

    assert ids(await log.sessions(worktree_id="wt_0000000000000001")) == [session_id(2), session_id(4)]
    assert ids(await log.sessions(status="queued")) == [session_id(2)]
    assert ids(await log.sessions(status="running", worktree_id="wt_0000000000000001")) == [session_id(4)]
    assert ids(await log.sessions(archived=True)) == [session_id(6)]
    assert len((await log.sessions(archived=None)).items) == 6
    assert len((await log.sessions()).items) == 5


async def test_tasks_have_their_place_while_queued(store: Store) -> None:
    log = store.log
    await open_session(log)
    one, two, three = task_id(1), task_id(2), task_id(3)
    await log.append(session_id(), [queued(one, "1"), queued(two, "2"), queued(three, "3")])
    await log.append(session_id(), [draft(TaskUpdated(by=ADA, prompt="3b", place=0), task=three)])
    items = (await log.tasks(session_id())).items
    assert [(t.id, t.place, t.prompt) for t in items] == [(one, 1, "1"), (two, 2, "2"), (three, 0, "3b")]
    await log.append(session_id(), [started(three), draft(TaskRemoved(by=ADA), task=one), ended(three)])
    items = (await log.tasks(session_id())).items
    assert [(t.status, t.place) for t in items] == [("removed", None), ("queued", 0), ("ended", None)]
    assert await log.task(two) == items[1]
    assert await log.task(task_id(9)) is None


async def test_tasks_page_by_page(store: Store) -> None:
    log = store.log
    await open_session(log)
    ids = [task_id(n) for n in (5, 3, 9, 1, 7)]
    for name in ids:
        await log.append(session_id(), [queued(name), said("between")])
    first = await log.tasks(session_id(), limit=2)
    second = await log.tasks(session_id(), limit=2, cursor=first.next)
    third = await log.tasks(session_id(), limit=2, cursor=second.next)
    assert [t.id for page in (first, second, third) for t in page.items] == ids
    assert third.next is None
    assert (await log.tasks(session_id(99))).items == ()


async def test_requests_and_their_one_resolution(store: Store) -> None:
    log = store.log
    await open_session(log, 1)
    await open_session(log, 2)
    await log.append(session_id(2), [asked("req_b")])
    await log.append(session_id(1), [asked("req_a"), asked("req_c")])
    assert [e.update.request_id for e in await log.pending()] == ["req_b", "req_a", "req_c"]  # type: ignore[union-attr]  # requests only
    first = await log.append(session_id(1), [answered("req_a", by="ada")])
    await log.append(session_id(1), [answered("req_a", by="bob")])
    assert await log.resolution(RequestId("req_a")) == first.events[0]
    assert (await log.request(RequestId("req_a"))).seq == 2  # type: ignore[union-attr]  # it is there
    assert await log.resolution(RequestId("req_b")) is None
    assert await log.request(RequestId("req_z")) is None
    assert [e.update.request_id for e in await log.pending()] == ["req_b", "req_c"]  # type: ignore[union-attr]  # requests only


async def test_runners_and_their_marks(store: Store) -> None:
    log = store.log
    await open_session(log)
    await log.save_runner("run_a", session_id(), "{}")
    await log.append(session_id(), [said("a")], mark=RunnerMark("run_a", 40))
    assert await log.runners() == [("run_a", session_id(), "{}", 40)]
    moved = await log.append(session_id(), [], mark=RunnerMark("run_a", 55))
    assert moved.events == ()
    await log.save_runner("run_a", session_id(), '{"pid":1}')
    assert await log.runners() == [("run_a", session_id(), '{"pid":1}', 55)]
    with pytest.raises(NotFound):
        await log.append(session_id(99), [said("x")], mark=RunnerMark("run_a", 99))
    assert (await log.runners())[0][3] == 55
    await log.forget_runner("run_a")
    await log.forget_runner("run_a")
    assert await log.runners() == []


async def test_what_is_published_can_be_read(store: Store) -> None:
    log = store.log
    await open_session(log)
    mine, other, everything = log.subscribe(session_id(1)), log.subscribe(session_id(2)), log.subscribe()
    seen: list[int] = []

    async def follow() -> None:
        async for item in mine:
            assert isinstance(item, Appended)
            # Published means stored: the reader finds it at once.
            stored = await log.read(session_id(), after_seq=item.events[0].seq - 1, limit=len(item.events))
            assert tuple(stored) == item.events
            seen.extend(seqs(item.events))
            if item.session.last_seq == 51:
                return

    following = asyncio.ensure_future(follow())
    for n in range(50):
        await log.append(session_id(), [said(str(n))])
    await log.append(session_id(), [], mark=RunnerMark("run_x", 1))
    await asyncio.wait_for(following, 10)
    assert seen == list(range(2, 52))
    assert isinstance(await next_of(aiter(everything)), Appended)
    await open_session(log, 2)
    item = await next_of(aiter(other))
    assert isinstance(item, Appended)
    assert item.session.id == session_id(2)
    for subscription in (mine, other, everything):
        subscription.close()


async def test_a_cancelled_caller_leaves_a_whole_log(store: Store) -> None:
    log = store.log
    await open_session(log)
    jobs = [asyncio.ensure_future(log.append(session_id(), [said(str(n))])) for n in range(50)]
    await asyncio.sleep(0)
    for job in jobs[::2]:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    await log.append(session_id(), [said("last")])
    events = await log.read(session_id())
    assert seqs(events) == list(range(1, len(events) + 1))
    assert len(events) >= 27


def test_a_stamped_event_is_as_if_validated() -> None:
    made = stamped(said("a", task=task_id()), 7, session_id())
    plain = SessionEvent(
        seq=7, session_id=session_id(), task_id=task_id(), at_ms=1000, update=said("a").update
    )
    assert made == plain
    assert made.model_fields_set == plain.model_fields_set
    assert made.model_dump_json() == plain.model_dump_json()
    assert repr(made) == repr(plain)
    changed = made.model_copy(update={"seq": 8})
    assert (made.seq, changed.seq, changed.update) == (7, 8, plain.update)
    assert SessionEvent.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValueError, match="frozen"):
        made.seq = 9  # type: ignore[misc]  # it must not
