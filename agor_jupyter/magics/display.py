"""Show a turn in one display that is updated at most eight times a second, and the errors in one line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from IPython.display import display

from agor_jupyter.magics.fold import Fold

UPDATES_A_SECOND = 8


class Handle(Protocol):
    """IPython's `DisplayHandle`, as far as it is used here."""

    def update(self, data: dict[str, Any], *, raw: bool) -> None: ...


def open_display(bundle: dict[str, Any]) -> Handle:
    handle: Handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython's
    return handle


class Painter:
    """Paints a fold when it changed, not more often than a person can see."""

    def __init__(
        self,
        fold: Fold,
        opening: Callable[[dict[str, Any]], Handle] = open_display,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fold, self._clock = fold, clock
        self._handle = opening(fold.bundle())
        self._painted_at = clock()
        self._later: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Paint now, or as soon as the last painting is an eighth of a second ago."""
        if self._later is not None:
            return
        wait = self._painted_at + 1 / UPDATES_A_SECOND - self._clock()
        if wait <= 0:
            self.paint()
        else:
            self._later = asyncio.get_running_loop().call_later(wait, self.paint)

    def paint(self) -> None:
        """Paint at once what the fold shows."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._painted_at = self._clock()
        self._handle.update(self._fold.bundle(), raw=True)


class AgorError(Exception):
    """An error that a cell shows in one red line. Its text never holds a token."""

    def _render_traceback_(self) -> list[str]:
        return [_red(f"agor: {self}")]


class Interrupted(KeyboardInterrupt):
    """The person stopped the cell; the agent was stopped with it."""

    def _render_traceback_(self) -> list[str]:
        return [_red(f"agor: {self.args[0] if self.args else 'interrupted'}")]


def _red(text: str) -> str:
    return f"\x1b[31m{' '.join(text.split())}\x1b[0m"
