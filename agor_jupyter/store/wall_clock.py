"""The one place of this room that asks what time it is."""

from __future__ import annotations

import time


def wall_clock() -> int:
    """Give milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
