"""The bus: bounded, prompt, and nobody waits for a reader."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.domain.ports import Appended, Behind, WorkspaceAppended
from agor_jupyter.store.bus import Bus
from tests.store.making import next_of, session, session_id


def item(number: int = 1, seq: int = 1) -> Appended:
    return Appended(session=session(number).model_copy(update={"last_seq": seq}), events=())


async def test_a_reader_gets_its_session_and_no_other() -> None:
    bus = Bus()
    one, everything = bus.subscribe(session_id(1)), bus.subscribe()
    bus.publish(item(2))
    bus.publish(item(1))
    bus.publish(WorkspaceAppended(events=()))
    assert await next_of(aiter(one)) == item(1)
    assert [await next_of(aiter(everything)) for _ in range(3)] == [
        item(2),
        item(1),
        WorkspaceAppended(events=()),
    ]
    bus.close()


async def test_a_waiting_reader_wakes() -> None:
    bus = Bus()
    reader = bus.subscribe()
    waiting = asyncio.ensure_future(anext(aiter(reader)))
    await asyncio.sleep(0)
    bus.publish(item())
    assert await asyncio.wait_for(waiting, 5) == item()
    bus.close()


async def test_a_slow_reader_gets_one_behind_and_memory_stays_bounded() -> None:
    bus = Bus()
    slow, quick = bus.subscribe(bound=4), bus.subscribe(bound=10_000)
    for seq in range(1, 1000):
        bus.publish(item(seq=seq))
        assert len(slow._items) <= 4
    first = await next_of(aiter(slow))
    assert first == Behind()
    rest = []
    while slow._items:
        rest.append(await next_of(aiter(slow)))
    assert Behind() not in rest
    # What follows the marker follows without a gap, up to the newest.
    got = [entry.session.last_seq for entry in rest if isinstance(entry, Appended)]
    assert got == list(range(1000 - len(got), 1000))
    assert len(quick._items) == 999
    bus.close()


async def test_a_bound_of_one_still_says_behind() -> None:
    bus = Bus()
    reader = bus.subscribe(bound=1)
    bus.publish(item(seq=1))
    bus.publish(item(seq=2))
    assert await next_of(aiter(reader)) == Behind()
    bus.publish(item(seq=3))
    assert await next_of(aiter(reader)) == item(seq=3)
    with pytest.raises(ValueError, match="at least one"):
        bus.subscribe(bound=0)
    bus.close()


async def test_closing_ends_the_iteration_from_elsewhere_and_twice() -> None:
    bus = Bus()
    reader = bus.subscribe(session_id())

    async def all_of() -> list[object]:
        return [entry async for entry in reader]

    reading = asyncio.ensure_future(all_of())
    await asyncio.sleep(0)
    reader.close()
    reader.close()
    assert await asyncio.wait_for(reading, 5) == []
    assert bus._readers == {}
    bus.publish(item())  # nobody is there: fine


async def test_closing_the_bus_ends_all_and_later_readers_at_once() -> None:
    bus = Bus()
    reader = bus.subscribe()
    waiting = asyncio.ensure_future(anext(aiter(reader)))
    await asyncio.sleep(0)
    bus.close()
    bus.close()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(waiting, 5)
    assert [entry async for entry in bus.subscribe()] == []


async def test_a_cancelled_read_loses_nothing() -> None:
    bus = Bus()
    reader = bus.subscribe()
    waiting = asyncio.ensure_future(anext(aiter(reader)))
    await asyncio.sleep(0)
    bus.publish(item())
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await next_of(aiter(reader)) == item()
    bus.close()
