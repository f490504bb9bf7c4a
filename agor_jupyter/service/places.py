"""Where a worktree's files go: a folder below the worktrees' root, and never anywhere else."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from agor_jupyter.domain.errors import Conflict, InvalidName
from agor_jupyter.domain.repo import Repo
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import every

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def folder_name(repo: Repo, taken: set[str]) -> str:
    """Name a repository's folder: its own name made safe, and its id's end where two are alike."""
    name = _UNSAFE.sub("-", Path(repo.path).name).strip(".-") or "repo"
    return f"{name}-{repo.id[-4:]}" if name in taken else name


async def free_folder(house: House, repo: Repo, name: str) -> str:
    """Give the path of the worktree `name`. Raises `Conflict` when something lies there already."""
    others = [other async for other in every(house.records.repos)]
    older = [other for other in others if other.id != repo.id and other.created_ms <= repo.created_ms]
    folder = folder_name(repo, {folder_name(other, set()) for other in older})
    return await asyncio.to_thread(_checked, house.paths.worktrees_root, folder, name)


def _checked(root: Path, folder: str, name: str) -> str:
    # realpath and commonpath, never startswith: a symlink planted in the root, or a sibling with
    # the same prefix, must not lead out of it.
    real_root = os.path.realpath(root)
    path = Path(real_root) / folder / name
    real = os.path.realpath(path)
    if os.path.commonpath([real, real_root]) != real_root or real != str(path):
        raise InvalidName(f"{name[:80]!r} leads out of the worktrees' folder.", name=name[:80])
    if os.path.lexists(path):
        raise Conflict(
            f"Something lies at {path} already.", hint="Choose another name, or move it away.", path=str(path)
        )
    return str(path)
