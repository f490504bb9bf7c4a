"""What must outlive the runner for one conversation: that it was ever prompted, and where it began.

A small JSON file in the adapter's `state_dir`, beside the lock that keeps a conversation to one
live client. Codex writes a conversation down with its first turn; one without is begun anew.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.session import ForkPoint


class Ledger:
    """The file and the lock of one conversation. All methods do I/O: call them in a thread."""

    def __init__(self, state_dir: Path, native_ref: str) -> None:
        self._path = state_dir / f"thread-{native_ref}.json"
        self._lock_path = state_dir / f"thread-{native_ref}.lock"
        self._lock: int | None = None
        self.prompted = False
        self.fork: ForkPoint | None = None
        self.known = False
        """Whether the file was there: without it, nothing is known of the past."""

    def open(self) -> None:
        """Take the lock and read the file. Raises `Conflict` while another client is live."""
        self._lock_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise Conflict(
                "Another process is live on this Codex conversation.",
                hint="End its runner first (`jupyter agor runners list`).",
            ) from error
        self._lock = lock
        self._read()

    def _read(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            fork = kept.get("fork")
            self.fork = ForkPoint.model_validate(fork) if fork else None
        except (OSError, ValueError):
            return
        self.prompted = bool(kept.get("prompted"))
        self.known = True

    def save(self) -> None:
        """Write the file whole, so that a killed runner leaves the old one or the new one."""
        fresh = self._path.with_suffix(".tmp")
        fork = self.fork.model_dump() if self.fork is not None else None
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({"prompted": self.prompted, "fork": fork}), encoding="utf-8")
        fresh.replace(self._path)
        self.known = True

    def note_prompt(self) -> None:
        """From now on Codex has the conversation on its disk."""
        if not self.prompted:
            self.prompted = True
            self.save()

    def close(self) -> None:
        """Let go of the lock. Idempotent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
