"""The schema of a board's documents, and what becomes of one of another schema.

There is one schema so far. A document of a newer one is shown and never written: this version would
not know what it destroys. When a second schema comes, its step from the first stands here.
"""

from __future__ import annotations

from typing import Any

from pycrdt import Doc, Map

from agor_jupyter.domain.board import LAYOUT_SCHEMA
from agor_jupyter.domain.errors import ReadOnly

META = "meta"


def prepare(doc: Doc[Any]) -> str:
    """Bring a document to this version's schema; give why it is read-only, or an empty text.

    A new document gets the schema written. Call it before anybody may write.
    """
    meta = doc.get(META, type=Map)
    schema = meta.get("schema")
    if schema is None:
        meta["schema"] = LAYOUT_SCHEMA
        return ""
    if schema == LAYOUT_SCHEMA:
        return ""
    if isinstance(schema, int | float) and schema > LAYOUT_SCHEMA:
        return f"This board was saved by a newer version (schema {schema:g}; this one knows {LAYOUT_SCHEMA})."
    return "This board's schema cannot be read."


def restore(doc: Doc[Any]) -> bool:
    """Put the schema right after a client touched it; give whether anything was wrong."""
    meta = doc.get(META, type=Map)
    strange = [key for key in list(meta.keys()) if key not in ("schema", "board")]
    if not strange and meta.get("schema") == LAYOUT_SCHEMA:
        return False
    with doc.transaction():
        for key in strange:
            del meta[key]
        meta["schema"] = LAYOUT_SCHEMA
    return True


def read_only_error(reason: str) -> ReadOnly:
    """Make the error for a write to a document that this version may not write."""
    return ReadOnly(reason, hint="Update agor-jupyter on this server; until then the board can only be read.")
