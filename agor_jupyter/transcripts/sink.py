"""Where drawings go. Here: the file on disk; `live` puts them into an open document instead.

A file is never written blindly: it is read again, patched by cell id and replaced in one step,
so that cells which people added or edited stay.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from uuid import uuid4

import nbformat
from nbformat.v4 import nbjson

from agor_jupyter.domain.errors import Conflict
from agor_jupyter.transcripts import patch
from agor_jupyter.transcripts.notebook import Drawing, Notebook, agor_of, new_notebook
from agor_jupyter.transcripts.read import session_of

Drawn = Literal["file", "live", "absent"]
"""Where a drawing went. `absent`: there was no such notebook and the drawing was not a whole one."""

_TRIES = 5
_WRITING_SECONDS = 0.3


class Sink(Protocol):
    """A place that notebooks are drawn into. One drawing of a path at a time."""

    async def read(self, path: Path) -> Notebook | None:
        """Read the notebook as it now stands; None when there is none that can be read."""
        ...

    async def draw(self, path: Path, drawing: Drawing) -> Drawn: ...

    async def settle(self, path: Path) -> None:
        """Make sure that what was drawn is on disk."""
        ...

    async def release(self, path: Path) -> None:
        """Say that nothing will be drawn for a while; what was drawn is on disk afterwards."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class _Stamp:
    """What tells whether a file is still the one that was read."""

    inode: int
    mtime_ns: int
    size: int


@dataclass(frozen=True)
class _Prepared:
    temporary: Path
    stamp: _Stamp | None
    move_aside: bool


class FileSink:
    """Draw into files."""

    async def read(self, path: Path) -> Notebook | None:
        return (await asyncio.to_thread(_read_settled, path))[1]

    async def draw(
        self, path: Path, drawing: Drawing, *, may_replace: Callable[[], bool] = lambda: True
    ) -> Drawn:
        """Patch the file, or make it when the drawing is a whole one.

        `may_replace` is asked in the same breath as the replacing: False raises `Conflict`. A file
        that cannot be read, or is another session's, is kept beside as `….kept-<n>.ipynb`.
        """
        for _ in range(_TRIES):
            prepared = await asyncio.to_thread(_prepare, path, drawing)
            if prepared == "absent":
                return "absent"
            if prepared is None:
                return "file"
            try:
                if not may_replace():
                    raise Conflict(f"{path.name} was opened meanwhile.")
                # No await between this look and the replacing: nobody saves in between.
                if _stamp(path) == prepared.stamp:
                    _replace(path, prepared)
                    return "file"
            finally:
                prepared.temporary.unlink(missing_ok=True)
        raise Conflict(f"{path.name} changes faster than it can be read.", hint="It is tried again.")

    async def settle(self, path: Path) -> None:
        """Do nothing: a drawn file is on disk."""

    async def release(self, path: Path) -> None:
        """Do nothing: no file is held open."""

    async def close(self) -> None:
        """Do nothing: no file is held open."""


def read_file(path: Path) -> Notebook | None:
    """Read a notebook file. None when it is missing, or is not a notebook of nbformat 4."""
    if not path.is_file():
        return None  # a pipe in its place would hold us for ever
    try:
        notebook = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    fits = isinstance(notebook, dict) and notebook.get("nbformat") == 4
    fits = fits and isinstance(notebook.get("cells"), list) and isinstance(notebook.get("metadata"), dict)
    if not fits or not all(isinstance(cell, dict) for cell in notebook["cells"]):
        return None
    return _joined(notebook)


def _joined(notebook: Notebook) -> Notebook:
    """Join the lists of lines that nbformat writes, in place."""
    for cell in notebook["cells"]:
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs") or []:
            data = output.get("data") if isinstance(output, dict) else None
            if not isinstance(data, dict):
                continue
            for mime, value in data.items():
                if isinstance(value, list) and not mime.endswith("json"):
                    data[mime] = "".join(value)
    return notebook


def _read_settled(path: Path) -> tuple[_Stamp | None, Notebook | None]:
    """Read a file that somebody may be writing at this moment: what is read half is not broken."""
    stamp = _stamp(path)
    notebook = read_file(path) if stamp is not None else None
    if notebook is None and stamp is not None:
        time.sleep(_WRITING_SECONDS)
        stamp, notebook = _stamp(path), read_file(path)
    return stamp, notebook


def _prepare(path: Path, drawing: Drawing) -> _Prepared | Literal["absent"] | None:
    """Write the patched notebook beside its file. None when there is nothing to change."""
    stamp, notebook = _read_settled(path)
    ours = notebook is not None and session_of(notebook) in (None, drawing.agor.get("session"))
    if notebook is None or not ours:
        if not drawing.whole:
            return "absent"
        changed = patch.apply(new_notebook({}), patch.plan({}, (), drawing))
    else:
        operations = patch.plan(agor_of(notebook), notebook["cells"], drawing)
        if not operations:
            return None
        changed = patch.apply(notebook, operations)
        changed["nbformat_minor"] = max(5, int(changed.get("nbformat_minor", 5)))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".~{uuid4().hex}.tmp")
    try:
        temporary.write_text(serialise(changed), "utf-8")
        if stamp is not None:
            with suppress(OSError):
                shutil.copymode(path, temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return _Prepared(temporary, stamp, move_aside=stamp is not None and not ours)


def serialise(notebook: Notebook) -> str:
    """Write a notebook as JupyterLab does: sorted keys, one line of text a line."""
    node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # nbformat has no types
    text: str = nbjson.writes(node)  # type: ignore[no-untyped-call]  # nbformat has no types
    return text if text.endswith("\n") else text + "\n"


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _Stamp(stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _replace(path: Path, prepared: _Prepared) -> None:
    if prepared.move_aside:
        path.rename(_free_name(path))
    prepared.temporary.replace(path)


def _free_name(path: Path) -> Path:
    base = path.name.removesuffix(".ipynb")
    number = 1
    while (kept := path.with_name(f"{base}.kept-{number}.ipynb")).exists():
        number += 1
    return kept
