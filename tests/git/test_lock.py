"""The lock of a repository."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import TimedOut
from agor_jupyter.git.lock import RepoLocks

COMMON = Path("/somewhere/.git")
HOLD = """
import asyncio, sys
from pathlib import Path
from agor_jupyter.git.lock import RepoLocks
async def main():
    async with RepoLocks(Path(sys.argv[1])).hold(Path("/somewhere/.git")):
        print("held", flush=True)
        sys.stdin.read()
asyncio.run(main())
"""


async def test_one_holder_within_a_process(tmp_path: Path) -> None:
    locks = RepoLocks(tmp_path / "locks")
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with locks.hold(COMMON):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert most == 1


async def test_another_process_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "locks")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin and holder.stdout
    try:
        assert holder.stdout.readline() == b"held\n"
        locks = RepoLocks(tmp_path / "locks")
        began = time.monotonic()
        with pytest.raises(TimedOut, match="Another operation"):
            async with locks.hold(COMMON, timeout_seconds=0.2):
                pass
        assert time.monotonic() - began < 5
        async with locks.hold(Path("/another/.git"), timeout_seconds=1):
            pass
        holder.kill()  # a killed holder leaves no lock behind
        async with locks.hold(COMMON, timeout_seconds=10):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


async def test_the_queue_in_a_process_has_the_deadline_too(tmp_path: Path) -> None:
    locks = RepoLocks(tmp_path / "locks")
    async with locks.hold(COMMON):
        with pytest.raises(TimedOut):
            async with locks.hold(COMMON, timeout_seconds=0.05):
                pass
    async with locks.hold(COMMON, timeout_seconds=1):
        pass


async def test_a_child_that_inherits_keeps_the_lock(tmp_path: Path) -> None:
    locks = RepoLocks(tmp_path / "locks")
    async with locks.hold(COMMON) as descriptor:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(descriptor,))
    try:
        with pytest.raises(TimedOut):
            async with locks.hold(COMMON, timeout_seconds=0.1):
                pass
    finally:
        child.kill()
        child.wait()
    async with locks.hold(COMMON, timeout_seconds=5):
        pass


async def test_the_lock_is_private(tmp_path: Path) -> None:
    async with RepoLocks(tmp_path / "locks").hold(COMMON):
        (file,) = (tmp_path / "locks").iterdir()
        assert os.stat(file).st_mode & 0o777 == 0o600
        assert os.stat(tmp_path / "locks").st_mode & 0o777 == 0o700
