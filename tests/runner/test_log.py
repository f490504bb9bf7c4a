"""The log's lines are whole, its offsets are boundaries, and a reader of the tail is woken."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import InvalidRequest, StorageFull
from agor_jupyter.runner.log import READ_BYTES, Log, read_file


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "events.jsonl")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"one\n", b"one\n"),
        (b"one\ntw", b"one\n"),
        (b"torn", b""),
        (b"one\n" + b"x" * 200_000, b"one\n"),
        (b"one\n\n", b"one\n\n"),
    ],
)
def test_a_torn_tail_is_cut_when_it_is_opened(path: str, before: bytes, after: bytes) -> None:
    Path(path).write_bytes(before)
    log = Log(path)
    assert log.size == len(after)
    log.append([b"next\n"])
    log.close()
    assert Path(path).read_bytes() == after + b"next\n"


def test_a_torn_tail_is_not_read(path: str) -> None:
    Path(path).write_bytes(b"one\ntwo\ntor")
    assert read_file(path, 0) == [(4, b"one\n"), (8, b"two\n")]
    assert read_file(path, 4) == [(8, b"two\n")]


def test_offsets_follow_the_lines(path: str) -> None:
    log = Log(path)
    lines = [b"a\n", "ü\r\n".encode(), b"\n", b"x" * (READ_BYTES * 3) + b"\n", b"last\n"]
    log.append(lines)
    offset, read = 0, []
    while found := log.read(offset):
        read += [line for _, line in found]
        offset = found[-1][0]
    assert read == lines
    assert offset == log.size
    assert log.is_boundary(2)
    assert not log.is_boundary(1)
    assert not log.is_boundary(log.size + 1)
    log.close()


def test_a_reader_cannot_begin_inside_a_line(path: str) -> None:
    Path(path).write_bytes(b"one\ntwo\n")
    for offset in (2, 100):
        with pytest.raises(InvalidRequest):
            read_file(path, offset)


def test_a_full_disk_leaves_no_half_line(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(path)
    log.append([b"one\n"])
    real = os.write
    calls = 0

    def full(fd: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return real(fd, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageFull):
        log.append([b"second\n"])
    monkeypatch.undo()
    assert Path(path).read_bytes() == b"one\n"
    log.append([b"third\n"])
    log.close()
    assert Path(path).read_bytes() == b"one\nthird\n"


async def test_the_tail_wakes_its_readers(path: str) -> None:
    log = Log(path)
    waiting = [asyncio.create_task(log.wait_longer_than(0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(job.done() for job in waiting)
    log.append([b"x\n"])
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)
        await log.wait_longer_than(1)
    log.close()


def test_the_log_is_private(path: str) -> None:
    before = os.umask(0)
    try:
        Log(path).close()
    finally:
        os.umask(before)
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_a_symlink_is_not_followed(path: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    Path(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        Log(path)
