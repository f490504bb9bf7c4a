"""The folder of transcripts: which files are a session's, and what a new one is called."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agor_jupyter.domain.session import Session
from agor_jupyter.transcripts.naming import file_name, parse, part_name, short_id


class Shelf:
    """Find files by the session's id at the end of their names: a rename of the session moves none."""

    def __init__(self, root: Path) -> None:
        self.root = root

    async def find(self, session: Session) -> dict[int, Path]:
        """Give the session's parts that are on disk, by number."""
        return await asyncio.to_thread(self._find, short_id(session.id))

    def _find(self, short: str) -> dict[int, Path]:
        found: dict[int, Path] = {}
        if not self.root.is_dir():
            return found
        for entry in sorted(self.root.iterdir()):
            name = parse(entry.name)
            if name is not None and name.short == short:
                found.setdefault(name.part, entry)
        return found

    def new_path(self, session: Session, worktree: str, part: int, known: dict[int, Path]) -> Path:
        """Name a part that is not there yet, like its siblings."""
        for number, path in known.items():
            first = path.name if number == 1 else path.name.replace(f"-{number}.agor.ipynb", ".agor.ipynb")
            return self.root / part_name(first, part)
        return self.root / part_name(file_name(worktree, session.title, session.id), part)
