"""Unix time that does not jump while a task runs, so that what it took is what it took.

A machine's clock is set: by hand, or by the network after a long sleep. The time of a task's events is
the clock's when the task began, and what has passed since.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def passed_ns() -> int:
    """Give the time since some point in the past. On Linux a sleep of the machine counts."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if number is None else time.clock_gettime_ns(number)


class SteadyClock:
    """Milliseconds since the Unix epoch; they follow the machine's clock at each `set`, and only then."""

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, passed_ns: Callable[[], int] = passed_ns
    ) -> None:
        self._wall_ns, self._passed_ns = wall_ns, passed_ns
        self.set()

    def set(self) -> None:
        self._ahead_ns = self._wall_ns() - self._passed_ns()

    def __call__(self) -> int:
        return (self._passed_ns() + self._ahead_ns) // 1_000_000
