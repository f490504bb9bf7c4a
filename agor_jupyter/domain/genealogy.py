"""Where one session branches off another: which of its tasks both share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agor_jupyter.domain.errors import Conflict, Unprocessable
from agor_jupyter.domain.ids import TaskId
from agor_jupyter.domain.session import Task

Position = Literal["before", "after"]


@dataclass(frozen=True)
class Cut:
    """`kept` are the shared tasks in the order in which they ran, `at` the one that was pointed at.

    `whole`: all that ever ran in the parent is shared. A session in which nothing ran has no `at`.
    """

    kept: tuple[Task, ...]
    at: Task | None
    position: Position
    whole: bool


def begun(tasks: Sequence[Task]) -> list[Task]:
    """Give the tasks that ran or run, in the order in which they began."""
    ran = [task for task in tasks if task.started_ms is not None and task.status in ("running", "ended")]
    return sorted(ran, key=lambda task: (task.started_ms or 0, task.queued_ms, task.id))


def shared(tasks: Sequence[Task], last: TaskId | None) -> list[Task]:
    """Give the tasks up to and with `last`; None of them where `last` is None or did not run."""
    ran = begun(tasks)
    return next((ran[: at + 1] for at, task in enumerate(ran) if task.id == last), [])


def cut(tasks: Sequence[Task], at_task: str | None, position: Position) -> Cut:
    """Cut before or after a task; without one, after the last that has ended (before: the last that began).

    Raises `Unprocessable` for a task of another session, `Conflict` for one that has not come so far.
    """
    ran = begun(tasks)
    place = _place(ran, at_task, position, {task.id for task in tasks})
    if place is None:
        return Cut((), None, position, whole=not ran)
    count = place + 1 if position == "after" else place
    return Cut(tuple(ran[:count]), ran[place], position, whole=count == len(ran))


def _place(ran: list[Task], at_task: str | None, position: Position, known: set[TaskId]) -> int | None:
    if at_task is None:
        usable = [at for at, task in enumerate(ran) if position == "before" or task.status == "ended"]
        return usable[-1] if usable else None
    if at_task not in known:
        raise Unprocessable(
            f"This session has no task {at_task[:80]!r}.", hint="Name one of its own.", at_task=at_task[:80]
        )
    place = next((at for at, task in enumerate(ran) if task.id == at_task), None)
    if place is None:
        raise Conflict("This task has not begun.", hint="Fork at one that has.", at_task=at_task)
    if position == "after" and ran[place].status != "ended":
        raise Conflict("This task has not ended.", hint="Fork before it, or stop it first.", at_task=at_task)
    return place
