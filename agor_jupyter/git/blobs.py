"""Read file contents out of a repository's object store, in a worker thread.

GitPython's own reader of objects (no process, so nothing of the repository's configuration can
run); what it cannot read (another hash, an object fetched lazily) is asked of git.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agor_jupyter.git.layout import locate
from agor_jupyter.git.run import Git

_MOST_BYTES = 32 << 20


@dataclass(frozen=True)
class Blob:
    """The first bytes of a file. `size` is the whole file's."""

    data: bytes
    size: int


async def read_blobs(git: Git, repo: str, shas: Iterable[str], limit: int) -> dict[str, Blob]:
    """Read up to `limit` bytes of each blob; one that is nowhere is not in the answer."""
    wanted = list(dict.fromkeys(shas))
    if not wanted:
        return {}
    objects = locate(repo).common / "objects"
    found = await asyncio.to_thread(_read, objects, wanted, limit)
    missing = [sha for sha in wanted if sha not in found]
    return found | (await _ask_git(git, repo, missing, limit) if missing else {})


def _read(objects: Path, shas: list[str], limit: int) -> dict[str, Blob]:
    from git.db import GitDB  # heavy, and refuses to be imported where git is missing
    from gitdb.exc import ODBError

    database = GitDB(str(objects))
    found: dict[str, Blob] = {}
    for sha in shas:
        try:
            stream = database.stream(bytes.fromhex(sha))
            found[sha] = Blob(stream.read(limit), stream.size)
        except (ODBError, ValueError, OSError, AssertionError):
            continue
    return found


async def _ask_git(git: Git, repo: str, shas: list[str], limit: int) -> dict[str, Blob]:
    found: dict[str, Blob] = {}
    sizes = await git.run(
        "cat-file", "--batch-check", cwd=repo, stdin="".join(f"{sha}\n" for sha in shas).encode()
    )
    for line in sizes.text.splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[1] == "blob":
            sha, size = words[0], int(words[2])
            if size <= _MOST_BYTES:
                data = (await git.run("cat-file", "blob", sha, cwd=repo, max_bytes=_MOST_BYTES)).stdout
                found[sha] = Blob(data[:limit], size)
            else:
                found[sha] = Blob(b"\0", size)  # too large to be shown: as binary
    return found
