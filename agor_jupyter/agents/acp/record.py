"""What outlives the runner for one conversation: a lock, and whether it was ever prompted.

Two small files in the adapter's state folder, named by the agent's own id of the conversation.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from agor_jupyter.domain.errors import Conflict


class Record:
    """All methods do I/O: call them in a thread. The kernel lets go of a lock when its process dies."""

    def __init__(self, state_dir: str) -> None:
        self._folder = Path(state_dir)
        self._held: int | None = None
        self._unprompted = self._folder

    def take(self, native_ref: str) -> None:
        """Take the lock: two live clients would write over each other's history. Raises `Conflict`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(native_ref.encode()).hexdigest()[:24]
        held = os.open(self._folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(held)
            raise Conflict(
                "Another process is live on this conversation.",
                hint="End its runner first (`jupyter agor runners list`).",
            ) from error
        self.release()
        self._held = held
        self._unprompted = self._folder / f"{name}.new"

    def begun(self) -> None:
        """Note a conversation that nobody has prompted: agents keep no record of such a one."""
        self._unprompted.touch(mode=0o600)

    def prompted(self) -> None:
        self._unprompted.unlink(missing_ok=True)

    def was_prompted(self) -> bool:
        return not self._unprompted.exists()

    def release(self) -> None:
        """Let go of the lock. Idempotent."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
