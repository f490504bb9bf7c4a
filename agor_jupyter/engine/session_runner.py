"""One session at work: its queue, its runner, its state. An actor with one inbox.

Invariants
* Whatever is appended for this session is appended under `lock`.
* A frame's offset is committed with the events made from it, so a frame is consumed once.
* A prompt is handed to a runner only after `task_started` is stored; handing it over again is
  harmless, because runners know their tasks by id.
* An answer is stored before it is handed over, and handed over again after each reconnect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agor_jupyter.domain.errors import AgorError, RunnerLost, StorageFull, TimedOut
from agor_jupyter.domain.events import (
    Draft,
    InterruptRequested,
    PermissionResolved,
    QueueWaiting,
    SessionUpdate,
    TurnEnded,
)
from agor_jupyter.domain.ids import SessionId, TaskId
from agor_jupyter.domain.ports import Appended, RunnerMark
from agor_jupyter.domain.session import Session
from agor_jupyter.engine import runner_watch, task_runner
from agor_jupyter.engine.admission import Admission
from agor_jupyter.engine.coalesce import join_chunks
from agor_jupyter.engine.jobs import Jobs
from agor_jupyter.engine.parts import EngineParts
from agor_jupyter.engine.tool_calls import ToolCalls
from agor_jupyter.executors.base import Handle, RunnerLink
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerStarted, TaskAccepted, ToolAsked

logger = logging.getLogger("agor_jupyter.engine")

INBOX_BOUND = 1024
BATCH = 256
AGAIN_SECONDS = 0.5
"""How long to wait before a full disk, or a runner that could not be reached, is tried again."""

FAULT_SECONDS = 0.5
"""How long a session rests after a first fault of ours, before it hears its runner again."""


@dataclass(frozen=True)
class _Wake:
    """Look at the queue again."""


@dataclass(frozen=True)
class _MakeRoom:
    """Close the agent if nothing is to be done."""


@dataclass(frozen=True)
class _Framed:
    link: RunnerLink
    offset: int
    frame: Frame


@dataclass(frozen=True)
class _LinkEnded:
    link: RunnerLink


_Item = _Wake | _MakeRoom | _Framed | _LinkEnded


class SessionRunner:
    """Runs the tasks of one session, one after another. Made by the supervisor, closed by it."""

    def __init__(self, session_id: SessionId, parts: EngineParts, admission: Admission) -> None:
        self.session_id = session_id
        self.parts = parts
        self.admission = admission
        self.lock = asyncio.Lock()
        self.link: RunnerLink | None = None
        self.handle: Handle | None = None
        self.working = admission.is_working(session_id)  # a task is under way, as of the last append
        self.rests_since = 0.0  # when its last task ended, by the loop's clock: that is never set
        self.killed_by = ""  # the person whose interrupt ended in a kill
        self.accepted: TaskId | None = None  # the last task that the runner said it has
        self.stopping: TaskId | None = None  # the task that an interrupt was asked for
        self.stop_asked: InterruptRequested | None = None  # it was asked for while still queued
        self.ended: RunnerEnded | None = None
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(INBOX_BOUND)
        self.offset = 0  # how far the runner's log was consumed and stored
        self.reconnects = 0
        self._jobs = Jobs()
        self._tools = ToolCalls(session_id, parts.tools, self._jobs)
        self._broken = False
        self._no_runner = asyncio.Event()
        self._no_runner.set()
        self._adopted = asyncio.Event()
        self._adopted.set()

    # --- life --------------------------------------------------------------

    def start(self) -> None:
        self._jobs.start_lasting(self._work, f"session {self.session_id}", pause_seconds=FAULT_SECONDS)
        self.wake()

    def wake(self) -> None:
        """Look at the queue soon. Many wakes are one."""
        if not self._inbox.full():  # a full inbox ends in a look at the queue anyway
            self._inbox.put_nowait(_Wake())

    def make_room(self) -> None:
        """Close the agent soon, unless there is work for it by then: the next prompt resumes it."""
        if not self._inbox.full():
            self._inbox.put_nowait(_MakeRoom())

    async def close(self) -> None:
        """Leave the runner as it is and stop following it."""
        await self._jobs.close()
        if self.link is not None:
            await self.link.disconnect()
            self.link = None

    def adopt(self, handle: Handle, offset: int) -> asyncio.Task[None]:
        """Follow a runner that outlived its server, or read what a dead one left behind.

        A job: one that hangs is waited for by its own session alone, which does nothing else till then.
        """
        self.handle, self.offset = handle, offset
        self._no_runner.clear()
        self._adopted.clear()
        return self._jobs.start(self._adopt(handle), f"adopt {handle.run_id}")

    async def _adopt(self, handle: Handle) -> None:
        try:
            await runner_watch.adopt(self, handle)
        finally:
            self._adopted.set()

    def begin_runner(self, handle: Handle) -> None:
        """Take a new runner: its log is read from the beginning."""
        self.handle, self.offset, self.ended, self.killed_by = handle, 0, None, ""
        self._no_runner.clear()
        self.reconnects = 0

    def no_runner(self) -> None:
        """Know of no runner any more."""
        self.handle = None
        self._no_runner.set()

    # --- the inbox ---------------------------------------------------------

    def follow(self, link: RunnerLink) -> None:
        """Read the frames of the present link in a job of their own."""
        self._jobs.start(self._follow(link), f"frames of {self.session_id}")

    async def _follow(self, link: RunnerLink) -> None:
        async for item in link.frames():
            if isinstance(item, ToolAsked):
                self._tools.answer(link, item)
            else:
                await self._inbox.put(_Framed(link, *item))
        if self.link is link:
            await self._inbox.put(_LinkEnded(link))

    async def _work(self) -> None:
        await self._adopted.wait()
        if self._broken:
            await self._mend()
        while True:
            item = await self._inbox.get()
            frames, other = self._drain(item)
            self._broken = True  # until all of it is done: a fault in here begins with mending
            await self._consume([(it.offset, it.frame) for it in frames if it.link is self.link])
            if isinstance(other, _LinkEnded) and other.link is self.link:
                await runner_watch.link_ended(self, other.link)
            elif isinstance(other, _MakeRoom):
                await runner_watch.close_idle(self)
            await self._look_at_queue()
            self._broken = False

    async def _mend(self) -> None:
        """After a fault, hear the runner again from what was stored, and look at the queue again."""
        link, self.link = self.link, None
        if link is not None:
            await link.disconnect()
        for run_id, _, _, offset in await self.parts.log.runners():
            if self.handle is not None and self.handle.run_id == run_id:
                self.offset = offset
        await runner_watch.attach_again(self)
        self._broken = False
        self.wake()

    def _drain(self, first: _Item) -> tuple[list[_Framed], _Item | None]:
        """Take what waits: frames up to the next item of another kind."""
        frames: list[_Framed] = []
        item: _Item | None = first
        while isinstance(item, _Framed):
            frames.append(item)
            item = None if self._inbox.empty() or len(frames) >= BATCH else self._inbox.get_nowait()
        return frames, item

    async def _look_at_queue(self) -> None:
        session = await self.parts.log.session(self.session_id)
        if session is None or not has_next(session):
            return
        if self.stop_asked is not None and self.stopping == session.queue[0]:
            await self.until_stored(lambda: task_runner.end_unstarted(self))
            self.wake()
            return
        if waits_for := self.admission.enter(session):
            if session.waits is None or session.waits.reason != waits_for:
                await self.until_stored(lambda: self._say_waits(waits_for))
            return
        try:
            await task_runner.start_next(self, session)
        except (AgorError, OSError) as error:
            reason = error if isinstance(error, AgorError) else task_runner.refused_by_system(error)
            await self.until_stored(lambda: task_runner.hold_queue(self, reason))
        else:
            self.wake()  # a task that was over at once leaves a queue to look at
        finally:
            if not self.working:
                self.admission.leave(self.session_id)

    async def _say_waits(self, reason: str) -> None:
        async with self.lock:
            session = await self.parts.log.session(self.session_id)
            if session is not None and has_next(session):
                await self.append_locked([self.draft(QueueWaiting(reason=reason))])

    # --- frames ------------------------------------------------------------

    async def consume_all(self, frames: list[tuple[int, Frame]]) -> None:
        """Store what a dead runner left, a batch at a time."""
        for start in range(0, len(frames), BATCH):
            await self._consume(frames[start : start + BATCH])

    async def _consume(self, frames: list[tuple[int, Frame]]) -> None:
        """Store what a batch of frames says; a turn's end closes its task."""
        if not frames:
            return
        drafts: list[Draft] = []
        for offset, frame in frames:
            update, task_id = frame.update, frame.task_id
            # A runner's clock may be ahead of this one: all that follows would keep to that time.
            at_ms = min(frame.at_ms, self.parts.clock())
            if isinstance(update, TurnEnded):
                await self._store(drafts, self.offset)
                drafts = []
                await self._end_task(update, task_id, at_ms, offset)
            elif isinstance(update, RunnerEnded):
                self.ended = update
            elif isinstance(update, TaskAccepted):
                self.accepted = task_id
            elif not isinstance(update, RunnerStarted):
                drafts.append(Draft(task_id=task_id, at_ms=at_ms, update=update))
            self.offset = offset
        await self._store(drafts, self.offset)

    async def _end_task(self, ended: TurnEnded, task_id: TaskId | None, at_ms: int, mark: int) -> None:
        await self.until_stored(lambda: task_runner.end_task(self, ended, task_id, at_ms=at_ms, mark=mark))

    async def _store(self, drafts: list[Draft], offset: int) -> None:
        """Append `drafts` and how far the runner's log was consumed, in one transaction."""

        async def store() -> None:
            async with self.lock:
                kept = [draft for draft in drafts if not await self._is_answered(draft)]
                await self.append_locked(join_chunks(kept), mark=offset)

        await self.until_stored(store)

    async def until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Store, however long the disk is full or the database held: the runner's log keeps the rest."""
        while True:
            try:
                await store()
                return
            except (StorageFull, TimedOut) as error:
                logger.warning("session %s waits for the database: %s", self.session_id, error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _is_answered(self, draft: Draft) -> bool:
        """A resolution of a request that is resolved already: the first one counts."""
        update = draft.update
        if not isinstance(update, PermissionResolved):
            return False
        return await self.parts.log.resolution(update.request_id) is not None

    @property
    def again_seconds(self) -> float:
        return AGAIN_SECONDS

    async def append(self, drafts: list[Draft], *, mark: int | None = None) -> Appended:
        """Append under the lock, with the runner's mark when one is given."""
        async with self.lock:
            return await self.append_locked(drafts, mark=mark)

    async def append_locked(self, drafts: list[Draft], *, mark: int | None = None) -> Appended:
        run = RunnerMark(self.handle.run_id, mark) if mark is not None and self.handle else None
        appended = await self.parts.log.append(self.session_id, drafts, mark=run)
        self._note(appended.session)
        return appended

    def _note(self, session: Session) -> None:
        """Give the place back with the end of a task; while one starts, its place is held elsewhere."""
        was, self.working = self.working, session.current_task is not None
        if was and not self.working:
            self.rests_since = asyncio.get_running_loop().time()
            self.admission.leave(self.session_id)
        elif not has_next(session):
            self.admission.stop_waiting(self.session_id)

    def draft(self, update: SessionUpdate, task_id: TaskId | None = None) -> Draft:
        return Draft(task_id=task_id, at_ms=self.parts.clock(), update=update)

    # --- what people ask for -----------------------------------------------

    async def answer(self, resolved: PermissionResolved, task_id: TaskId | None) -> Appended:
        """Store an answer, then hand it over. The caller holds no lock."""
        async with self.lock:
            first = await self.parts.log.resolution(resolved.request_id)
            if first is not None:
                raise task_runner.already_answered(first)
            appended = await self.append_locked([self.draft(resolved, task_id)])
        link = self.link
        if link is not None:
            try:
                await link.answer(resolved.request_id, task_runner.decision_of(resolved), by=resolved.by)
            except (RunnerLost, TimedOut) as error:  # handed over again when the runner is attached again
                logger.info("an answer waits for %s: %s", self.session_id, error)
        return appended

    async def interrupt(self, by: str) -> None:
        """Stop the present turn; kill what does not stop within the deadline."""
        session = await self.parts.log.session(self.session_id)
        task_id = self.stopping = session.current_task if session else None
        link, handle = self.link, self.handle
        if link is None or handle is None:
            return  # told when the runner is attached
        # Before it is told: one that hangs does not even acknowledge.
        self._jobs.start(self._watch_interrupt(handle, task_id, by), f"interrupt {self.session_id}")
        try:
            await link.interrupt()
        except (RunnerLost, TimedOut) as error:
            logger.info("the runner of %s did not take an interrupt: %s", self.session_id, error)

    async def hang_up(self) -> None:
        """Break the connection; it is made anew, and what the runner may have missed is told again."""
        if self.link is not None:
            await self.link.disconnect()

    def stop_next(self, task_id: TaskId, asked: InterruptRequested) -> None:
        """Stop a task that is about to start: it ends before the agent hears of it."""
        self.stopping, self.stop_asked = task_id, asked

    async def _watch_interrupt(self, handle: Handle, task_id: TaskId | None, by: str) -> None:
        await asyncio.sleep(self.parts.interrupt_seconds)
        session = await self.parts.log.session(self.session_id)
        if task_id is not None and session is not None and session.current_task == task_id:
            self.killed_by = by
            await self.parts.executor.reap(handle)

    async def end_without_runner(self) -> None:
        """End the task of a session that no runner is known of."""
        await task_runner.end_lost_task(self)

    async def wait_ended(self) -> None:
        """Wait until no runner is left and what it said is stored. The caller brings the deadline."""
        await self._no_runner.wait()

    async def close_runner(self, *, finish_task: bool = False) -> None:
        """Ask the runner to end in order; one that does not is left to the executor."""
        if self.link is not None:
            await self.link.close_runner(finish_task=finish_task)


def has_next(session: Session) -> bool:
    """Say whether a queued task may start by itself now."""
    return bool(session.queue) and not (session.archived or session.current_task or session.queue_paused)
