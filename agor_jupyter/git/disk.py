"""Turn what the file system refuses into the house's errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agor_jupyter.domain.errors import Conflict, StorageFull

_NEXT_TO_NOTHING = 16 << 20


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate an OSError of the block: `StorageFull`, or a `Conflict` that names the path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                f"{path} cannot be written: the disk is full.", hint="Free some space and try again."
            ) from error
        raise Conflict(
            f"{path} cannot be written: {error.strerror}.",
            hint="See that the server's user may write there.",
            path=str(path),
        ) from error


def is_full(folder: str | Path) -> bool:
    """Say whether next to nothing is left on the folder's disk."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _NEXT_TO_NOTHING
