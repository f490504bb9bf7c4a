"""Tasks: prompts queued, read, edited, moved and taken back."""

from __future__ import annotations

from agor_jupyter.domain.errors import Conflict
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.ports import Page, Prompt
from agor_jupyter.domain.session import Task
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import agents, sessions
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import check_limit, found
from agor_jupyter.service.requests import ChangeTask, SendPrompt


async def browse(
    house: House, actor: Actor, session_id: str, *, limit: int = 100, cursor: str | None = None
) -> Page[Task]:
    admit(actor, "tasks.browse")
    check_limit(limit, cursor)
    session = await sessions.get(house, session_id)
    return await house.log.tasks(session.id, limit=limit, cursor=cursor)


async def show(house: House, actor: Actor, task_id: str) -> Task:
    admit(actor, "tasks.show")
    return await get(house, task_id)


async def get(house: House, task_id: str) -> Task:
    """Give the task, or raise `NotFound`. Asks no one: for other verbs of the house."""
    return found(await house.log.task(TaskId(task_id)), "task", task_id)


async def prompt(house: House, actor: Actor, session_id: str, request: SendPrompt) -> Task:
    """Accept a prompt: when this returns it is stored and will not be lost."""
    admit(actor, "tasks.prompt")
    house.check_writable()
    session = await sessions.get(house, session_id)
    if session.archived:
        raise Conflict(f"{session.title} is archived.", hint="Take it out of the archive first.")
    agents.require_here(house, session.agent)
    if request.attachments:
        agents.check_attachments(house.agents.kind(session.agent), session, request.attachments)
    task_id = TaskId(house.new_id("task"))
    queued = await house.log.task(task_id)
    if queued is not None:
        return queued  # a retry, under its idempotency key, of a request that a crash cut off
    wish = Prompt(task_id=task_id, text=request.prompt, attachments=request.attachments)
    return await house.work.prompt(session.id, wish, by=actor.id, by_name=actor.by_name)


async def change(house: House, actor: Actor, task_id: str, request: ChangeTask) -> Task:
    """Edit or move a prompt that still waits. Raises `Conflict` once it has started.

    Everybody who may work moves prompts; the words are changed by who wrote them, or an admin.
    """
    admit(actor, "tasks.change")
    house.check_writable()
    task = await get(house, task_id)
    if request.prompt is None and request.place is None:
        return task
    if request.prompt is not None:
        admit_owner(actor, "tasks.rewrite", task.by)
    return await house.work.edit_task(
        task.id, by=actor.id, by_name=actor.by_name, prompt=request.prompt, place=request.place
    )


async def remove(house: House, actor: Actor, task_id: str) -> Task:
    """Take a waiting prompt back: who wrote it, the session's owner, or an admin.

    Raises `Conflict` once it has started.
    """
    admit(actor, "tasks.remove")
    house.check_writable()
    task = await get(house, task_id)
    session = await sessions.get(house, task.session_id)
    admit_owner(actor, "tasks.remove", session.owner if session.owner == actor.id else task.by)
    return await house.work.remove_task(task.id, by=actor.id, by_name=actor.by_name)
