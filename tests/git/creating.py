"""A second process that makes worktrees: `python -m tests.git.creating STATE ROOT REPO PREFIX COUNT`.

Prints one JSON line: how many were made, and the errors.
"""

from __future__ import annotations

import asyncio
import json
import sys

from agor_jupyter.git.room import GitRoom


async def create_many(room: GitRoom, root: str, repo: str, prefix: str, count: int) -> list[str]:
    """Make `count` worktrees at once; give the errors."""
    made = await asyncio.gather(
        *(
            room.worktrees.create(repo, f"{root}/{prefix}{number}", f"{prefix}{number}", "origin/main")
            for number in range(count)
        ),
        return_exceptions=True,
    )
    return [repr(result) for result in made if isinstance(result, BaseException)]


async def main(state: str, root: str, repo: str, prefix: str, count: str) -> None:
    room = GitRoom(state, root)
    errors = await create_many(room, root, repo, prefix, int(count))
    await room.close()
    print(json.dumps({"errors": errors}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
