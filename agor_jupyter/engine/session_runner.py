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
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agor_jupyter.domain.errors import AgentUnavailable, AgorError, RunnerLost, StorageFull, TimedOut
from agor_jupyter.domain.events import Draft, PermissionResolved, SessionUpdate, TurnEnded
from agor_jupyter.domain.ids import SessionId, TaskId, UserId
from agor_jupyter.domain.ports import Appended, RunnerMark
from agor_jupyter.engine import task_runner
from agor_jupyter.engine.coalesce import join_chunks
from agor_jupyter.engine.jobs import Jobs
from agor_jupyter.engine.parts import EngineParts
from agor_jupyter.executors.base import Handle, RunnerLink
from agor_jupyter.runner.protocol import Frame, RunnerEnded, RunnerStarted, TaskAccepted, ToolAsked

logger = logging.getLogger("agor_jupyter.engine")

INBOX_BOUND = 1024
BATCH = 256
RECONNECTS = 3
AGAIN_SECONDS = 0.5
"""How long to wait before a full disk, or a runner that could not be reached, is tried again."""


@dataclass(frozen=True)
class _Wake:
    """Look at the queue again."""


@dataclass(frozen=True)
class _Framed:
    offset: int
    frame: Frame


@dataclass(frozen=True)
class _LinkEnded:
    link: RunnerLink


_Item = _Wake | _Framed | _LinkEnded


class SessionRunner:
    """Runs the tasks of one session, one after another. Made by the supervisor, closed by it."""

    def __init__(self, session_id: SessionId, parts: EngineParts) -> None:
        self.session_id = session_id
        self.parts = parts
        self.lock = asyncio.Lock()
        self.link: RunnerLink | None = None
        self.handle: Handle | None = None
        self.working = False  # a task is under way, as of the last append
        self.killed_by = ""  # the person whose interrupt ended in a kill
        self.accepted: TaskId | None = None  # the last task that the runner said it has
        self.stopping: TaskId | None = None  # the task that an interrupt was asked for
        self.stopped_by: UserId | None = None  # who asked while it was still queued
        self.ended: RunnerEnded | None = None
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue(INBOX_BOUND)
        self._offset = 0
        self._jobs = Jobs()
        self._reconnects = 0
        self._no_runner = asyncio.Event()
        self._no_runner.set()
        self._adopted = asyncio.Event()
        self._adopted.set()

    # --- life --------------------------------------------------------------

    def start(self) -> None:
        self._jobs.start(self._work(), f"session {self.session_id}")
        self.wake()

    def wake(self) -> None:
        """Look at the queue soon. Many wakes are one."""
        if not self._inbox.full():  # a full inbox ends in a look at the queue anyway
            self._inbox.put_nowait(_Wake())

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
        self.handle, self._offset = handle, offset
        self._no_runner.clear()
        self._adopted.clear()
        return self._jobs.start(self._adopt(handle), f"adopt {handle.run_id}")

    async def _adopt(self, handle: Handle) -> None:
        try:
            session = await self.parts.log.session(self.session_id)
            self.accepted = session.current_task if session else None  # unknown: never run it twice
            if await self.parts.executor.is_alive(handle):
                try:
                    await self.attach()
                    return
                except AgorError as error:
                    logger.info("runner %s cannot be adopted: %s", handle.run_id, error)
            await self._gone()
        finally:
            self._adopted.set()

    async def attach(self) -> None:
        """Connect to the runner of `handle` after the last committed offset."""
        if self.handle is None:
            raise RunnerLost("There is no runner to attach to.")
        link = await self.parts.executor.connect(self.handle, self._offset)
        try:
            # Before its frames are followed: what fails here must leave none of them in the inbox.
            await self._hand_over_again(link)
        except BaseException:
            await link.disconnect()
            raise
        self.link = link
        self._jobs.start(self._follow(link), f"frames of {self.handle.run_id}")

    def begin_runner(self, handle: Handle) -> None:
        """Take a new runner: its log is read from the beginning."""
        self.handle, self._offset, self.ended, self.killed_by = handle, 0, None, ""
        self._no_runner.clear()
        self._reconnects = 0

    # --- the inbox ---------------------------------------------------------

    async def _follow(self, link: RunnerLink) -> None:
        async for item in link.frames():
            if isinstance(item, ToolAsked):
                self._jobs.start(self._answer_tool(link, item), f"tool {item.tool}")
            else:
                await self._inbox.put(_Framed(*item))
        if self.link is link:
            await self._inbox.put(_LinkEnded(link))

    async def _work(self) -> None:
        await self._adopted.wait()
        while True:
            item = await self._inbox.get()
            frames, other = self._drain(item)
            if frames:
                await self._consume(frames)
            if isinstance(other, _LinkEnded) and other.link is self.link:
                await self._link_ended(other.link)
            await self._look_at_queue()

    async def _answer_tool(self, link: RunnerLink, asked: ToolAsked) -> None:
        """Answer beside the stream: a tool that takes long must not hold up the agent's words."""
        answer = await self.parts.tools(self.session_id, asked.tool, asked.input)
        with contextlib.suppress(RunnerLost, TimedOut):  # asked again when it is attached again
            await link.answer_tool(asked.call, answer)

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
        if session is None or session.archived or session.current_task or session.queue_paused:
            return
        if not session.queue:
            return
        try:
            await task_runner.start_next(self, session)
        except (AgorError, OSError) as error:
            reason = error if isinstance(error, AgorError) else task_runner.refused_by_system(error)
            await self._until_stored(lambda: task_runner.hold_queue(self, reason))
        else:
            self.wake()  # a task that was over at once leaves a queue to look at

    # --- frames ------------------------------------------------------------

    async def _consume(self, frames: list[_Framed]) -> None:
        """Store what a batch of frames says; a turn's end closes its task."""
        drafts: list[Draft] = []
        for item in frames:
            update, task_id, at_ms = item.frame.update, item.frame.task_id, item.frame.at_ms
            if isinstance(update, TurnEnded):
                await self._store(drafts, self._offset)
                drafts = []
                await self._end_task(update, task_id, at_ms, item.offset)
            elif isinstance(update, RunnerEnded):
                self.ended = update
            elif isinstance(update, TaskAccepted):
                self.accepted = task_id
            elif not isinstance(update, RunnerStarted):
                drafts.append(Draft(task_id=task_id, at_ms=at_ms, update=update))
            self._offset = item.offset
        await self._store(drafts, self._offset)

    async def _end_task(self, ended: TurnEnded, task_id: TaskId | None, at_ms: int, mark: int) -> None:
        await self._until_stored(lambda: task_runner.end_task(self, ended, task_id, at_ms=at_ms, mark=mark))

    async def _store(self, drafts: list[Draft], offset: int) -> None:
        """Append `drafts` and how far the runner's log was consumed, in one transaction."""

        async def store() -> None:
            async with self.lock:
                kept = [draft for draft in drafts if not await self._is_answered(draft)]
                await self.append_locked(join_chunks(kept), mark=offset)

        await self._until_stored(store)

    async def _until_stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Store, however long the disk is full: the runner's log keeps what is not read yet."""
        while True:
            try:
                await store()
                return
            except StorageFull as error:
                logger.warning("session %s waits for the disk: %s", self.session_id, error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _is_answered(self, draft: Draft) -> bool:
        """A resolution of a request that is resolved already: the first one counts."""
        update = draft.update
        if not isinstance(update, PermissionResolved):
            return False
        return await self.parts.log.resolution(update.request_id) is not None

    async def append(self, drafts: list[Draft], *, mark: int | None = None) -> Appended:
        """Append under the lock, with the runner's mark when one is given."""
        async with self.lock:
            return await self.append_locked(drafts, mark=mark)

    async def append_locked(self, drafts: list[Draft], *, mark: int | None = None) -> Appended:
        run = RunnerMark(self.handle.run_id, mark) if mark is not None and self.handle else None
        appended = await self.parts.log.append(self.session_id, drafts, mark=run)
        self.working = appended.session.current_task is not None
        return appended

    def draft(self, update: SessionUpdate, task_id: TaskId | None = None) -> Draft:
        return Draft(task_id=task_id, at_ms=self.parts.clock(), update=update)

    # --- the end of a runner -----------------------------------------------

    async def _link_ended(self, link: RunnerLink) -> None:
        """Tell a broken connection from a dead runner, and act on which it is."""
        self.link = None
        await link.disconnect()
        if self.handle is None:
            return
        while self.ended is None and await self.parts.executor.is_alive(self.handle):
            if self._reconnects >= RECONNECTS:
                logger.warning("runner %s cannot be reached; it is ended", self.handle.run_id)
                break
            self._reconnects += 1
            try:
                await self.attach()
                return
            except AgorError as error:  # often one that is dying: its socket goes before it does
                logger.info("runner %s: %s", self.handle.run_id, error)
                await asyncio.sleep(AGAIN_SECONDS)
        await self._gone()

    async def _gone(self) -> None:
        """Read what a dead runner left, end its task, forget it."""
        handle = self.handle
        if handle is None:
            return
        executor = self.parts.executor
        await executor.reap(handle)
        frames = [_Framed(*item) for item in await self._leftovers(handle)]
        for start in range(0, len(frames), BATCH):
            await self._consume(frames[start : start + BATCH])
        if await self._never_taken():
            await self._forget(handle)
            await task_runner.hand_to_new_runner(self)
            return
        await self._until_stored(lambda: task_runner.end_lost_task(self))
        await self._forget(handle)

    async def lost_at_start(self, error: RunnerLost) -> AgorError:
        """Forget a runner that ended before it was reached; give its own last words if it left some."""
        handle = self.handle
        if handle is None:
            return error
        await self.parts.executor.reap(handle)
        last = [frame.update for _, frame in await self._leftovers(handle)][-1:]
        await self._forget(handle)
        for update in last:
            if isinstance(update, RunnerEnded) and update.error:
                return AgentUnavailable(update.error, hint=update.hint)
        return error

    async def _leftovers(self, handle: Handle) -> list[tuple[int, Frame]]:
        try:
            return await self.parts.executor.leftovers(handle, self._offset)
        except AgorError as error:  # somebody changed the log: what was stored before is all there is
            logger.warning("the log of runner %s cannot be read: %s", handle.run_id, error)
            return []

    async def _never_taken(self) -> bool:
        """A runner that closed in the very moment of a prompt: the task is whole and can be given anew."""
        session = await self.parts.log.session(self.session_id)
        task_id = session.current_task if session else None
        closed = self.ended is not None and self.ended.reason in ("idle", "orphaned")
        return closed and task_id is not None and self.accepted != task_id

    async def _forget(self, handle: Handle) -> None:
        await self._until_stored(lambda: self.parts.log.forget_runner(handle.run_id))
        self.handle = None
        self._no_runner.set()
        self.wake()

    async def _hand_over_again(self, link: RunnerLink) -> None:
        """Give a runner what was stored but perhaps never reached it: the prompt, the answers."""
        session = await self.parts.log.session(self.session_id)
        if session is None or session.current_task is None:
            return
        prompt, answers = await task_runner.stored_for(self, session.current_task)
        if prompt is not None:
            await link.prompt(session.current_task, prompt.prompt, prompt.attachments)
        for resolved in answers:
            await link.answer(resolved.request_id, task_runner.decision_of(resolved), by=resolved.by)
        if self.stopping == session.current_task:  # asked for while nobody could tell the runner
            await link.interrupt()

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

    def stop_next(self, task_id: TaskId, by: UserId) -> None:
        """Stop a task that is about to start: it ends before the agent hears of it."""
        self.stopping, self.stopped_by = task_id, by

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
