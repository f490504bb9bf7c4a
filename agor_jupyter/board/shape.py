"""What may stand in a layout document: the judge of what clients write.

Two looks, because one is not enough. Before an update is applied, `refusal` judges all that the
update says by itself: the shared map, kinds of content, sizes, the values of known keys. A value
that replaces an older one does not name its place in the bytes, so after the update was applied
`Inspector` looks at the entries that really changed and says what must go. The room deletes that in
the same tick, before any other client has seen it.

Rejected: a shadow document that takes every update first. It costs twice the memory and work, and a
client whose update is refused diverges for ever; deleting keeps everyone, the writer too, in step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pycrdt import Map

from agor_jupyter.board.updates import MapValue, OtherValue, Update
from agor_jupyter.domain.board import LAYOUT_SCHEMA

META = "meta"
ENTRY_MAPS = ("cards", "zones", "notes")
MAX_ENTRIES = 5_000
MAX_KEYS = 64
MAX_STRING_BYTES = 64 * 1024
MAX_KEY = 96
MAX_ARRAY = 64
MAX_COORDINATE = 10_000_000


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_place(value: object) -> bool:
    pair = isinstance(value, list) and len(value) == 2
    return pair and all(_is_number(each) and abs(each) <= MAX_COORDINATE for each in value)  # type: ignore[attr-defined]  # `pair` says that it is a list


def _is_size(value: object) -> bool:
    return _is_place(value) and all(each > 0 for each in value)  # type: ignore[attr-defined]  # a list of two


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value.encode()) <= 1024


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value.encode(errors="replace")) <= MAX_STRING_BYTES


_RULES: Mapping[str, Callable[[object], bool]] = {
    "pos": _is_place,
    "size": _is_size,
    "collapsed": _is_bool,
    "wide": _is_bool,
    "name": _is_name,
    "text": _is_text,
    "hue": _is_number,
    "order": _is_number,
}


def fits(key: str, value: object) -> bool:
    """Say whether `value` may stand under `key` of an entry. Unknown keys may hold small things."""
    rule = _RULES.get(key)
    return rule(value) if rule is not None else len(key) <= MAX_KEY and _is_small(value)


def _is_small(value: object) -> bool:
    if value is None or isinstance(value, bool) or _is_number(value):
        return True
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, list):
        return len(value) <= MAX_ARRAY and all(_is_number(each) or _is_name(each) for each in value)
    return False


def refusal(update: Update) -> str:
    """Say why an update of a client may not be applied at all; empty when it may."""
    for write in update.writes:
        value = write.value
        if isinstance(value, OtherValue):
            return "a kind of content that no board has"
        if write.root == META and write.key == "schema" and value == LAYOUT_SCHEMA:
            continue  # the server's own word, sent back by a client that knows more than a crash left
        if write.root is not None:
            if write.root not in ENTRY_MAPS:
                return f"the shared map {write.root[:40]!r} is not a client's to write"
            if write.key is None or not 0 < len(write.key) <= MAX_KEY:
                return "an entry without a proper id"
            if not isinstance(value, MapValue):
                return "an entry that is no map"
        elif not write.inherited:
            if write.key is None or isinstance(value, MapValue):
                return "something nested where a value belongs"
            if not fits(write.key, value):
                return f"{write.key[:40]!r} has a value that makes no sense"
        elif not isinstance(value, MapValue) and not _is_small(value):
            return "a value that is too large"
    return ""


@dataclass(frozen=True, slots=True)
class Bad:
    """What must go: a whole entry (`key` None) or one key of it."""

    root: str
    entry: str
    key: str | None = None


class Inspector:
    """Collects which entries an update changed and finds what does not fit.

    Feed `saw` from `observe_deep` of each entry map while a client's update is applied, then ask
    `findings`. It reads only the entries that changed.
    """

    def __init__(self) -> None:
        self._touched: dict[tuple[str, str], None] = {}
        self._added: dict[str, list[str]] = {}
        self.meta_touched = False

    def saw(self, root: str, events: list[Any]) -> None:
        if root == META:
            self.meta_touched = True
            return
        for event in events:
            path = event.path
            if path:
                self._touched[root, str(path[0])] = None
                continue
            for key, change in event.keys.items():
                if change["action"] != "delete":
                    self._touched[root, key] = None
                if change["action"] == "add":
                    self._added.setdefault(root, []).append(key)

    def findings(self, roots: Mapping[str, Any]) -> list[Bad]:
        """List what must go, and forget what was seen."""
        bad: list[Bad] = []
        for root, entry in self._touched:
            bad += _faults(roots[root], root, entry)
        for root, keys in self._added.items():
            over = len(roots[root]) - MAX_ENTRIES
            bad += [Bad(root, key) for key in keys[-over:]] if over > 0 else []
        self._touched.clear()
        self._added.clear()
        self.meta_touched = False
        return bad


def _faults(entries: Any, root: str, entry: str) -> list[Bad]:
    found = entries.get(entry)
    if found is None and entry not in entries:
        return []
    if not isinstance(found, Map):
        return [Bad(root, entry)]
    keys = list(found.keys())
    if len(keys) > MAX_KEYS:
        return [Bad(root, entry)]
    bad: list[Bad] = []
    for key in keys:
        value = found[key]
        if isinstance(value, Map) or not fits(key, value):
            bad.append(Bad(root, entry, key))
    return bad


def delete(roots: Mapping[str, Any], bad: list[Bad]) -> None:
    """Delete what was found, inside the caller's transaction."""
    for each in bad:
        entries = roots[each.root]
        if each.entry not in entries:
            continue
        if each.key is None:
            del entries[each.entry]
            continue
        found = entries[each.entry]
        if isinstance(found, Map) and each.key in found:
            del found[each.key]
