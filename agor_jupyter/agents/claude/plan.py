"""Claude Code's plan: the whole list of TodoWrite, or tasks made and changed one by one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from agor_jupyter.domain.content import PlanEntry
from agor_jupyter.domain.events import Plan

Status = Literal["pending", "in_progress", "completed"]
_STATUS: Mapping[str, Status] = {
    "pending": "pending",
    "in_progress": "in_progress",
    "completed": "completed",
}


class PlanKeeper:
    """Folds plan tools into whole plans. A conversation's tasks keep their ids over its turns."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[str, Status]] = {}

    def todos(self, tool_input: Mapping[str, Any]) -> Plan | None:
        """Read the list that TodoWrite sets."""
        todos = tool_input.get("todos")
        if not isinstance(todos, list):
            return None
        entries = [
            PlanEntry(
                content=str(todo.get("content", "")),
                status=_STATUS.get(str(todo.get("status")), "pending"),
            )
            for todo in todos
            if isinstance(todo, Mapping)
        ]
        return Plan(entries=tuple(entries))

    def created(self, record: Mapping[str, Any]) -> Plan | None:
        """Take the task that TaskCreate made: its id is in the result only."""
        task = record.get("task")
        if not isinstance(task, Mapping) or "id" not in task:
            return None
        self._tasks[str(task["id"])] = (str(task.get("subject", "")), "pending")
        return self._plan()

    def updated(self, tool_input: Mapping[str, Any]) -> Plan | None:
        """Apply what TaskUpdate asked for. A task from before a resume is known by its id only."""
        task_id = str(tool_input.get("taskId", ""))
        if not task_id:
            return None
        status = str(tool_input.get("status", ""))
        if status == "deleted":
            self._tasks.pop(task_id, None)
            return self._plan()
        subject, before = self._tasks.get(task_id, (f"Task {task_id}", "pending"))
        self._tasks[task_id] = (str(tool_input.get("subject") or subject), _STATUS.get(status, before))
        return self._plan()

    def listed(self, record: Mapping[str, Any]) -> Plan | None:
        """Take the whole list that TaskList gave back."""
        tasks = record.get("tasks")
        if not isinstance(tasks, list):
            return None
        self._tasks = {
            str(task["id"]): (str(task.get("subject", "")), _STATUS.get(str(task.get("status")), "pending"))
            for task in tasks
            if isinstance(task, Mapping) and "id" in task
        }
        return self._plan()

    def _plan(self) -> Plan:
        entries = (PlanEntry(content=subject, status=status) for subject, status in self._tasks.values())
        return Plan(entries=tuple(entries))
