"""What is being made or deleted right now, on disk, so that a crash between two steps is seen.

One small file an entry, in the private state folder. Only `worktrees`, `removal` and `recovery`
write it, each holding the repository's lock.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from agor_jupyter.git.disk import writing

Stage = Literal["making", "made", "removing"]


@dataclass(frozen=True)
class Entry:
    """`making`: not handed out yet. `made`: handed out, perhaps not recorded. `removing`: going."""

    stage: Stage
    repo: str
    common: str
    folder: str
    branch: str
    new_branch: bool
    base_sha: str


class Journal:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, entry: Entry) -> None:
        """Write atomically: a torn file would be a crash that cannot be mended."""
        target = self._file(entry.folder)
        draft = target.with_suffix(".new")
        with writing(target):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(asdict(entry)), encoding="utf-8", errors="surrogateescape")
            os.replace(draft, target)  # noqa: PTH105 # Path.replace reads the same; this says what it is

    def advance(self, entry: Entry, stage: Stage) -> None:
        self.write(replace(entry, stage=stage))

    def drop(self, folder: str) -> None:
        self._file(folder).unlink(missing_ok=True)

    def entries(self, common: str) -> list[Entry]:
        """List the entries of one repository; a file that cannot be read is nobody's entry."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                entry = Entry(**json.loads(file.read_text(encoding="utf-8", errors="surrogateescape")))
            except (OSError, ValueError, TypeError):
                continue
            if entry.common == common:
                found.append(entry)
        return found

    def _file(self, folder: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}.json"
