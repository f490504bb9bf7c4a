"""What git says of the worktrees on the boards: asked in the background, shown when it answers.

Not for when to ask: the mirror knows what happened. An answer that does not come leaves the card as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agor_jupyter.domain.errors import AgorError
from agor_jupyter.domain.repo import Worktree

Counts = tuple[int, int, int]
"""Files changed, lines added, lines removed: the whole worktree against its base."""
CountChanges = Callable[[Worktree], Awaitable[Counts]]
AT_ONCE = 2
"""A start asks for every card: git gets no more of the machine than this."""


class ChangeCounter:
    """One question at a time for a worktree; what is asked meanwhile is one more question after it."""

    def __init__(
        self,
        count: CountChanges,
        tree_of: Callable[[str], Worktree | None],
        show: Callable[[str, int, int, int], None],
        log: logging.Logger | None = None,
    ) -> None:
        self._count = count
        self._tree_of = tree_of
        self._show = show
        self._log = log or logging.getLogger(__name__)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._closed = False

    @property
    def is_working(self) -> bool:
        return bool(self._jobs)

    def ask_nowait(self, worktree_id: str) -> None:
        """Count `worktree_id` soon. Nothing is asked of a worktree that is not ready."""
        if self._closed:
            return
        if worktree_id in self._jobs:
            self._again.add(worktree_id)
            return
        job = asyncio.create_task(self._supervise(worktree_id), name=f"agor-count-{worktree_id}")
        self._jobs[worktree_id] = job

    async def close(self) -> None:
        """Ask no more; idempotent."""
        self._closed = True
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)

    async def _supervise(self, worktree_id: str) -> None:
        try:
            await self._ask(worktree_id)
        except Exception:  # the supervisor of this job: report; the next task's end asks again
            self._log.exception("What changed in %s could not be counted.", worktree_id)
        finally:
            del self._jobs[worktree_id]
            again = worktree_id in self._again
            self._again.discard(worktree_id)
        if again:
            self.ask_nowait(worktree_id)

    async def _ask(self, worktree_id: str) -> None:
        async with self._slots:
            # Read here, not when it was asked: it may have gone while this waited.
            tree = self._tree_of(worktree_id)
            if tree is None or tree.state != "ready":
                return
            # What is asked from here on may be later than what git is about to see.
            self._again.discard(worktree_id)
            try:
                counts = await self._count(tree)
            except AgorError as error:
                self._log.info("git cannot count what changed in %s: %s", tree.path, error)
                return
        self._show(worktree_id, *counts)
