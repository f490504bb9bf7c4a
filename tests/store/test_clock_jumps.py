"""A clock that is set by a day, either way, breaks no order, no duration, no token and no promise."""

from __future__ import annotations

import itertools

import pytest

from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.genealogy import begun
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Answer
from agor_jupyter.store.facade import Store
from agor_jupyter.store.fold import not_before
from tests.store.conftest import FakeClock
from tests.store.making import ADA, ended, open_session, queued, said, seqs, started, task_id

DAY_MS = 86_400_000
NOW_MS = 10 * DAY_MS


@pytest.mark.parametrize("jump", [DAY_MS, -DAY_MS])
async def test_time_runs_with_seq_and_no_task_takes_less_than_nothing(store: Store, jump: int) -> None:
    session = await open_session(store.log, at_ms=NOW_MS)
    at = NOW_MS
    for number in range(1, 5):
        task = task_id(number)
        await store.log.append(session.id, [queued(task, at_ms=at)])
        await store.log.append(session.id, [started(task, at_ms=at + 1)])
        at += jump if number % 2 else -jump  # there and back again
        await store.log.append(session.id, [said("a", task=task, at_ms=at), ended(task, at_ms=at + 2)])
    events = await store.log.read(session.id, limit=100)
    assert seqs(events) == list(range(1, len(events) + 1))
    assert all(one.at_ms <= two.at_ms for one, two in itertools.pairwise(events))
    tasks = list((await store.log.tasks(session.id)).items)
    assert all(task.ended_ms is not None and task.started_ms is not None for task in tasks)
    assert all(0 <= (task.ended_ms or 0) - (task.started_ms or 0) <= DAY_MS + 2 for task in tasks)
    # A fork takes what ran before a point: the order in which tasks ran must be that of the log.
    assert [task.id for task in begun(tasks[::-1])] == [task_id(number) for number in range(1, 5)]
    record = await store.log.session(session.id)
    assert record is not None and record.updated_ms == events[-1].at_ms


async def test_a_task_begins_after_all_that_was_before_and_a_first_event_when_it_says(store: Store) -> None:
    session = await open_session(store.log, at_ms=NOW_MS)
    assert (session.last_seq, session.updated_ms) == (1, NOW_MS)
    one = task_id(1)
    for late in (0, 1):
        assert not_before(said("a", task=one, at_ms=NOW_MS + late), session) == NOW_MS + late
        assert not_before(started(one, at_ms=NOW_MS + late), session) == NOW_MS + 1
    assert not_before(started(one, at_ms=NOW_MS + 2), session) == NOW_MS + 2
    assert not_before(said("a", task=one, at_ms=1), session) == NOW_MS
    assert not_before(said("a", task=one, at_ms=1), session.model_copy(update={"last_seq": 0})) == 1


@pytest.mark.parametrize("jump", [DAY_MS - 1, -DAY_MS])
async def test_tokens_and_kept_answers_outlive_a_jump(store: Store, clock: FakeClock, jump: int) -> None:
    """An answer is kept for a day by the house's clock, which follows no short jump of the machine's."""
    clock.now_ms = NOW_MS
    token = await store.tokens.mint(ADA, "mcp")
    await store.records.keep_answer(ADA, "key", "print", Answer(201, b"{}"))
    clock.now_ms += jump
    kept = await store.records.answer_of(ADA, "key")
    assert kept is not None and kept.status == 201
    with pytest.raises(Unprocessable):
        await store.records.keep_answer(ADA, "key", "another", Answer(201, b"{}"))
    clock.now_ms += 4 * jump
    assert await store.tokens.check(token) == ADA, "a token ends when it is revoked"
    await store.tokens.revoke(token)
    assert await store.tokens.check(token) is None
    assert await store.records.answer_of(UserId("bob"), "key") is None
