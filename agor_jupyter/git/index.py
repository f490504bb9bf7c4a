"""A copy of a worktree's index to work with, so that the real one is never touched or waited for."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from agor_jupyter.git import plain
from agor_jupyter.git.disk import writing
from agor_jupyter.git.layout import locate
from agor_jupyter.git.run import Git


@asynccontextmanager
async def borrowed_index(git: Git, worktree: str, head_sha: str) -> AsyncIterator[dict[str, str]]:
    """Yield the variables that make git use a copy of the worktree's index; it goes afterwards."""
    own = locate(worktree).own
    folder = git.state_dir / "scratch"
    with ExitStack() as stack:
        with writing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="index-", dir=folder))
            index = Path(scratch) / "index"
            copied = await asyncio.to_thread(_copy_index, own / "index", index)
        variables = {"GIT_INDEX_FILE": str(index)}
        if not copied and head_sha:
            # No index yet: start from HEAD, or tracked files that are also ignored would be missed.
            await git.run("read-tree", head_sha, cwd=worktree, environment=variables)
        yield variables


def _copy_index(source: Path, target: Path) -> bool:
    """Copy the index with its time: git compares it with the files' to see who was written last.

    With a newer time, a file that was changed in the tick in which the index was written would
    pass for unchanged.
    """
    try:
        with plain.opened(source) as opened:
            found = os.fstat(opened.fileno())
            with target.open("wb") as copy:
                shutil.copyfileobj(opened, copy, 1 << 20)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno == errno.EINVAL:  # a pipe is no index
            return False
        raise
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return True
