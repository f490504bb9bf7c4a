"""Draw into the open document when people look at it, else into the file.

This is the one module that touches jupyter-collaboration's rooms (5.0; partly undocumented names).
Two of its habits would lose what is streamed, and are met here:

- its save is a debounce, which a steady stream of changes postpones for ever: a save is forced
  every `save_seconds`;
- when the last browser leaves, the room is dropped after `document_cleanup_delay` with its pending
  save: while we draw, a client that does nothing keeps the room.

A room is never made here: with no browser there is only the file.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from pycrdt import Array, Map

from agor_jupyter.domain.errors import Conflict
from agor_jupyter.transcripts import patch
from agor_jupyter.transcripts.notebook import HEAD_ID, Drawing, Notebook, agor_of, turn_id
from agor_jupyter.transcripts.sink import Drawn, FileSink

_BUSY_SECONDS = 5.0
_FINAL_SAVES = 6
_UNUSABLE = (AttributeError, KeyError, TypeError)
"""What a changed private name of jupyter-collaboration raises."""


class _Keepalive:
    """A room's client that does nothing: while it is there, the room stays."""

    path = "agor-transcript-writer"

    async def send(self, message: bytes) -> None:
        return None


@dataclass
class _Handle:
    """A room that we hold open. `room` is a `DocumentRoom`, which has no types."""

    name: str
    room: Any
    client: _Keepalive = field(default_factory=_Keepalive)
    unsaved: bool = False
    saved_at: float = 0.0


class LiveSink:
    """Draw into rooms of jupyter-collaboration, found through the server's `settings`.

    `settings` is `serverapp.web_app.settings`; `root` the folder that the Contents API shows.
    Without jupyter-collaboration, or where its inside is not as known, everything goes to files.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        root: Path,
        *,
        file: FileSink | None = None,
        save_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        log: logging.Logger | None = None,
    ) -> None:
        self._settings, self._root = settings, root.resolve()
        self._file = file or FileSink()
        self._save_seconds, self._clock = save_seconds, clock
        self._log = log or logging.getLogger(__name__)
        self._handles: dict[Path, _Handle] = {}
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        self._cleaners: set[asyncio.Task[None]] = set()
        self._usable = True

    async def read(self, path: Path) -> Notebook | None:
        async with self._locked(path):
            found = self._find(path)
            if found is not None:
                try:
                    document = await self._document(*found)
                    return None if document is None else await document.aget()
                except _UNUSABLE as error:
                    self._give_up(error)
        return await self._file.read(path)

    async def draw(self, path: Path, drawing: Drawing) -> Drawn:
        async with self._locked(path):
            found = self._find(path)
            if found is not None:
                try:
                    return await self._draw_live(path, *found, drawing)
                except _UNUSABLE as error:
                    self._give_up(error)
            else:
                self._handles.pop(path, None)
            # A browser may open it while the file is being patched: then the room is the place.
            return await self._file.draw(path, drawing, may_replace=lambda: self._find(path) is None)

    async def settle(self, path: Path) -> None:
        async with self._locked(path):
            handle = self._handles.get(path)
            if handle is not None and handle.unsaved:
                await self._save(handle)

    async def release(self, path: Path) -> None:
        async with self._locked(path):
            handle = self._handles.pop(path, None)
            if handle is not None:
                await self._let_go(handle)

    async def close(self) -> None:
        for path in list(self._handles):
            await self.release(path)
        for cleaner in self._cleaners:
            cleaner.cancel()
        await asyncio.gather(*self._cleaners, return_exceptions=True)

    def _locked(self, path: Path) -> asyncio.Lock:
        return self._locks.setdefault(path, asyncio.Lock())

    # --- rooms ---------------------------------------------------------------

    def _find(self, path: Path) -> tuple[str, Any] | None:
        """Find the open room of a file, by the name that its browsers use."""
        extension = self._settings.get("jupyter_server_ydoc")
        files = self._settings.get("file_id_manager")
        if not self._usable or extension is None or files is None:
            return None
        try:
            rooms = extension.ywebsocket_server.rooms
            inside = path.resolve().relative_to(self._root)
            file_id = files.get_id(inside.as_posix()) if rooms else None
            name = f"json:notebook:{file_id}"
            return (name, rooms[name]) if file_id is not None and name in rooms else None
        except ValueError:
            return None  # outside of what JupyterLab can open
        except _UNUSABLE as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        self._usable = False
        self._log.warning(
            "Open transcripts are drawn into their files: jupyter-collaboration is not as expected (%s).",
            type(error).__name__,
        )

    async def _document(self, name: str, room: Any) -> Any:
        """Give the room's live document once it is loaded, else None."""
        try:
            async with asyncio.timeout(_BUSY_SECONDS):
                await room.ready_event.wait()
                document = await self._settings["jupyter_server_ydoc"].get_document(room_id=name, copy=False)
                # While the room reads its file again, what we write would be overwritten.
                async with room._update_lock:
                    pass
        except TimeoutError:
            raise Conflict("The open notebook is busy.", hint="It is tried again.") from None
        return document

    async def _draw_live(self, path: Path, name: str, room: Any, drawing: Drawing) -> Drawn:
        handle = self._hold(path, name, room)
        document = await self._document(name, room)
        if document is None or self._find(path) != (name, room):
            self._handles.pop(path, None)
            raise Conflict("The notebook was closed meanwhile.", hint="It is tried again.")
        # No await from here to the end of the transaction: nobody edits in between.
        if draw_into(document, drawing):
            handle.unsaved = True
        if handle.unsaved and self._clock() - handle.saved_at >= self._save_seconds:
            await self._save(handle)
        return "live"

    def _hold(self, path: Path, name: str, room: Any) -> _Handle:
        handle = self._handles.get(path)
        if handle is None or handle.room is not room:
            handle = _Handle(name, room)
            self._handles[path] = handle
        room.clients.add(handle.client)
        if room.cleaner is not None and not room.cleaner.done():
            room.cleaner.cancel()
        return handle

    async def _save(self, handle: _Handle, tries: int = 1) -> None:
        """Force a save. An edit during it cancels it, so the last one is tried until it is through."""
        for _ in range(tries):
            saving = handle.room._save_to_disc()
            if saving is not None:
                await asyncio.shield(saving)
                if handle.room._saving_document is saving:
                    handle.saved_at, handle.unsaved = self._clock(), False
                    return
            await asyncio.sleep(0.05)

    async def _let_go(self, handle: _Handle) -> None:
        room = handle.room
        try:
            if self._is_open(handle):
                await self._save(handle, _FINAL_SAVES)
        finally:
            room.clients.discard(handle.client)
        # What the last browser's leaving would have done, had we not been there.
        if not room.clients and self._is_open(handle):
            delay = self._settings["jupyter_server_ydoc"].document_cleanup_delay
            if delay is not None:
                cleaner = asyncio.create_task(self._clean(handle, delay))
                self._cleaners.add(cleaner)
                cleaner.add_done_callback(self._cleaners.discard)
                room.cleaner = cleaner

    def _is_open(self, handle: _Handle) -> bool:
        rooms = self._settings["jupyter_server_ydoc"].ywebsocket_server.rooms
        return bool(rooms.get(handle.name) is handle.room)

    async def _clean(self, handle: _Handle, delay: float) -> None:
        await asyncio.sleep(delay)
        extension = self._settings["jupyter_server_ydoc"]
        async with extension._room_locks[handle.name]:
            if handle.room.clients or not self._is_open(handle):
                return
            await extension.ywebsocket_server.delete_room(room=handle.room)
            file_id = handle.name.split(":")[2]
            loaders = extension.file_loaders
            if file_id in loaders and loaders[file_id].number_of_subscriptions == 0:
                await loaders.remove(file_id)


# --- operations on an open document ------------------------------------------


def draw_into(document: Any, drawing: Drawing) -> bool:
    """Patch an open `YNotebook` in one transaction; say whether anything changed. Never awaits."""
    wanted = {cell["id"] for cell in drawing.cells}
    # One transaction for the reading too: each read outside of one opens its own.
    with document.ydoc.transaction():
        cells = [_plain_cell(cell, wanted, drawing.whole) for cell in document.ycells]
        metadata = document.ydoc.get("meta", type=Map).get("metadata")
        shown = agor_of({"metadata": metadata.to_py()}) if isinstance(metadata, Map) else {}
        operations = patch.plan(shown, cells, drawing)
        for operation in operations:
            _perform(document, operation)
    return bool(operations)


def _plain_cell(cell: Any, wanted: set[str], whole: bool) -> dict[str, Any]:
    """Read a cell if it matters; reading all of a long notebook at each drawing would be slow."""
    key = cell.get("id")
    ours = key == HEAD_ID or (isinstance(key, str) and key.startswith(turn_id("")))
    if key in wanted or (whole and ours):
        plain: dict[str, Any] = cell.to_py()
        return plain
    return {"id": key}


def _perform(document: Any, operation: patch.Operation) -> None:
    cells = document.ycells
    match operation:
        case patch.SetNotebookMetadata(agor=agor):
            meta = document.ydoc.get("meta", type=Map)
            if isinstance(meta.get("metadata"), Map):
                meta["metadata"]["agor"] = agor
            else:
                meta["metadata"] = Map({**(meta.get("metadata") or {}), "agor": agor})
        case patch.InsertCell(cell=cell, before=before):
            at = _index(cells, before) if before is not None else None
            made = document.create_ycell(cell)
            cells.append(made) if at is None else cells.insert(at, made)
        case patch.RemoveCell(id=key):
            at = _index(cells, key)
            if at is not None:
                del cells[at]
        case patch.SetSource(id=key, source=source):
            at = _index(cells, key)
            if at is not None:
                document.set_cell(at, source=source)
        case patch.SetCellMetadata(id=key, agor=agor, tags=tags):
            at = _index(cells, key)
            if at is not None:
                cells[at]["metadata"]["agor"] = agor
                if tags is not None:
                    cells[at]["metadata"]["tags"] = list(tags)
        case _:
            _perform_output(cells, operation)


def _perform_output(
    cells: Any, operation: patch.AppendOutput | patch.ReplaceLastOutput | patch.ResetOutputs
) -> None:
    at = _index(cells, operation.id)
    outputs = cells[at].get("outputs") if at is not None else None
    if not isinstance(outputs, Array):
        return
    match operation:
        case patch.AppendOutput(output=output):
            outputs.append(Map(copy.deepcopy(output)))
        case patch.ReplaceLastOutput(output=output):
            if len(outputs):
                del outputs[len(outputs) - 1]
            outputs.append(Map(copy.deepcopy(output)))
        case patch.ResetOutputs(outputs=new):
            outputs.clear()
            outputs.extend([Map(copy.deepcopy(output)) for output in new])


def _index(cells: Any, key: str) -> int | None:
    """Find a cell by id, from the end: that is where turns change."""
    for at in range(len(cells) - 1, -1, -1):
        if cells[at].get("id") == key:
            return at
    return None
