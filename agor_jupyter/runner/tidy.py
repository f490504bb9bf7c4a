"""Keeps the runner's own output (not its event log) within bounds."""

from __future__ import annotations

import os
from pathlib import Path

OUTPUT_BYTES = 1 << 20
KEPT_BYTES = 64 * 1024


def trim_output(path: Path) -> None:
    """Cut a file that has grown past `OUTPUT_BYTES` down to its end, in place.

    In place, for this process prints into it: it was opened to be appended to, so every writer goes
    on at the new end.
    """
    try:
        if path.stat().st_size <= OUTPUT_BYTES:
            return
        with path.open("r+b") as file:
            file.seek(-KEPT_BYTES, os.SEEK_END)
            kept = file.read()
            file.seek(0)
            file.write(b"[older lines were cut]\n" + kept)
            file.truncate()
    except FileNotFoundError:
        return
