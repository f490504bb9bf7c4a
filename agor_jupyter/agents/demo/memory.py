"""What the demo agent remembers of a conversation: one JSON file, written after every step."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from pathlib import Path

from pydantic import ValidationError

from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Unprocessable
from agor_jupyter.domain.model import Value

_REF = re.compile(r"^demo-[0-9a-f]{16}$")


class Conversation(Value):
    """`tokens` is how full the context is; `turns` counts the prompts that were taken."""

    native_ref: str
    prompts: tuple[str, ...] = ()
    tokens: int = 0
    steps_done: int = 0


def begin() -> Conversation:
    return Conversation(native_ref=f"demo-{secrets.token_hex(8)}")


def branch(parent: Conversation, message_ref: str = "") -> Conversation:
    """Begin a conversation that knows what `parent` knew, up to the turn that `message_ref` ended.

    Raises `Unprocessable` for a turn that the parent never had.
    """
    count = len(parent.prompts)
    if message_ref:
        name, _, number = message_ref.rpartition(":")
        if name != parent.native_ref or not number.isdecimal() or int(number) > count:
            raise Unprocessable(f"The conversation has no turn {message_ref!r}.")
        count = int(number)
    return begin().model_copy(update={"prompts": parent.prompts[:count]})


def hold(folder: str, native_ref: str) -> int:
    """Take a conversation for one client; give the handle that lets go of it when it is closed.

    Raises `Conflict` while another holds it: two would write over each other's memory.
    """
    path = _path(folder, native_ref).with_suffix(".lock")
    try:
        held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AgentUnavailable(f"The conversation cannot be kept: {error.strerror}.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise Conflict(
            "Another process is live on this conversation.",
            hint="End its runner first (`jupyter agor runners list`), or fork the session.",
        ) from error
    return held


def load(folder: str, native_ref: str) -> Conversation:
    """Find a conversation again. Raises `AgentUnavailable` when it is not there."""
    gone = AgentUnavailable(
        f"There is no conversation {native_ref!r}.", hint="Its files are gone: begin a new session."
    )
    if not _REF.match(native_ref):
        raise gone
    try:
        return Conversation.model_validate_json(_path(folder, native_ref).read_bytes())
    except (OSError, ValidationError) as error:
        raise gone from error


def save(folder: str, conversation: Conversation) -> None:
    """Replace the file as a whole: a kill at any moment leaves the old or the new one."""
    path = _path(folder, conversation.native_ref)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(conversation.model_dump(mode="json"), file)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise AgentUnavailable(f"The conversation cannot be kept: {error.strerror}.") from error


def _path(folder: str, native_ref: str) -> Path:
    return Path(folder) / f"{native_ref}.json"
