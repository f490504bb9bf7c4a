"""What of a repository's own git folder could run a program, by name: for people to see.

The house's own git runs none of it (`environment`, `guard`); a person's git does, and a command of an agent
may.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from agor_jupyter.domain.errors import GitFailed, NotARepository
from agor_jupyter.git import guard
from agor_jupyter.git.layout import locate
from agor_jupyter.git.run import Git

_MOST_HOOKS = 200


async def named_programs(git: Git, top: str) -> list[tuple[str, str]]:
    """List `(name, what it is)` of hooks and settings. A git folder that is refused is one entry, with why.

    Raises `NotFound` where the checkout is gone.
    """
    try:
        folders = await asyncio.to_thread(locate, top)
    except NotARepository as error:
        return [(".git", f"refused: {error.detail}")]
    hooks = await asyncio.to_thread(_hooks, folders.common / "hooks")
    try:
        listing = await git.look("config", "--list", "--show-scope", "-z", cwd=top)
    except GitFailed as error:
        return [*hooks, (".git/config", f"cannot be read by git: {error.detail}")]
    return [*hooks, *guard.programs_named(guard.read_settings(listing.text))]


def _hooks(folder: Path) -> list[tuple[str, str]]:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".sample"))
    except OSError:
        return []
    return [(f".git/hooks/{name}", "a hook") for name in names[:_MOST_HOOKS]]
