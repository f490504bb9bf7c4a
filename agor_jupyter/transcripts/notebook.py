"""The words of a transcript notebook: its MIME types, its cell ids, what a drawing of it is.

Not for reading or writing one: see `read`, `patch` and `sink`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Notebook JSON is nbformat's: any shape is legal in metadata and data.
Cell = dict[str, Any]
Output = dict[str, Any]
Notebook = dict[str, Any]

SCHEMA = 1
TEXT_MIME = "application/vnd.agor.text+json"
ACTIVITY_MIME = "application/vnd.agor.activity+json"
USAGE_MIME = "application/vnd.agor.usage+json"
MARKDOWN = "text/markdown"

TURN_TAG = "agor-turn"
HEAD_ID = "agor-head"
SUFFIX = ".agor.ipynb"
MAGIC = "%%agor"

MAX_OUTPUTS = 50
"""JupyterLab shows no more of a cell before "Show more outputs"."""


@dataclass(frozen=True)
class Drawing:
    """What a notebook should show: `agor` is its metadata, `cells` those of ours that may differ.

    Without `whole`, a cell of ours that is not in `cells` stays as it is, a source that a person
    edited stays theirs, and a cell that the notebook has seen before but no longer holds was
    deleted by a person and stays away. With `whole`, ours are exactly `cells`.
    """

    agor: dict[str, Any]
    cells: tuple[Cell, ...]
    whole: bool = False


def turn_id(task_id: str) -> str:
    return f"agor-{task_id}"


def task_of(cell: Mapping[str, Any]) -> str | None:
    """Name the task of a turn's cell, or None for any other cell."""
    agor = agor_of(cell)
    task = agor.get("task")
    known = isinstance(task, str) and cell.get("id") == turn_id(task)
    return task if known and isinstance(task, str) else None


def agor_of(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Give `metadata.agor` of a cell or a notebook, or an empty dict when there is none."""
    metadata = thing.get("metadata")
    agor = metadata.get("agor") if isinstance(metadata, Mapping) else None
    return dict(agor) if isinstance(agor, Mapping) else {}


def is_own(cell: Mapping[str, Any]) -> bool:
    """Say whether we drew this cell: a person's copy of one has another id."""
    return cell.get("id") == HEAD_ID or task_of(cell) is not None


def prompt_sha(prompt: str) -> str:
    """Name a prompt; white space around it does not count (an editor may add a last newline)."""
    return hashlib.sha256(prompt.strip().encode("utf-8", "replace")).hexdigest()


def source_of(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def new_notebook(agor: Mapping[str, Any], cells: Sequence[Cell] = ()) -> Notebook:
    """Make a notebook of nbformat 4.5."""
    return {
        "cells": list(cells),
        "metadata": {
            "agor": dict(agor),
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
