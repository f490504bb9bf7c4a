"""Where the paths that an agent names really lead, under the names by which the policy knows them."""

from __future__ import annotations

import os
from pathlib import Path


def place_of(path: str, worktree: str) -> str:
    """Resolve an absolute path, links too; what lies inside the worktree keeps the name that it was given.

    Reads the disk: call it in a thread. Links in a circle stay as they are (`Path.resolve` raises there).
    Raises `ValueError` for a path with a NUL: no file has it, and who cuts it off there names another one.
    """
    root, real = Path(os.path.realpath(worktree)), Path(os.path.realpath(path))
    return str(Path(worktree) / real.relative_to(root)) if real.is_relative_to(root) else str(real)
