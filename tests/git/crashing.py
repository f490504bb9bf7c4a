"""A process that dies in the middle: `python -m tests.git.crashing STATE ROOT REPO VERB POINT`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from agor_jupyter.git.journal import Journal
from agor_jupyter.git.room import GitRoom
from agor_jupyter.git.trash import Trash
from agor_jupyter.git.worktrees import Worktrees

POINTS: dict[str, tuple[type, str, str]] = {
    "before_add": (Worktrees, "_add", "before"),
    "after_add": (Worktrees, "_add", "after"),
    "before_checkout": (Worktrees, "check_out", "before"),
    "after_checkout": (Worktrees, "check_out", "after"),
    "before_made": (Journal, "advance", "before"),
    "after_made": (Journal, "advance", "after"),
    "before_rename": (Trash, "put", "before"),
    "after_rename": (Trash, "put", "after"),
    "before_forget": (Worktrees, "forget", "before"),
    "after_forget": (Worktrees, "forget", "after"),
    "before_empty": (Trash, "empty", "before"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def set_trap(point: str) -> None:
    owner, name, when = POINTS[point]
    real: Callable[..., object] = getattr(owner, name)

    async def asynchronous(*args: object, **more: object) -> object:
        if when == "before":
            die()
        result = real(*args, **more)
        assert isinstance(result, Awaitable)
        await result
        return die()

    def synchronous(*args: object, **more: object) -> object:
        if when == "before":
            die()
        real(*args, **more)
        return die()

    setattr(owner, name, asynchronous if asyncio.iscoroutinefunction(real) else synchronous)


async def main(state: str, root: str, repo: str, verb: str, point: str) -> None:
    set_trap(point)
    room = GitRoom(state, root)
    if verb == "create":
        await room.worktrees.create(repo, f"{root}/w", "w", "main")
    else:
        await room.worktrees.remove(repo, f"{root}/w", files="delete")
        await room.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:6]))
