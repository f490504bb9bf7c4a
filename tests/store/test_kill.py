"""kill -9 at random moments: what was acknowledged is there, once; and two processes on one folder."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import ReadOnly
from agor_jupyter.domain.snapshot import apply
from agor_jupyter.store.facade import Store
from agor_jupyter.store.opening import open_store
from tests.store.appender import SESSIONS
from tests.store.making import ADA, board, open_session, said, seqs, session, session_id

ROOT = Path(__file__).parents[2]
KILLS = 20


def start_appender(folder: Path, turn: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.appender", str(folder), turn],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(folder: Path, turn: str, lines: int) -> list[str]:
    """Let an appender print some acknowledgements, kill it, and give all that it printed."""
    with start_appender(folder, turn) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        printed += process.stdout.readlines()
    return [line for line in printed if line.endswith("\n")]


def integrity(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "agor.db")) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


async def check_whole(store: Store, acks: list[str]) -> None:
    """Every session: seq without gaps, each acknowledged event once, records as the events fold to."""
    marks = {name: offset for _, name, _, offset in await store.log.runners()}
    for number in range(1, SESSIONS + 1):
        name = session_id(number)
        events = await store.log.read(name, limit=1_000_000)
        assert seqs(events) == list(range(1, len(events) + 1))
        texts = [getattr(event.update, "text", "") for event in events]
        assert len(set(texts) - {"+", ""}) == len([text for text in texts if text not in ("+", "")])
        for line in acks:
            session_name, seq, word = line.split()
            if session_name == name:
                assert texts[int(seq) - 1] == word
        record = await store.log.session(name)
        refolded = session(number)
        for event in events:
            refolded = apply(refolded, event)
        assert record == (refolded if events else None)
        # Both halves of an append, or none; and the mark with them.
        assert (len(events) - 1) % 2 == 0 or not events
        assert marks.get(name, 0) == (len(events) if len(events) > 1 else 0)


@pytest.mark.slow
async def test_kill_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    acks: list[str] = []
    for turn in range(KILLS):
        acks += kill_after(folder, str(turn), random.randint(1, 400))
    assert len(acks) > KILLS
    store = open_store(folder)
    assert store.read_only == ""
    await check_whole(store, acks)
    await store.close()
    assert integrity(folder) == "ok"


async def test_a_second_process_reads_and_says_who_writes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with start_appender(folder, "first") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        second = open_store(folder)
        try:
            assert str(process.pid) in second.read_only
            name, seq, word = line.split()
            events = await second.log.read(session_id(int(name[-16:])), after_seq=int(seq) - 1, limit=1)
            assert getattr(events[0].update, "text", "") == word
            # The first one is not in the way of the reader, nor the reader in its way.
            process.stdout.readline()
            assert len((await second.log.sessions()).items) >= 1
            for write in (
                second.log.append(session_id(), [said("no")]),
                second.log.save_runner("run_x", session_id(), "{}"),
                second.log.forget_runner("run_x"),
                second.records.boards.put(board(), by=ADA),
                second.records.keep_snapshot("room", b""),
                second.tokens.mint(ADA, "kernel"),
            ):
                with pytest.raises(ReadOnly, match=str(process.pid)):
                    await write
        finally:
            process.kill()
            process.stdout.read()
        process.wait()
        # Its holder is gone, but who began as a reader stays one: half-way it would write with an old view.
        with pytest.raises(ReadOnly):
            await second.log.append(session_id(), [said("no")])
        assert len((await second.log.sessions()).items) >= 1
        await second.close()
    third = open_store(folder)
    assert third.read_only == ""
    await third.log.append(session_id(int(name[-16:])), [said("yes")])
    await third.close()


async def test_a_reader_outlives_an_orderly_writer(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    await open_session(first.log)
    second = open_store(tmp_path)
    assert "holds" in second.read_only
    await first.close()
    assert len((await second.log.sessions()).items) == 1
    assert (await second.log.session(session_id())) is not None
    await second.close()
    again = open_store(tmp_path)
    assert again.read_only == ""
    assert len((await again.log.sessions()).items) == 1
    await again.close()
