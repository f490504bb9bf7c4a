"""A task ends though its files cannot be looked at: an agent can lock its own folder."""

from __future__ import annotations

import errno

from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.events import Notice
from tests.engine.conftest import World


async def test_a_task_ends_though_its_folder_is_locked(world: World) -> None:
    session = await world.session()
    await world.prompt(session)
    runner = await world.executor.wait_runner()

    async def locked(*_: object) -> Checkpoint:
        raise PermissionError(errno.EACCES, "Permission denied")

    world.checkpoints.record = locked  # type: ignore[assignment]  # it fails from here on
    runner.end_turn()
    now = await world.wait(session, lambda now: now.current_task is None)
    assert (now.status, now.last_stop_reason) == ("idle", "end_turn")
    notices = [event.update for event in await world.events(session) if isinstance(event.update, Notice)]
    assert [notice.text for notice in notices] == ["The files could not be recorded: Permission denied."]
