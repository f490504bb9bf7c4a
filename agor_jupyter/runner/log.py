"""The runner's log file: whole lines appended, read from a byte offset.

It knows bytes and offsets; what a line means is `runner.protocol`'s business.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence

from agor_jupyter.domain.errors import InvalidRequest, StorageFull

READ_BYTES = 256 * 1024
_BACKWARDS = 64 * 1024


class Log:
    """The one writer of a log. Opening it cuts off a torn last line.

    Invariant: every byte below `size` belongs to a line with its newline, so any reader may read
    up to `size` at any moment.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(path, flags, 0o600)
        self.size = cut_torn_tail(self._fd)
        self._grown = asyncio.Event()

    def append(self, lines: Sequence[bytes]) -> int:
        """Append lines (each with its newline) and give the new size. All of them, or none.

        Raises `StorageFull`; the file is then as it was before.
        """
        data = b"".join(lines)
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError as error:
            os.ftruncate(self._fd, self.size)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("The runner's log cannot grow.", hint="Free some space.") from error
            raise
        self.size += len(data)
        self._grown.set()
        self._grown = asyncio.Event()
        return self.size

    def read(self, offset: int, limit: int = READ_BYTES) -> list[tuple[int, bytes]]:
        """Read whole lines after `offset`, about `limit` bytes of them, each with the offset after it."""
        return read_lines(self._fd, offset, self.size, limit)

    def is_boundary(self, offset: int) -> bool:
        """Say whether a line begins at `offset`."""
        if offset == 0:
            return True
        return 0 < offset <= self.size and os.pread(self._fd, 1, offset - 1) == b"\n"

    async def wait_longer_than(self, offset: int) -> None:
        """Wait until there is a byte after `offset`."""
        while self.size <= offset:
            await self._grown.wait()

    def close(self) -> None:
        os.close(self._fd)


def cut_torn_tail(fd: int) -> int:
    """Cut what follows the last newline and give the size that is left."""
    end = os.fstat(fd).st_size
    place = end
    while place > 0:
        start = max(0, place - _BACKWARDS)
        found = os.pread(fd, place - start, start).rfind(b"\n")
        if found >= 0:
            keep = start + found + 1
            break
        place = start
    else:
        keep = 0
    if keep != end:
        os.ftruncate(fd, keep)
    return keep


def read_lines(fd: int, offset: int, end: int, limit: int = READ_BYTES) -> list[tuple[int, bytes]]:
    """Read whole lines in `offset..end`: about `limit` bytes, but always one line if there is one."""
    size = limit
    while True:
        data = os.pread(fd, min(size, max(0, end - offset)), offset)
        whole = data.rfind(b"\n") + 1
        if whole or offset + len(data) >= end:
            break
        size *= 4
    lines: list[tuple[int, bytes]] = []
    for line in data[:whole].split(b"\n")[:-1]:
        offset += len(line) + 1
        lines.append((offset, line + b"\n"))
    return lines


def read_file(path: str, offset: int) -> list[tuple[int, bytes]]:
    """Read all whole lines of a log that nobody writes any more; a torn tail is left out."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = os.fstat(fd).st_size
        if offset > end or (offset > 0 and os.pread(fd, 1, offset - 1) != b"\n"):
            raise InvalidRequest(f"No line of the log begins at byte {offset}.", hint="Start again from 0.")
        lines: list[tuple[int, bytes]] = []
        while found := read_lines(fd, offset, end):
            lines.extend(found)
            offset = found[-1][0]
        return lines
    finally:
        os.close(fd)
