"""What must outlive the runner for one conversation: the cost so far, whether it was ever prompted,
and where it was forked (Claude Code writes nothing of a conversation before its first prompt).

A small JSON file in the adapter's `state_dir`, beside the lock that keeps a conversation to one
live client (two would branch its transcript, and the first one's branch would be lost).
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
        self._state_dir = state_dir
        self._path = state_dir / f"{native_ref}.json"
        self._lock_path = state_dir / f"{native_ref}.lock"
        self._lock: int | None = None
        self.fork: ForkPoint | None = None
        self.total_cost_usd: float | None = None
        self.spent_usd = 0.0
        """What its turns have cost, as far as it is known: unlike the total, without a fork's parent."""
        self.prompted = False
        self.known = False
        """Whether the file was there: without it, nothing is known of the past."""
        self.certain = True
        """Whether the CLI surely counts on from `total_cost_usd`."""

    def open(self) -> None:
        """Take the lock and read the file. Raises `Conflict` while another client is live."""
        self._lock_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise Conflict(
                "Another process is live on this Claude conversation.",
                hint="End its runner first (`jupyter agor runners list`).",
            ) from error
        self._lock = lock
        self._read()

    def _read(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        total = kept.get("total_cost_usd")
        self.total_cost_usd = float(total) if isinstance(total, int | float) else None
        spent = kept.get("spent_usd")
        self.spent_usd = float(spent) if isinstance(spent, int | float) else 0.0
        self.prompted = bool(kept.get("prompted"))
        self.fork = ForkPoint.model_validate(kept["fork"]) if kept.get("fork") else None
        self.known = True

    def begin(self, fork: ForkPoint | None) -> None:
        """Note a conversation that begins now. A fork's count goes on from its parent's."""
        self.total_cost_usd, self.prompted, self.known, self.fork = None if fork else 0.0, False, True, fork
        self.certain = fork is None

    def take_up(self, transcript: Path) -> None:
        """Learn from the CLI's transcript where its count goes on: it saves the total when it ends in
        order. That line is not documented; without it the next turn's cost may be unknown.
        """
        kept: float | None = None
        with transcript.open("rb") as lines:
            for line in lines:
                if b'"cost-state"' in line[:200]:
                    kept = _total_in(line) or kept
        self.total_cost_usd, self.certain = (kept, True) if kept is not None else (self.total_cost_usd, False)

    def count(self, total: float | None, cost: float | None = None) -> None:
        """Take the total that a turn's end reports, and what the turn cost where that is known."""
        if total is not None:
            self.total_cost_usd, self.certain = total, True
        self.spent_usd += cost or 0.0
        self.prompted = self.known = True

    def save(self) -> None:
        """Write the file whole, so that a killed runner leaves the old one or the new one."""
        fresh = self._path.with_suffix(".tmp")
        kept = {
            "total_cost_usd": self.total_cost_usd,
            "spent_usd": self.spent_usd,
            "prompted": self.prompted,
            "fork": self.fork.model_dump() if self.fork is not None else None,
        }
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        fresh.replace(self._path)

    def follow(self, native_ref: str) -> Ledger:
        """Go on under another reference (`/clear` begins a conversation); let go of this one."""
        after = Ledger(self._state_dir, native_ref)
        after.open()
        after.total_cost_usd, after.certain, after.prompted = self.total_cost_usd, self.certain, True
        after.known, after.spent_usd = True, self.spent_usd
        after.save()
        self.close()
        return after

    def close(self) -> None:
        """Let go of the lock. Idempotent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _total_in(line: bytes) -> float | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    total = entry.get("totalCostUSD") if entry.get("type") == "cost-state" else None
    return float(total) if isinstance(total, int | float) else None
