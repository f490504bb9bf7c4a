"""Reading a Yjs update (format 1) before it may touch a document.

A crafted update can make the CRDT library crash the whole process (seen: a segmentation fault
after some thousand mutated updates, when it merges what it keeps for later). So an update from a
client is read here first, strictly; and it is applied only when it *follows*: when everything that
it refers to is known, so that the library never has to keep anything for later.

This reads; `shape` judges what is written. Source: the Yjs document's internals page (INTERNALS.md
and UpdateEncoder version 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agor_jupyter.board.lib0 import Reader, Unreadable

MAX_CLOCK = 2**31

_GC, _DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC, _SKIP = range(11)
TYPE_MAP = 1
_NAMED_TYPES = (3, 5)
_KNOWN_TYPES = range(7)


class Unsupported(Unreadable):
    """A kind of content that this reader does not know: legal for the library, not for a board."""


@dataclass(frozen=True, slots=True)
class MapValue:
    """A new nested map. Its entries come as writes of their own."""


@dataclass(frozen=True, slots=True)
class OtherValue:
    """Content that no board has: text, arrays, XML, embeds, sub-documents."""

    kind: int


@dataclass(frozen=True, slots=True)
class Write:
    """One value that an update writes.

    `root` names the shared map it stands in, None inside a nested map. `key` is None where the
    place is inherited (the value replaces an older one); `inherited` tells that from a list item.
    """

    root: str | None
    key: str | None
    inherited: bool
    value: Any  # JSON, MapValue or OtherValue


@dataclass(slots=True)
class Update:
    blocks: list[tuple[int, int, int]] = field(default_factory=list)
    """(client, first clock, clock after the last)."""
    needs: list[tuple[int, int]] = field(default_factory=list)
    deletes: list[tuple[int, int]] = field(default_factory=list)
    """(client, clock after the last deleted)."""
    writes: list[Write] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.blocks and not self.deletes

    def follows(self, state: Mapping[int, int]) -> bool:
        """Say whether a document of `state` knows all that this update refers to."""
        known = dict(state)
        for client, first, end in self.blocks:
            if first > known.get(client, 0):
                return False
            known[client] = max(known.get(client, 0), end)
        return all(clock < known.get(client, 0) for client, clock in self.needs) and all(
            end <= known.get(client, 0) for client, end in self.deletes
        )

    def adds_to(self, state: Mapping[int, int]) -> bool:
        """Say whether it may hold anything new for a document of `state`."""
        return bool(self.deletes) or any(end > state.get(client, 0) for client, _, end in self.blocks)


def read_state(data: bytes) -> dict[int, int]:
    """Read a state vector: client → clock."""
    reader = Reader(data)
    state: dict[int, int] = {}
    for _ in range(reader.uint()):
        client = reader.uint()
        state[client] = reader.uint()
    if reader.left:
        raise Unreadable("bytes are left over")
    return state


def read_update(data: bytes) -> Update:
    """Read an update whole. Raises `Unreadable`, or `Unsupported` for kinds unknown here."""
    reader = Reader(data)
    update = Update()
    seen: set[int] = set()
    for _ in range(reader.uint()):
        count, client, clock = reader.uint(), reader.uint(), reader.uint()
        if client in seen or count == 0 or count > reader.left:
            raise Unreadable("a client's block is malformed")
        seen.add(client)
        first = clock
        for _ in range(count):
            clock += _struct(reader, update)
            if clock > MAX_CLOCK:
                raise Unreadable("a clock is too large")
        update.blocks.append((client, first, clock))
    _deletions(reader, update)
    if reader.left:
        raise Unreadable("bytes are left over")
    return update


def _deletions(reader: Reader, update: Update) -> None:
    for _ in range(reader.uint()):
        client, ranges = reader.uint(), reader.uint()
        if ranges > reader.left:
            raise Unreadable("a list of deletions is longer than its bytes")
        for _ in range(ranges):
            clock, length = reader.uint(), reader.uint()
            if length == 0 or clock + length > MAX_CLOCK:
                raise Unreadable("a deletion is malformed")
            update.deletes.append((client, clock + length))


def _struct(reader: Reader, update: Update) -> int:
    """Read one struct; give how many clock ticks it takes."""
    info = reader.byte()
    kind = info & 31
    if kind == _GC or info == _SKIP:
        length = reader.uint()
        if length == 0:
            raise Unreadable("a gap of nothing")
        if info == _SKIP:
            raise Unsupported("the update has a gap")
        return length
    root: str | None = None
    key: str | None = None
    if info & 128:
        update.needs.append((reader.uint(), reader.uint()))
    if info & 64:
        update.needs.append((reader.uint(), reader.uint()))
    inherited = bool(info & 192)
    if not inherited:
        if reader.uint() == 1:
            root = reader.string()
        else:
            update.needs.append((reader.uint(), reader.uint()))
        if info & 32:
            key = reader.string()
    length, value = _content(reader, kind)
    if value is not _NOTHING:
        update.writes.append(Write(root, key, inherited, value))
    return length


_NOTHING = object()
"""What a deleted item holds."""


def _content(reader: Reader, kind: int) -> tuple[int, Any]:
    if kind == _ANY:
        values = [reader.value() for _ in range(_positive(reader))]
        return len(values), values[0] if len(values) == 1 else OtherValue(kind)
    if kind == _DELETED:
        return _positive(reader), _NOTHING
    if kind == _TYPE:
        return 1, _type(reader)
    if kind == _STRING:
        text = reader.string()
        if not text:
            raise Unreadable("an empty text")
        return len(text.encode("utf-16-le")) // 2, OtherValue(kind)
    if kind == _JSON:
        length = _positive(reader)
        for _ in range(length):
            reader.string()
        return length, OtherValue(kind)
    if kind in (_BINARY, _EMBED):
        reader.block()
    elif kind == _FORMAT:
        reader.string()
        reader.string()
    elif kind == _DOC:
        reader.string()
        reader.value()
    else:
        raise Unsupported("an unknown kind of content")
    return 1, OtherValue(kind)


def _type(reader: Reader) -> MapValue | OtherValue:
    reference = reader.uint()
    if reference not in _KNOWN_TYPES:
        raise Unsupported("an unknown shared type")
    if reference in _NAMED_TYPES:
        reader.string()
    return MapValue() if reference == TYPE_MAP else OtherValue(_TYPE)


def _positive(reader: Reader) -> int:
    length = reader.uint()
    if length == 0:
        raise Unreadable("content of nothing")
    return length
