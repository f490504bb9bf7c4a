"""What is said is written down and let go: nothing holds the more, the more tokens were sent."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from agor_jupyter.domain.content import Usage
from agor_jupyter.domain.events import AgentMessageChunk, TaskEnded
from agor_jupyter.domain.ids import MessageId, TaskId
from agor_jupyter.runner.log import Log
from agor_jupyter.runner.recorder import Recorder
from agor_jupyter.store.facade import Store
from agor_jupyter.store.opening import open_store
from agor_jupyter.transcripts.sink import FileSink
from agor_jupyter.transcripts.writer import Pace, TranscriptWriter
from tests.transcripts.story import SES, Story, worktree_of

TOKENS = 1000
AT_ONCE = 20
TOKEN = "a word of some length "
KEPT_BYTES = 100_000
"""What may be held more after ten times as many tokens. Kept, they would take several times as much."""

PACE = Pace(live=0.02, file=0.02, load=1.0, settle=0.05, silence=0.2)


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path / "data", clock=lambda: 1_000_000)
    yield opened
    await opened.close()


def held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def check_holds_nothing(say: Callable[[int], Awaitable[None]]) -> None:
    """Say something once (what is made at the first time is made), then ten times as much."""
    await say(TOKENS)
    before = held()
    await say(10 * TOKENS)
    more = held() - before
    print(f"held more after {10 * TOKENS} tokens: {more} bytes")
    assert more < KEPT_BYTES


def chunk(number: int) -> AgentMessageChunk:
    return AgentMessageChunk(message_id=MessageId("m1"), text=f"{TOKEN}{number} ")


async def test_the_log_and_the_bus(store: Store) -> None:
    """With a reader that keeps up and one that stands still."""
    story = await Story(store).begin()
    still = store.log.subscribe(bound=4)
    heard = [0]

    async def listen() -> None:
        async for _ in store.log.subscribe(SES, bound=64):
            heard[0] += 1

    listening = asyncio.create_task(listen())
    await story.prompt(1)
    await story.start()

    async def say(count: int) -> None:
        before = heard[0]
        for start in range(0, count, AT_ONCE):
            await story.say(*(chunk(start + number) for number in range(AT_ONCE)))
        while heard[0] < before + count // AT_ONCE:
            await asyncio.sleep(0.01)

    await check_holds_nothing(say)
    still.close()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_transcripts_after_the_turn(store: Store, tmp_path: Path) -> None:
    """A turn that is drawn while it runs is let go of once it has ended."""
    writer = TranscriptWriter(store.log, FileSink(), tmp_path / "transcripts", worktree_of, pace=PACE)
    await writer.start()
    story = await Story(store).begin()
    turns = [0]

    async def say(count: int) -> None:
        turns[0] += 1
        await story.prompt(turns[0])
        await story.start()
        for start in range(0, count, AT_ONCE):
            await story.say(*(chunk(start + number) for number in range(AT_ONCE)))
        await story.say(TaskEnded(stop_reason="end_turn", usage=Usage()))
        session = await store.log.session(SES)
        assert session is not None
        path = await writer.path_of(session)
        async with asyncio.timeout(60):
            while not _is_drawn(path, f"{TOKEN}{count - 1} ", session.last_seq):
                await asyncio.sleep(0.05)

    await check_holds_nothing(say)
    await writer.close()


def _is_drawn(path: Path, words: str, seq: int) -> bool:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return words.strip() in text and f'"last_seq": {seq}' in text


async def test_the_runner(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "events.jsonl"))
    recorder = Recorder(log)

    async def say(count: int) -> None:
        for number in range(count):
            recorder.record(chunk(number), TaskId("task_0000000000000001"))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        recorder.flush()

    await check_holds_nothing(say)
    assert log.size > 11 * TOKENS * len(TOKEN), "it was all written"
    recorder.close()
    log.close()
