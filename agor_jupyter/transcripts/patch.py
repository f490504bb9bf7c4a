"""What stands in a notebook, what should stand there → the fewest operations between them. Pure.

A person's cells are never touched. Ours are found by id wherever somebody moved them.
`apply` performs the operations on notebook JSON; `live` performs them on an open document.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agor_jupyter.transcripts.notebook import (
    HEAD_ID,
    Cell,
    Drawing,
    Notebook,
    Output,
    agor_of,
    is_own,
    prompt_sha,
    source_of,
)


@dataclass(frozen=True)
class InsertCell:
    """Put `cell` before the cell `before`, or at the end."""

    cell: Cell
    before: str | None


@dataclass(frozen=True)
class RemoveCell:
    id: str


@dataclass(frozen=True)
class SetSource:
    id: str
    source: str


@dataclass(frozen=True)
class SetCellMetadata:
    """Set `metadata.agor` and the tags; every other key is the person's."""

    id: str
    agor: dict[str, Any]
    tags: tuple[str, ...] | None


@dataclass(frozen=True)
class AppendOutput:
    id: str
    output: Output


@dataclass(frozen=True)
class ReplaceLastOutput:
    id: str
    output: Output


@dataclass(frozen=True)
class ResetOutputs:
    """Clear and extend in one transaction: the only way to change an output that is not the last."""

    id: str
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class SetNotebookMetadata:
    agor: dict[str, Any]


Operation = (
    InsertCell
    | RemoveCell
    | SetSource
    | SetCellMetadata
    | AppendOutput
    | ReplaceLastOutput
    | ResetOutputs
    | SetNotebookMetadata
)


def plan(agor: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], drawing: Drawing) -> list[Operation]:
    """Plan how a notebook with metadata `agor` and `cells` becomes what `drawing` shows.

    `cells` may hold bare `{"id": …}` for those that are not in the drawing.
    """
    present: dict[str, Mapping[str, Any]] = {}
    for cell in cells:
        present.setdefault(str(cell.get("id", "")), cell)
    operations: list[Operation] = []
    if drawing.whole:
        wanted = {cell["id"] for cell in drawing.cells}
        operations += [RemoveCell(key) for key, cell in present.items() if is_own(cell) and key not in wanted]
    seen = -1 if drawing.whole else _seen(agor)
    for at, cell in enumerate(drawing.cells):
        old = present.get(cell["id"])
        if old is not None and old.get("cell_type") == cell["cell_type"]:
            operations += _changes(old, cell, drawing.whole)
        elif old is not None:
            # A person made another kind of cell of it: theirs, unless all is drawn again.
            operations += [InsertCell(cell, cell["id"]), RemoveCell(cell["id"])] if drawing.whole else []
        elif _is_new(cell, seen):
            operations.append(InsertCell(cell, _successor(drawing.cells[at + 1 :], present, cell)))
    if dict(agor) != drawing.agor:
        operations.append(SetNotebookMetadata(drawing.agor))
    return operations


def _seen(agor: Mapping[str, Any]) -> int:
    """Say up to which event the notebook was drawn; -1 when it never was."""
    seen = agor.get("last_seq")
    return int(seen) if isinstance(seen, int | float) else -1


def _is_new(cell: Cell, seen: int) -> bool:
    """Say whether the notebook cannot have shown this cell yet: else a person deleted it."""
    first = 0 if cell["id"] == HEAD_ID else agor_of(cell).get("first_seq", 0)
    return int(first) > seen


def _successor(later: Sequence[Cell], present: Mapping[str, Mapping[str, Any]], cell: Cell) -> str | None:
    if cell["id"] == HEAD_ID:
        return next(iter(present), None)
    return next((other["id"] for other in later if other["id"] in present), None)


def _changes(old: Mapping[str, Any], new: Cell, whole: bool) -> list[Operation]:
    key = new["id"]
    operations: list[Operation] = []
    before = source_of(old)
    # A source whose fingerprint is not the one that we left was edited by a person.
    untouched = agor_of(old).get("source_sha") == prompt_sha(before)
    if before != new["source"] and (whole or untouched):
        operations.append(SetSource(key, new["source"]))
    old_metadata = old.get("metadata") or {}
    tags = _tags(old_metadata.get("tags"), new["metadata"].get("tags"))
    agor = new["metadata"]["agor"]
    if old_metadata.get("agor") != agor or tags is not None:
        operations.append(SetCellMetadata(key, agor, tags))
    if "outputs" in new:
        operations += _output_changes(key, list(old.get("outputs") or []), new["outputs"])
    return operations


def _tags(old: object, new: object) -> tuple[str, ...] | None:
    have = [tag for tag in old if isinstance(tag, str)] if isinstance(old, Sequence) else []
    want = [tag for tag in new if isinstance(tag, str)] if isinstance(new, Sequence) else []
    missing = [tag for tag in want if tag not in have]
    return (*have, *missing) if missing else None


def _output_changes(key: str, old: list[Output], new: list[Output]) -> list[Operation]:
    if old == new:
        return []
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    operations: list[Operation] = []
    if same == len(old):
        pass
    elif same == len(old) - 1 and len(new) >= len(old):
        operations.append(ReplaceLastOutput(key, new[same]))
        same += 1
    else:
        return [ResetOutputs(key, tuple(new))]
    return operations + [AppendOutput(key, output) for output in new[same:]]


def apply(notebook: Notebook, operations: Sequence[Operation]) -> Notebook:
    """Perform operations on notebook JSON, giving a new notebook. Unknown cell ids are left alone."""
    result: Notebook = {**notebook, "cells": list(notebook.get("cells", []))}
    for operation in operations:
        _perform(result, operation)
    return result


def _perform(notebook: Notebook, operation: Operation) -> None:
    cells: list[Cell] = notebook["cells"]
    match operation:
        case SetNotebookMetadata(agor=agor):
            notebook["metadata"] = {**notebook.get("metadata", {}), "agor": agor}
        case InsertCell(cell=cell, before=before):
            at = _index(cells, before) if before is not None else None
            cells.insert(len(cells) if at is None else at, copy.deepcopy(cell))
        case RemoveCell(id=key):
            at = _index(cells, key)
            if at is not None:
                del cells[at]
        case _:
            at = _index(cells, operation.id)
            if at is not None:
                cells[at] = _changed(cells[at], operation)


def _index(cells: Sequence[Cell], key: str) -> int | None:
    return next((at for at, cell in enumerate(cells) if cell.get("id") == key), None)


def _changed(
    cell: Cell, operation: SetSource | SetCellMetadata | AppendOutput | ReplaceLastOutput | ResetOutputs
) -> Cell:
    match operation:
        case SetSource(source=source):
            return {**cell, "source": source}
        case SetCellMetadata(agor=agor, tags=tags):
            extra = {} if tags is None else {"tags": list(tags)}
            return {**cell, "metadata": {**cell.get("metadata", {}), "agor": agor, **extra}}
        case AppendOutput(output=output):
            return {**cell, "outputs": [*cell.get("outputs", []), output]}
        case ReplaceLastOutput(output=output):
            return {**cell, "outputs": [*cell.get("outputs", [])[:-1], output]}
        case ResetOutputs(outputs=outputs):
            return {**cell, "outputs": list(outputs)}
