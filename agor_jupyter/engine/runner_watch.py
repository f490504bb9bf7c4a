"""A session's runner: attached to, told again what it may have missed, and told apart when it is gone.

Functions on a `SessionRunner`; they keep no state of their own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agor_jupyter.domain.conversation import REPLAY_NOTICE
from agor_jupyter.domain.errors import AgentUnavailable, AgorError, RunnerLost
from agor_jupyter.domain.events import Notice, SessionUpdated
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.session import Session
from agor_jupyter.engine import replay, task_runner
from agor_jupyter.executors.base import Handle, RunnerLink
from agor_jupyter.runner.protocol import Frame, RunnerEnded

if TYPE_CHECKING:
    from agor_jupyter.engine.session_runner import SessionRunner

logger = logging.getLogger("agor_jupyter.engine")

RECONNECTS = 3
ENGINE = "engine"
"""Who tells a runner its session's own mode again."""


async def adopt(runner: SessionRunner, handle: Handle) -> None:
    """Attach to a runner that outlived its server; one that cannot be reached is gone."""
    session = await runner.parts.log.session(runner.session_id)
    runner.accepted = session.current_task if session else None  # unknown: never run it twice
    if await runner.parts.executor.is_alive(handle):
        try:
            await attach(runner)
            return
        except AgorError as error:
            logger.info("runner %s cannot be adopted: %s", handle.run_id, error)
    await gone(runner, handle)


async def attach(runner: SessionRunner, started_with: Session | None = None) -> None:
    """Connect to the present runner after the last committed offset. Raises an `AgorError`.

    Before its frames are followed it is told what it may have missed: what fails there must leave
    none of them in the inbox. `started_with` is the record that a new runner was made from.
    """
    if runner.handle is None:
        raise RunnerLost("There is no runner to attach to.")
    link = await runner.parts.executor.connect(runner.handle, runner.offset)
    try:
        told = await _hand_over_again(runner, link)
        if told is not None and told.archived and started_with is None:
            await link.close_runner()  # it was put away, and the server gone before its runner had ended
        runner.link = link
        # From here on a change is told at once; one that came in between is told now.
        await _tell_changes(runner, link, told, started_with)
    except BaseException:
        runner.link = None
        await link.disconnect()
        raise
    runner.follow(link)


async def _hand_over_again(runner: SessionRunner, link: RunnerLink) -> Session | None:
    """Give a runner what was stored but perhaps never reached it: the mode, the prompt, the answers."""
    session = await runner.parts.log.session(runner.session_id)
    if session is None:
        return None
    # Always, and first: a mode that was tightened must not wait for the next runner.
    await link.set_mode(session.mode, by=ENGINE)
    if session.archived:
        return session
    answers = await task_runner.answers_apart(runner)
    if session.current_task is not None:
        prompt, own = await task_runner.stored_for(runner, session.current_task)
        answers += own
        if prompt is not None:
            await link.prompt(session.current_task, prompt.prompt, prompt.attachments)
    for resolved in answers:
        await link.answer(resolved.request_id, task_runner.decision_of(resolved), by=resolved.by)
    if (
        session.current_task is not None and runner.stopping == session.current_task
    ):  # asked for while nobody could tell the runner
        await link.interrupt()
    return session


async def _tell_changes(
    runner: SessionRunner, link: RunnerLink, told: Session | None, started_with: Session | None
) -> None:
    now = await runner.parts.log.session(runner.session_id)
    if now is None:
        return
    if told is not None and now.mode != told.mode:
        await link.set_mode(now.mode, by=ENGINE)
    if started_with is None:
        return
    capable = runner.parts.capabilities(now.agent)
    if capable.set_model and now.model != started_with.model:
        await link.set_model(now.model, by=ENGINE)
    if capable.set_effort and now.effort != started_with.effort:
        await link.set_effort(now.effort, by=ENGINE)


async def link_ended(runner: SessionRunner, link: RunnerLink) -> None:
    """Tell a broken connection from a dead runner, and act on which it is."""
    runner.link = None
    await link.disconnect()
    await attach_again(runner)


async def attach_again(runner: SessionRunner) -> None:
    """Reach the runner that is known, a few times; one that is dead or out of reach is gone."""
    handle = runner.handle
    if handle is None:
        return
    while runner.ended is None and await runner.parts.executor.is_alive(handle):
        if runner.reconnects >= RECONNECTS:
            logger.warning("runner %s cannot be reached; it is ended", handle.run_id)
            break
        runner.reconnects += 1
        try:
            await attach(runner)
            return
        except AgorError as error:  # often one that is dying: its socket goes before it does
            logger.info("runner %s: %s", handle.run_id, error)
            await asyncio.sleep(runner.again_seconds)
    await gone(runner, handle)


async def gone(runner: SessionRunner, handle: Handle) -> None:
    """Read what a dead runner left, end its task, forget it."""
    await runner.parts.executor.reap(handle)
    await runner.consume_all(await _leftovers(runner, handle))
    if await _never_taken(runner):
        await forget(runner, handle)
        await task_runner.hand_to_new_runner(runner)
        return
    if await fork_refused(runner):
        await forget(runner, handle)
        await task_runner.hand_to_new_runner(runner)
        return
    await runner.until_stored(lambda: task_runner.end_lost_task(runner))
    await forget(runner, handle)


async def close_idle(runner: SessionRunner) -> None:
    """Close an agent that has nothing to do. Its session's own job does it: no prompt can come between."""
    session = await runner.parts.log.session(runner.session_id)
    link, handle = runner.link, runner.handle
    if link is None or handle is None or session is None or session.current_task or session.waits:
        return
    logger.info("runner %s has no task and makes room for another", handle.run_id)
    runner.link = None
    try:
        await link.close_runner()
    except AgorError as error:
        logger.info("runner %s did not end in order: %s", handle.run_id, error)
    await link.disconnect()
    await gone(runner, handle)


async def lost_at_start(runner: SessionRunner, error: AgorError) -> AgorError:
    """Forget a runner that could not be reached; give its own last words if it left some."""
    handle = runner.handle
    if handle is None:
        return error
    await runner.parts.executor.reap(handle)
    last = [frame.update for _, frame in await _leftovers(runner, handle)][-1:]
    await forget(runner, handle)
    for update in last:
        if isinstance(update, RunnerEnded) and update.reason == "start_failed" and update.error:
            return AgentUnavailable(update.error, hint=update.hint, capability=update.capability)
    return error


async def forget(runner: SessionRunner, handle: Handle) -> None:
    """Strike a runner off the record; the session is free for another."""
    await runner.until_stored(lambda: runner.parts.log.forget_runner(handle.run_id))
    runner.no_runner()
    runner.wake()


async def _leftovers(runner: SessionRunner, handle: Handle) -> list[tuple[int, Frame]]:
    try:
        return await runner.parts.executor.leftovers(handle, runner.offset)
    except AgorError as error:  # somebody changed the log: what was stored before is all there is
        logger.warning("the log of runner %s cannot be read: %s", handle.run_id, error)
        return []


async def fork_refused(runner: SessionRunner) -> bool:
    """Let a fork be replayed whose agent did not start because it would not branch; say whether it was so."""
    ended = runner.ended
    if ended is None or ended.reason != "start_failed" or ended.capability != "fork":
        return False
    refused = AgentUnavailable(ended.error, hint=ended.hint)
    return await replay_instead(runner, refused)


async def replay_instead(runner: SessionRunner, refused: AgorError) -> bool:
    """Give a fork up that its agent refused: its next prompt brings a transcript, and the log says why."""
    replayed = False

    async def store() -> None:
        nonlocal replayed
        async with runner.lock:
            now = await runner.parts.log.session(runner.session_id)
            replayed = now is not None and replay.is_refusable(now)
            if now is None or not replayed:
                return
            task_id = now.current_task or next(iter(now.queue), None)  # what the conversation shows it with
            update = SessionUpdated(by=UserId(ENGINE), replayed=True)
            why = Notice(level="warning", text=f"The agent did not fork the conversation: {refused.detail}")
            drafts = [runner.draft(update), runner.draft(why, task_id)]
            if now.current_task is not None:  # else its start says so
                drafts.append(runner.draft(Notice(text=REPLAY_NOTICE), task_id))
            await runner.append_locked(drafts)

    await runner.until_stored(store)
    return replayed


async def _never_taken(runner: SessionRunner) -> bool:
    """A runner that closed in the very moment of a prompt: the task is whole and can be given anew."""
    session = await runner.parts.log.session(runner.session_id)
    task_id = session.current_task if session else None
    closed = runner.ended is not None and runner.ended.reason in ("idle", "orphaned")
    return closed and task_id is not None and runner.accepted != task_id
