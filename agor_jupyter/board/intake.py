"""The one way by which a client's update gets into a layout document.

Read strictly, required to follow, judged, applied, inspected, mended: see `updates` and `shape` for
the reasons. Everything here happens in one go on the event loop, so no tick can send a document that
is not mended yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycrdt import Doc, Map

from agor_jupyter.board import migrate, shape
from agor_jupyter.board.lib0 import Unreadable
from agor_jupyter.board.updates import read_state, read_update


class Refused(Unreadable):
    """It can be read, but no sound client writes it. What it changed, if anything, was undone."""


class Intake:
    """Takes updates of clients into `doc`. `applying` is true while one is applied."""

    def __init__(self, doc: Doc[Any]) -> None:
        self.applying = False
        self._doc = doc
        self._state: dict[int, int] | None = None
        self._inspector = shape.Inspector()
        # The maps must live as long as their observers: a dropped one observes no more.
        self._roots: dict[str, Map[Any]] = {}
        for name in (shape.META, *shape.ENTRY_MAPS):
            root: Map[Any] = doc.get(name, type=Map)
            root.observe_deep(self._observer(name))
            self._roots[name] = root

    def _observer(self, name: str) -> Callable[[Any], None]:
        def saw(events: Any) -> None:
            if self.applying:
                self._inspector.saw(name, events)

        return saw

    def forget_state(self) -> None:
        """Someone else wrote: the state vector must be read again."""
        self._state = None

    def take(self, data: bytes) -> bool:
        """Apply an update; False when it rests on something unknown and was left out.

        Raises `Unreadable` for what cannot be read, `Refused` for what does not belong on a board.
        """
        update = read_update(data)
        state = self._known()
        if not update.adds_to(state):
            return True
        if not update.follows(state):
            return False
        if reason := shape.refusal(update):
            raise Refused(reason)
        self._apply(data)
        for client, _, end in update.blocks:
            state[client] = max(state.get(client, 0), end)
        if self._mend():
            raise Refused("a change that does not fit the board")
        return True

    def _known(self) -> dict[int, int]:
        """Give the document's state vector, kept up to date while only clients write."""
        if self._state is None:
            self._state = read_state(self._doc.get_state())
        return self._state

    def _apply(self, data: bytes) -> None:
        self.applying = True
        try:
            self._doc.apply_update(data)
        except (ValueError, RuntimeError) as error:
            self._state = None
            self._mend()
            raise Refused(str(error)) from error
        finally:
            self.applying = False

    def _mend(self) -> bool:
        meta_touched = self._inspector.meta_touched
        bad = self._inspector.findings(self._roots)
        self.applying = False
        wrong = meta_touched and migrate.restore(self._doc)
        if bad:
            with self._doc.transaction():
                shape.delete(self._roots, bad)
        if not wrong and not bad:
            return False
        self._state = None
        return True
