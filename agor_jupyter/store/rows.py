"""Many rows in one statement.

Each statement that Python's sqlite3 runs lets go of the interpreter's lock and must get it back,
against an event loop that is busy at that moment. One statement for 128 rows does so once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain

SIZES = (128, 32, 8, 1)
"""How many rows a statement may have: few sizes, so that each stays prepared."""

Row = tuple[object, ...]


class Insert:
    """`INSERT INTO <table> (<columns>) VALUES … <tail>`, for any number of rows."""

    def __init__(self, table: str, columns: Sequence[str], tail: str = "") -> None:
        row = f"({', '.join('?' * len(columns))})"
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608  # our own words only
        self._statements = {size: f"{head}{', '.join([row] * size)} {tail}" for size in SIZES}

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        start = 0
        for size in SIZES:
            statement = self._statements[size]
            while len(rows) - start >= size:
                connection.execute(statement, tuple(chain.from_iterable(rows[start : start + size])))
                start += size
