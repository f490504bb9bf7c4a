"""Opens files that somebody else may have made: only plain ones, and without ever waiting for one.

A pipe in a git folder would hold whoever opens it, which may be the server's loop, till somebody writes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file for reading; links are followed. Raises `OSError`, also for what is no plain file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        yield file


def read(path: Path, most_bytes: int = -1) -> bytes:
    """Read a plain file, or its first `most_bytes`. Raises `OSError` as `opened` does."""
    with opened(path) as file:
        return file.read(most_bytes)
