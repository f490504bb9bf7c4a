"""The job that keeps transcripts up to date: follows the log, draws each session at its own pace.

A session has a job only while it works; then all that was held of it is forgotten. The log is the
truth: whatever fails here is drawn again from it, at the next event, at the next start, or on request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agor_jupyter.domain.events import TaskEnded, TaskStarted
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.ports import Appended, Behind, EventSource, Subscription
from agor_jupyter.domain.session import Session
from agor_jupyter.transcripts.drawer import Drawer, NameOf, WorktreeOf
from agor_jupyter.transcripts.read import last_seq
from agor_jupyter.transcripts.shelf import Shelf
from agor_jupyter.transcripts.sink import Drawn, Sink

INBOX = 1000
"""How many appends a session's job may lag behind before it reads from the log instead."""
RETRIES = 8
LOOKS = 2
"""How often a notebook is looked at after its job has ended: rooms poll their files each second."""
CATCH_UP_PAGE = 100


@dataclass(frozen=True)
class Pace:
    """How often to draw, in seconds. `load` bounds the share of time that one session may take."""

    live: float = 0.7
    file: float = 1.0
    load: float = 0.1
    settle: float = 2.0
    silence: float = 300.0
    look: float = 1.5

    def after(self, drawn: Drawn, took: float) -> float:
        return max(self.live if drawn == "live" else self.file, took / self.load)


@dataclass
class _Entry:
    """A session's job and its mail."""

    drawer: Drawer
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    inbox: deque[Appended] = field(default_factory=deque)
    stale: bool = True
    urgent: bool = False
    rebuilds: list[asyncio.Future[Path]] = field(default_factory=list)
    job: asyncio.Task[None] | None = None


class TranscriptWriter:
    """Owns every job that draws. `start` once, `close` once."""

    def __init__(
        self,
        source: EventSource,
        sink: Sink,
        root: Path,
        worktree_of: WorktreeOf,
        *,
        name_of: NameOf = str,
        title_of: NameOf = str,
        pace: Pace | None = None,
        log: logging.Logger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._sink, self._shelf = source, sink, Shelf(root)
        self._worktree_of, self._name_of, self._title_of = worktree_of, name_of, title_of
        self._pace = pace or Pace()
        self._log = log or logging.getLogger(__name__)
        self._clock = clock
        self._entries: dict[SessionId, _Entry] = {}
        self._subscription: Subscription | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._drawing = asyncio.Semaphore(3)
        self._closing = False

    async def start(self) -> None:
        """Follow the log, and catch up in the background with what was missed while away."""
        self._subscription = self._source.subscribe()
        self._spawn(self._follow(self._subscription))
        self._spawn(self.catch_up())

    async def close(self) -> None:
        """Draw what is pending once more, then end every job."""
        self._closing = True
        if self._subscription is not None:
            self._subscription.close()
        for entry in self._entries.values():
            entry.urgent = True
            entry.wake.set()
        jobs = [entry.job for entry in self._entries.values() if entry.job is not None]
        if jobs:
            await asyncio.wait(jobs, timeout=5)
        for job in [*jobs, *self._jobs]:
            job.cancel()
        await asyncio.gather(*jobs, *self._jobs, return_exceptions=True)
        await self._sink.close()

    async def path_of(self, session: Session) -> Path:
        """Name the newest part of a session's transcript; it need not be there yet."""
        found = await self._shelf.find(session)
        if found:
            return found[max(found)]
        worktree = await self._worktree_of(session.worktree_id)
        return self._shelf.new_path(session, worktree.name if worktree is not None else "", 1, {})

    async def rebuild(self, session_id: SessionId) -> Path:
        """Draw a session again from its first event. Cells of people stay. Raises `NotFound`."""
        entry = self._entry(session_id)
        future: asyncio.Future[Path] = asyncio.get_running_loop().create_future()
        entry.rebuilds.append(future)
        entry.urgent = True
        entry.wake.set()
        return await future

    async def catch_up(self) -> None:
        """Draw every session whose file is missing or behind its log."""
        cursor: str | None = None
        while True:
            page = await self._source.sessions(limit=CATCH_UP_PAGE, cursor=cursor)
            for session in page.items:
                if session.id not in self._entries and await self._is_behind(session):
                    self._entry(session.id)
            cursor = page.next
            if cursor is None:
                return

    async def _is_behind(self, session: Session) -> bool:
        found = await self._shelf.find(session)
        if not found:
            return session.task_count > len(session.queue)
        notebook = await self._sink.read(found[max(found)])
        return notebook is None or last_seq(notebook) < session.last_seq

    # --- jobs ----------------------------------------------------------------

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        job = asyncio.create_task(self._supervised(work))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(lambda _: work.close())  # one that was cancelled before it began
        return job

    async def _supervised(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("The job that keeps transcripts up to date has failed.")

    async def _follow(self, subscription: Subscription) -> None:
        async for item in subscription:
            match item:
                case Appended(session=session):
                    self._deliver(session, item)
                case Behind():
                    for entry in self._entries.values():
                        self._refold(entry)
                    self._spawn(self.catch_up())
                case _:
                    pass

    def _deliver(self, session: Session, item: Appended) -> None:
        entry = self._entries.get(session.id)
        if entry is None:
            starts = session.task_count > len(session.queue)
            if starts and not self._closing:
                self._entry(session.id)
            return
        entry.inbox.append(item)
        if len(entry.inbox) > INBOX:
            self._refold(entry)
        entry.urgent |= any(isinstance(event.update, TaskStarted | TaskEnded) for event in item.events)
        entry.wake.set()

    def _refold(self, entry: _Entry) -> None:
        entry.inbox.clear()
        entry.stale = True
        entry.wake.set()

    def _entry(self, session_id: SessionId) -> _Entry:
        """Give the session's job, starting one: it reads from the log what it needs."""
        entry = self._entries.get(session_id)
        if entry is None:
            drawer = Drawer(
                session_id,
                self._source,
                self._sink,
                self._shelf,
                self._worktree_of,
                self._name_of,
                self._title_of,
            )
            entry = self._entries[session_id] = _Entry(drawer)
            entry.job = asyncio.create_task(self._tend(session_id, entry))
        return entry

    async def _tend(self, session_id: SessionId, entry: _Entry) -> None:
        failures = 0
        while True:
            try:
                await self._draw_until_idle(entry)
                break
            except Exception as error:
                failures += 1
                entry.stale = True
                # The words of a prompt may stand in an error's text: only its kind is logged.
                self._log.warning("Drawing the transcript of %s failed: %s", session_id, type(error).__name__)
                self._log.debug("Drawing failed", exc_info=error)
                if failures > RETRIES or self._closing or entry.rebuilds:
                    _fail(entry, error)
                    break
                await asyncio.sleep(min(60.0, 0.5 * 2**failures))
        # From here on an event starts a new job: nothing may be awaited before this line.
        if self._entries.get(session_id) is entry:
            del self._entries[session_id]
        for path in entry.drawer.paths:
            await self._sink.release(path)
        if not self._closing and entry.drawer.path is not None:
            self._spawn(self._look_again(session_id, entry.drawer))

    async def _look_again(self, session_id: SessionId, drawer: Drawer) -> None:
        """See a moment later whether an open notebook was set back to its file, and draw it again.

        A room of jupyter-collaboration that polls its file in the middle of its own save takes the save
        for somebody else's, and reads the older file back over what was drawn.
        """
        for _ in range(LOOKS):
            await asyncio.sleep(self._pace.look)
            if session_id in self._entries:
                return
            if await drawer.fell_back():
                self._entry(session_id)
                return

    async def _draw_until_idle(self, entry: _Entry) -> None:
        drawer, checked = entry.drawer, False
        while True:
            entry.wake.clear()
            drawn = await self._draw(entry)
            if drawer.resting and not (entry.inbox or entry.stale or entry.rebuilds):
                if checked:
                    return
                # An open document can be set back to its file behind our back: look once more.
                checked = True
                entry.stale = await drawer.fell_back() or entry.stale
                continue
            checked = False
            if self._closing:
                return
            if drawn is not None and not entry.urgent:
                await self._wait(entry, drawn, urgent_only=True)
            if entry.inbox or entry.stale or entry.rebuilds or drawer.dirty:
                continue
            if await self._wait(entry, self._pace.settle):
                continue
            if drawer.path is not None:
                await self._sink.settle(drawer.path)
            if not await self._wait(entry, self._pace.silence):
                return

    async def _wait(self, entry: _Entry, seconds: float, *, urgent_only: bool = False) -> bool:
        """Wait for mail (or only for what must be drawn at once); False when none came."""
        deadline = self._clock() + seconds
        while not self._closing:
            if entry.urgent or (entry.wake.is_set() and not urgent_only):
                return True
            entry.wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, deadline - self._clock())):
                    await entry.wake.wait()
                    continue
            return entry.urgent
        return True

    async def _draw(self, entry: _Entry) -> float | None:
        """Take the mail and draw. Gives how long to leave the notebook alone, None if undrawn."""
        drawer, began = entry.drawer, self._clock()
        async with self._drawing:
            if entry.rebuilds:
                futures, entry.rebuilds = entry.rebuilds, []
                try:
                    path = await drawer.rebuild()
                except BaseException:
                    entry.rebuilds = futures
                    raise
                entry.stale = False
                for future in futures:
                    if not future.done():
                        future.set_result(path)
            entry.urgent = False
            if entry.stale:
                entry.stale = False
                entry.inbox.clear()
                await drawer.load()
            while entry.inbox:
                item = entry.inbox.popleft()
                if not drawer.feed(item.session, item.events):
                    entry.inbox.clear()
                    await drawer.load()
            if not drawer.dirty:
                return None
            drawn = await drawer.draw()
        return self._pace.after(drawn, self._clock() - began)


def _fail(entry: _Entry, error: Exception) -> None:
    for future in entry.rebuilds:
        if not future.done():
            future.set_exception(error)
    entry.rebuilds = []
