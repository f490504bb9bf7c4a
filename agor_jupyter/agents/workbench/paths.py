"""Where the paths that a model names really lead, and whether that is inside the worktree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.agents.workbench.failing import ToolFailed


@dataclass(frozen=True)
class Place:
    """A file or folder as it was named, and as it is: `real` has all links followed.

    `shown` is the real path too; what lies inside keeps the worktree's name as the house knows it,
    because the policy compares with that one.
    """

    named: str
    real: Path
    inside: bool
    shown: str

    @property
    def in_git(self) -> bool:
        """Say whether it is git's own: what is written there runs as hooks, or moves the checkout."""
        return ".git" in self.real.parts


def find(worktree: str, named: str) -> Place:
    """Resolve a name, relative ones from the worktree. Looks at links on disk: run it in a thread."""
    if "\0" in named:
        raise ToolFailed("A path cannot hold a NUL character.")
    root = Path(os.path.realpath(worktree))
    try:
        real = Path(os.path.realpath(root / (named or ".")))
    except OSError as error:
        raise ToolFailed(f"{named}: {error.strerror}.") from error
    inside = real.is_relative_to(root)
    shown = str(Path(worktree) / real.relative_to(root)) if inside else str(real)
    return Place(named or ".", real, inside, shown)


def short(place: Place, worktree: str) -> str:
    """Name a place in a title: relative to the worktree where it is inside."""
    if place.shown == worktree.rstrip("/"):
        return "."
    return place.shown.removeprefix(worktree.rstrip("/") + "/")
