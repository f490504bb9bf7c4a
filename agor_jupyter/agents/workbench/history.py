"""One conversation on disk: a file of entries that only grows, so that a kill loses nothing.

An entry is written before what it tells of is done. What a call's file does not say any more (the
process was killed) is said by `repair`. A fork is a copy of the first entries.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from agor_jupyter.agents.clip import clip_nest, is_deep
from agor_jupyter.domain.content import Attachment, StopReason
from agor_jupyter.domain.errors import AgentUnavailable, Conflict
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.session import ForkPoint

FOLDER = "conversations"
CUT_OFF = "It was cut off in the middle: look at what it left before you do it again."
NOT_RUN = "It was not done: the agent ended before."
STOPPED = "The person stopped this."


class Call(Value):
    """One tool call of an answer. `arguments` None: what the model sent is no JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] | None


class Prompted(Value):
    type: Literal["prompted"] = "prompted"
    text: str
    attachments: tuple[Attachment, ...] = ()


class Answered(Value):
    """What the model gave, whole: `items` in its vendor's own shape. Empty: only `text` is known."""

    type: Literal["answered"] = "answered"
    text: str = ""
    items: tuple[dict[str, Any], ...] = ()
    calls: tuple[Call, ...] = ()


class Began(Value):
    """A call was allowed, and is about to be done."""

    type: Literal["began"] = "began"
    call_id: str


class Did(Value):
    """What a call gave, as the model is told."""

    type: Literal["did"] = "did"
    call_id: str
    name: str
    text: str
    failed: bool = False


class Summed(Value):
    """The entries before `keep_from` are told to the model by `text` from here on."""

    type: Literal["summed"] = "summed"
    text: str
    keep_from: int


class Dropped(Value):
    """The files and images of the prompts before this are not told any more: they were refused.

    Without it one image that a model does not take would make every later request fail.
    """

    type: Literal["dropped"] = "dropped"


class Ended(Value):
    type: Literal["ended"] = "ended"
    stop_reason: StopReason


Entry = Annotated[Prompted | Answered | Began | Did | Summed | Dropped | Ended, Field(discriminator="type")]
_entry: TypeAdapter[Entry] = TypeAdapter(Entry)


class History:
    """The entries of one conversation, in memory and on disk. One writer: the file is locked."""

    def __init__(self, path: Path, handle: int, entries: list[Entry]) -> None:
        self._path = path
        self._handle = handle
        self.entries = entries

    @property
    def reference(self) -> str:
        """What resumes this conversation."""
        return self._path.stem

    @property
    def place(self) -> str:
        """Name the present end, as a point to fork at."""
        return str(len(self.entries))

    def append(self, *entries: Entry) -> None:
        """Write entries, then hold them. They are small: written on the loop, and in one piece.

        What no file could hold, or nobody read again, is replaced before: see `_sound`.
        """
        for entry in map(_sound, entries):
            _write(self._handle, entry.model_dump_json().encode() + b"\n")
            self.entries.append(entry)

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def open_history(state_dir: str, reference: str, fork: ForkPoint | None) -> History:
    """Begin, resume or fork a conversation, and mend what a kill left. Blocks: run it in a thread."""
    folder = Path(state_dir) / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if reference:
        history = _resume(folder, reference)
    else:
        entries = _forked(folder, fork) if fork is not None else []
        name = f"{secrets.token_hex(12)}.jsonl"
        history = History(folder / name, _lock(folder / name, os.O_CREAT | os.O_EXCL), [])
        history.append(*entries)
    history.append(*repair(history.entries))
    return history


def repair(entries: Sequence[Entry], text: str = "") -> list[Entry]:
    """Give the missing results of the last answer's calls: no model takes a call without one."""
    last = next((n for n in range(len(entries) - 1, -1, -1) if isinstance(entries[n], Answered)), None)
    if last is None:
        return []
    answer, after = entries[last], entries[last + 1 :]
    assert isinstance(answer, Answered)  # noqa: S101  (for the type checker: found just above)
    done = {entry.call_id for entry in after if isinstance(entry, Did)}
    began = {entry.call_id for entry in after if isinstance(entry, Began)}
    return [
        Did(
            call_id=call.id,
            name=call.name,
            text=text or (CUT_OFF if call.id in began else NOT_RUN),
            failed=True,
        )
        for call in answer.calls
        if call.id not in done
    ]


def told(entries: Sequence[Entry]) -> list[Prompted | Answered | Did]:
    """Give what the model is told: the last summary, if there is one, and what was kept after it."""
    start, summary, dropped = 0, "", 0
    for place, entry in enumerate(entries):
        if isinstance(entry, Summed):
            start, summary = entry.keep_from, entry.text
        elif isinstance(entry, Dropped):
            dropped = place
    kept = [
        _bare(entry) if isinstance(entry, Prompted) and place < dropped else entry
        for place, entry in enumerate(entries)
        if place >= start and isinstance(entry, Prompted | Answered | Did)
    ]
    return [Prompted(text=summary), *kept] if summary else kept


def _bare(prompt: Prompted) -> Prompted:
    """Name a prompt's files without them."""
    notes = [f"(The file {item.name} was left out: it was refused.)" for item in prompt.attachments]
    return Prompted(text="\n".join([*notes, prompt.text]))


def _resume(folder: Path, reference: str) -> History:
    path = _path(folder, reference)
    handle = _lock(path, 0)
    entries, size = _read(path)
    os.truncate(handle, size)  # the last line may be half of one: its writer was killed
    return History(path, handle, entries)


def _forked(folder: Path, fork: ForkPoint) -> list[Entry]:
    entries, _ = _read(_path(folder, fork.native_ref))
    if not fork.message_ref:
        return entries
    if not fork.message_ref.isdigit() or not 0 < int(fork.message_ref) <= len(entries):
        raise Conflict("The conversation has no such message.", hint="Fork the whole conversation.")
    return entries[: int(fork.message_ref)]


def _path(folder: Path, reference: str) -> Path:
    # A reference comes from the store; it must never become a path of somebody else's choice.
    path = folder / f"{reference}.jsonl"
    if not re.fullmatch(r"[0-9a-f]{24}", reference) or not path.is_file():
        raise AgentUnavailable(
            "There is no record of this conversation any more.",
            hint="Begin a new session in this worktree; the transcript stays as it is.",
        )
    return path


def _lock(path: Path, flags: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise Conflict(
            "This conversation is open in another runner.", hint="Close that one first."
        ) from error
    return handle


def _read(path: Path) -> tuple[list[Entry], int]:
    """Read the whole entries, and how many bytes they are."""
    entries: list[Entry] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                entries.append(_entry.validate_json(line))
            except ValidationError as error:
                raise AgentUnavailable(
                    "The record of this conversation is damaged.",
                    hint=f"Begin a new session, or mend {path.name} in the agent's state folder.",
                ) from error
            size += len(line)
    return entries, size


def _write(handle: int, data: bytes) -> None:
    """Write all of a line, or none: on a full disk half of one would spoil the whole record."""
    size = os.fstat(handle).st_size
    try:
        while data:
            data = data[os.write(handle, data) :]
    except OSError:
        os.ftruncate(handle, size)
        raise


def _sound(entry: Entry) -> Entry:
    """Give an entry as its line is read again: halves of surrogate pairs and deep nests are a model's own."""
    if isinstance(entry, Answered):
        entry = entry.model_copy(
            update={
                "items": tuple(clip_nest(item) for item in entry.items),
                "calls": tuple(map(_sound_call, entry.calls)),
            }
        )
    try:
        entry.model_dump_json()
    except PydanticSerializationError:
        whole = json.dumps(entry.model_dump(), ensure_ascii=False)
        return _entry.validate_json(whole.encode(errors="replace"))
    return entry


def _sound_call(call: Call) -> Call:
    return call.model_copy(update={"arguments": None}) if is_deep(call.arguments) else call
