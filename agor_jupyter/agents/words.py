"""The words of a file that an agent means to change, as they are shown to whoever is asked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agor_jupyter.agents.clip import LIMIT

MOST_BYTES = 4 * LIMIT


def words_of(path: Path) -> str | None:
    """Read a text file of a size that can be shown. None: there is none, or it cannot be shown.

    The agent names the path, and nobody has allowed anything yet: a pipe must not hold us, and a device
    says that it is empty and never ends.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(MOST_BYTES + 1)
        return data.decode("utf-8") if len(data) <= MOST_BYTES else None
    except (OSError, ValueError):
        return None
