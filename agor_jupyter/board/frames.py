"""Frames of the y-websocket protocol: sync messages and awareness messages, as bytes and back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from agor_jupyter.board.lib0 import Reader, Unreadable, block, uint


class Kind(IntEnum):
    STEP1 = 0
    STEP2 = 1
    UPDATE = 2
    AWARENESS = 10
    QUERY_AWARENESS = 11
    OTHER = 12


SYNC, AWARENESS, AUTH, QUERY_AWARENESS = 0, 1, 2, 3
EMPTY_UPDATE = b"\x00\x00"
"""An update of nothing: no structs, no deletions."""


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one client says of itself. `state` is JSON text; "null" means that it left."""

    client_id: int
    clock: int
    state: str


def read_frame(data: object) -> Frame:
    """Take a message apart. Raises `Unreadable` for text, for what is cut short or left over."""
    if not isinstance(data, bytes) or not data:
        raise Unreadable("it is no binary frame")
    reader = Reader(data)
    kind = reader.uint()
    if kind == SYNC:
        step = reader.uint()
        if step > Kind.UPDATE:
            raise Unreadable("an unknown sync message")
        return Frame(Kind(step), _whole(reader))
    if kind == AWARENESS:
        return Frame(Kind.AWARENESS, _whole(reader))
    if kind == QUERY_AWARENESS:
        return Frame(Kind.QUERY_AWARENESS)
    if kind == AUTH:
        return Frame(Kind.OTHER)
    raise Unreadable("an unknown message")


def _whole(reader: Reader) -> bytes:
    payload = reader.block()
    if reader.left:
        raise Unreadable("bytes are left over")
    return payload


def step1(state: bytes) -> bytes:
    return b"\x00\x00" + block(state)


def step2(update: bytes) -> bytes:
    return b"\x00\x01" + block(update)


def update_frame(update: bytes) -> bytes:
    return b"\x00\x02" + block(update)


def read_announcements(payload: bytes) -> list[Announcement]:
    """Read an awareness message's payload. JSON is not judged here."""
    reader = Reader(payload)
    count = reader.uint()
    if count > reader.left:
        raise Unreadable("an awareness message is longer than its bytes")
    found = [Announcement(reader.uint(), reader.uint(), reader.string()) for _ in range(count)]
    if reader.left:
        raise Unreadable("bytes are left over")
    return found


def awareness_frame(announcements: list[Announcement]) -> bytes:
    """Make an awareness message. An empty list makes a message that only shows signs of life."""
    parts = [uint(len(announcements))]
    for each in announcements:
        parts += [uint(each.client_id), uint(each.clock), block(each.state.encode())]
    return uint(AWARENESS) + block(b"".join(parts))
