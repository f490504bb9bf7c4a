"""The byte encoding that Yjs speaks (lib0): variable-length integers, strings, any-values.

Read strictly: what is cut short, over-long or left over is `Unreadable`, never guessed. pycrdt's own
decoder accepts a truncated message and counts characters where the format counts bytes.
Source: the lib0 encoding of the Yjs protocol documents.
"""

from __future__ import annotations

import struct
from typing import Any

MAX_SAFE = 2**53 - 1
"""Ids are JavaScript's safe integers."""

_MAX_DEPTH = 8
_UNDEFINED, _NULL, _INTEGER, _FLOAT32, _FLOAT64, _BIGINT = 127, 126, 125, 124, 123, 122
_FALSE, _TRUE, _STRING, _OBJECT, _ARRAY, _BYTES = 121, 120, 119, 118, 117, 116


class Unreadable(ValueError):
    """The bytes are not what the protocol says."""


class Reader:
    """A cursor over bytes. Every method raises `Unreadable` at the end of them."""

    __slots__ = ("_bytes", "_end", "_place")

    def __init__(self, data: bytes, place: int = 0) -> None:
        self._bytes = data
        self._place = place
        self._end = len(data)

    @property
    def left(self) -> int:
        return self._end - self._place

    def byte(self) -> int:
        place = self._place
        if place >= self._end:
            raise Unreadable("it ends too early")
        self._place = place + 1
        return self._bytes[place]

    def uint(self) -> int:
        """Read an unsigned integer of at most 53 bits."""
        data, place, end = self._bytes, self._place, self._end
        number = shift = 0
        while True:
            if place >= end:
                raise Unreadable("a number ends too early")
            part = data[place]
            place += 1
            number |= (part & 127) << shift
            if part < 128:
                if part == 0 and shift:  # the same number in more bytes: guards and decoders would differ
                    raise Unreadable("a number is padded")
                break
            shift += 7
            if shift > 49:
                raise Unreadable("a number is too long")
        self._place = place
        if number > MAX_SAFE:
            raise Unreadable("a number is too large")
        return number

    def sint(self) -> int:
        """Read a signed integer: the first byte holds the sign and six bits."""
        first = self.byte()
        number, negative = first & 63, bool(first & 64)
        shift, more = 6, bool(first & 128)
        while more:
            part = self.byte()
            number |= (part & 127) << shift
            shift += 7
            more = part >= 128
            if shift > 62:
                raise Unreadable("a number is too long")
        return -number if negative else number

    def block(self) -> bytes:
        """Read a length and that many bytes."""
        length = self.uint()
        if length > self.left:
            raise Unreadable("a block ends too early")
        return self._take(length)

    def string(self) -> str:
        try:
            return self.block().decode()
        except UnicodeDecodeError as error:
            raise Unreadable("a text is not UTF-8") from error

    def _take(self, length: int) -> bytes:
        if length > self.left:
            raise Unreadable("a value ends too early")
        start = self._place
        self._place = start + length
        return self._bytes[start : self._place]

    def value(self, depth: int = 0) -> Any:  # JSON: any shape is legal here
        """Read a self-describing value. Undefined reads as None."""
        if depth > _MAX_DEPTH:
            raise Unreadable("a value is nested too deeply")
        kind = self.byte()
        if kind in (_UNDEFINED, _NULL):
            return None
        if kind in (_FALSE, _TRUE):
            return kind == _TRUE
        if kind == _INTEGER:
            return self.sint()
        if kind in (_FLOAT64, _FLOAT32, _BIGINT):
            return self._number(kind)
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return [self.value(depth + 1) for _ in range(self._count())]
        if kind == _OBJECT:
            return {self.string(): self.value(depth + 1) for _ in range(self._count())}
        if kind == _BYTES:
            return self.block()
        raise Unreadable("a value has no known kind")

    def _number(self, kind: int) -> Any:
        form, length = {_FLOAT64: (">d", 8), _FLOAT32: (">f", 4), _BIGINT: (">q", 8)}[kind]
        return struct.unpack(form, self._take(length))[0]

    def _count(self) -> int:
        count = self.uint()
        if count > self.left:  # each takes a byte at least: no allocation from a lie
            raise Unreadable("a list is longer than its bytes")
        return count


def uint(number: int) -> bytes:
    """Write an unsigned integer."""
    if number < 128:
        return bytes((number,))
    parts = bytearray()
    while number > 127:
        parts.append(128 | (number & 127))
        number >>= 7
    parts.append(number)
    return bytes(parts)


def block(data: bytes) -> bytes:
    """Write a length and the bytes."""
    return uint(len(data)) + data
