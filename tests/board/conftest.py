"""Fixtures of the board's tests; what they are made of stands in `tables`."""

from tests.board.tables import make_table, table

__all__ = ["make_table", "table"]
