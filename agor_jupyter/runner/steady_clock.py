"""Unix time that does not jump while a task runs, so that what it took is what it took.

A machine's clock is set: by hand, or by the network after a long sleep. The time of a task's events is
the clock's when the task began, and what has passed since. A server's own clock has no such moment: it
follows one that was set when it has stayed so for an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable


def passed_ns() -> int:
    """Give the time since some point in the past. On Linux a sleep of the machine counts."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if number is None else time.clock_gettime_ns(number)


SECOND_NS = 1_000_000_000
STEP_NS = 2 * SECOND_NS
"""What is more than drift."""

FOLLOWS_NS = 3600 * SECOND_NS


class SteadyClock:
    """Milliseconds since the Unix epoch; they follow the machine's clock at each `set`.

    With `follows`, also when that has been another one for an hour.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        passed_ns: Callable[[], int] = passed_ns,
        *,
        follows: bool = False,
    ) -> None:
        self._wall_ns, self._passed_ns, self._follows = wall_ns, passed_ns, follows
        self.set()

    def set(self) -> None:
        self._ahead_ns = self._wall_ns() - self._passed_ns()
        self._apart_since: int | None = None

    def __call__(self) -> int:
        passed = self._passed_ns()
        if self._follows:
            self._follow(passed)
        return (passed + self._ahead_ns) // 1_000_000

    def _follow(self, passed: int) -> None:
        if abs(self._wall_ns() - passed - self._ahead_ns) < STEP_NS:
            self._apart_since = None
        elif self._apart_since is None:
            self._apart_since = passed
        elif passed - self._apart_since >= FOLLOWS_NS:
            self.set()
