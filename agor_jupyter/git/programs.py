"""What of a repository's own git folder could run a program: named for people, and off for agents.

The house's own git runs none of it (`environment`, `guard`); a person's git does. An agent's git does where
the repository is trusted: many agents run git by themselves, as soon as they start.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import NamedTuple

from agor_jupyter.domain.errors import GitFailed, NotARepository
from agor_jupyter.domain.repo import ProjectFile
from agor_jupyter.git import guard, inventory
from agor_jupyter.git.environment import configuration_variables
from agor_jupyter.git.layout import locate
from agor_jupyter.git.run import Git

_MOST_HOOKS = 200


class Named(NamedTuple):
    """A hook or a setting: what it is, and a digest of its contents or value; none where it is too large."""

    name: str
    what: str
    digest: str


async def named_programs(git: Git, top: str) -> list[Named]:
    """List the hooks and settings of a checkout. A git folder that is refused is one entry, with why.

    Raises `NotFound` where the checkout is gone.
    """
    try:
        folders = await asyncio.to_thread(locate, top)
    except NotARepository as error:
        return [_named(".git", f"refused: {error.detail}")]
    hooks = await asyncio.to_thread(_hooks, folders.common / "hooks")
    try:
        listing = await git.look("config", "--list", "--show-scope", "-z", cwd=top)
    except GitFailed as error:
        return [*hooks, _named(".git/config", f"git cannot read it: {error.detail}")]
    settings = guard.programs_named(guard.read_settings(listing.text))
    return [*hooks, *(_named(name, what, value) for name, what, value in settings)]


def _named(name: str, what: str, value: str = "") -> Named:
    text = "\0".join((name, what, value)).encode("utf-8", "surrogateescape")
    return Named(name, what, hashlib.sha256(text).hexdigest())


def _hooks(folder: Path) -> list[Named]:
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".sample"))
    except OSError:
        return []
    wanted = [ProjectFile(path=name, effect="") for name in names[:_MOST_HOOKS]]
    found = inventory.look(folder, wanted).found
    return [Named(f".git/hooks/{hook.path}", "a hook", hook.digest) for hook in found]


async def harmless_variables(git: Git, top: str) -> dict[str, str]:
    """Give the variables under which git of an agent runs nothing that the repository itself names.

    Of what the configuration names now: an agent that may write there can name something else.
    """
    await asyncio.to_thread(locate, top)
    listing = await git.look("config", "--list", "--show-scope", "-z", cwd=top)
    return configuration_variables(guard.off_for_others(guard.read_settings(listing.text)))
