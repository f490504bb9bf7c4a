"""The bench's own tools: files, search, the shell, the plan, and questions to the person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from agor_jupyter.agents.base import ToolSpec
from agor_jupyter.agents.clip import clip
from agor_jupyter.agents.workbench import commands, files, parameters, paths
from agor_jupyter.agents.workbench.failing import ToolFailed
from agor_jupyter.agents.workbench.tool import Job, Result, Say, Tool, one_line
from agor_jupyter.domain.content import (
    DiffContent,
    PlanEntry,
    Question,
    TerminalContent,
    TextContent,
    ToolKind,
    ToolLocation,
)
from agor_jupyter.domain.events import Plan

ParametersT = TypeVar("ParametersT", bound=parameters.Parameters)


@dataclass(frozen=True)
class OwnTool(Generic[ParametersT]):
    """A tool with checked parameters (see `tool.Tool`). Its description is the parameters' own."""

    name: str
    kind: ToolKind
    parameters: type[ParametersT]
    prepare: Callable[[ParametersT], Awaitable[Job]]

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(
            name=self.name,
            description=(self.parameters.__doc__ or "").strip(),
            parameters=parameters.schema_of(self.parameters),
        )

    async def look(self, arguments: Mapping[str, Any]) -> Job:
        try:
            checked = self.parameters.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ToolFailed(f"The argument {name!r} of {self.name} is wrong: {first['msg']}.") from error
        with _told():
            job = await self.prepare(checked)

        async def run(say: Say) -> Result:
            with _told():
                return await job.run(say)

        return replace(job, run=run)


@contextmanager
def _told() -> Iterator[None]:
    """Tell the model what the machine refuses: a name that is too long, a locked folder, half a letter.

    Without it the turn would fail for what one call was asked.
    """
    try:
        yield
    except OSError as error:
        raise ToolFailed(f"The system refused: {error.strerror or type(error).__name__}.") from error
    except UnicodeError as error:
        raise ToolFailed("A text holds half of a surrogate pair: nothing here can be named so.") from error


class OwnTools:
    """The tools of one conversation, bound to its worktree and to what its commands may see."""

    def __init__(self, worktree: str, environment: Mapping[str, str], *, most_seconds: float) -> None:
        self._worktree = worktree
        self._environment = environment
        self._most_seconds = most_seconds

    def all(self) -> list[Tool]:
        return [
            OwnTool("read_file", "read", parameters.ReadFile, self._read),
            OwnTool("list_files", "search", parameters.ListFiles, self._list),
            OwnTool("search", "search", parameters.Search, self._search),
            OwnTool("write_file", "edit", parameters.WriteFile, self._write),
            OwnTool("edit_file", "edit", parameters.EditFile, self._edit),
            OwnTool("run_shell", "execute", parameters.RunShell, self._shell),
            OwnTool("update_plan", "think", parameters.UpdatePlan, self._plan),
            OwnTool("ask_person", "other", parameters.AskPerson, self._ask),
        ]

    # --- reading -------------------------------------------------------------

    async def _read(self, asked: parameters.ReadFile) -> Job:
        place = await self._find(asked.path)

        async def run(_: Say) -> Result:
            return Result(await asyncio.to_thread(files.read_lines, place, asked.offset, asked.limit))

        line = asked.offset if asked.offset > 1 else None
        return self._reading("Read", "read", place, run, line=line)

    async def _list(self, asked: parameters.ListFiles) -> Job:
        place = await self._find(asked.path)

        async def run(_: Say) -> Result:
            return Result(await asyncio.to_thread(files.list_entries, place, asked.pattern, asked.depth))

        return self._reading("List", "search", place, run)

    async def _search(self, asked: parameters.Search) -> Job:
        place = await self._find(asked.path)
        order = {
            "root": str(place.real),
            "pattern": asked.pattern,
            "glob": asked.glob,
            "regex": asked.regex,
            "ignore_case": asked.ignore_case,
        }

        async def run(_: Say) -> Result:
            return Result(await commands.search(order, environment=self._environment))

        return self._reading(f"Search {asked.pattern} in", "search", place, run)

    def _reading(
        self,
        verb: str,
        kind: ToolKind,
        place: paths.Place,
        run: Callable[[Say], Awaitable[Result]],
        *,
        line: int | None = None,
    ) -> Job:
        return Job(
            title=one_line(f"{verb} {paths.short(place, self._worktree)}"),
            kind=kind,
            locations=(ToolLocation(path=place.shown, line=line),),
            asks=not place.inside,
            run=run,
        )

    # --- changing ------------------------------------------------------------

    async def _write(self, asked: parameters.WriteFile) -> Job:
        place = await self._find(asked.path)
        change = await asyncio.to_thread(files.plan_write, place, asked.content)
        verb = "Make" if change.before is None else "Write"
        return self._changing(verb, change, change.before, change.after)

    async def _edit(self, asked: parameters.EditFile) -> Job:
        place = await self._find(asked.path)
        change = await asyncio.to_thread(
            lambda: files.plan_edit(place, asked.old_text, asked.new_text, every=asked.replace_all)
        )
        return self._changing("Edit", change, asked.old_text, asked.new_text)

    def _changing(self, verb: str, change: files.Change, old: str | None, new: str) -> Job:
        place = change.place
        shown = DiffContent(
            path=place.shown, old_text=clip(old)[0] if old is not None else None, new_text=clip(new)[0]
        )

        async def run(_: Say) -> Result:
            await asyncio.to_thread(files.apply, self._worktree, change)
            return Result(f"{place.named} is written.", (shown,))

        return Job(
            title=one_line(f"{verb} {paths.short(place, self._worktree)}"),
            kind="edit",
            locations=(ToolLocation(path=place.shown),),
            preview=(shown,),
            asks=True,
            run=run,
        )

    # --- the shell -----------------------------------------------------------

    async def _shell(self, asked: parameters.RunShell) -> Job:
        if not asked.command.strip() or "\0" in asked.command:
            raise ToolFailed("The command is empty, or holds a NUL character.")
        seconds = min(max(asked.timeout_seconds, 1.0), self._most_seconds)

        async def run(say: Say) -> Result:
            ran = await commands.run_shell(
                asked.command,
                cwd=self._worktree,
                environment=self._environment,
                seconds=seconds,
                on_output=say,
            )
            return _shell_result(ran)

        return Job(title=one_line(asked.command), kind="execute", asks=True, run=run, has_output=True)

    # --- the person ----------------------------------------------------------

    async def _plan(self, asked: parameters.UpdatePlan) -> Job:
        entries = (
            PlanEntry(content=step.content, status=step.status, priority=step.priority)
            for step in asked.steps
        )
        return Job(title="Plan", kind="think", plan=Plan(entries=tuple(entries)), run=_shown)

    async def _ask(self, asked: parameters.AskPerson) -> Job:
        question = Question(
            question=asked.question,
            choices=tuple(asked.choices),
            multiple=asked.multiple,
            descriptions=tuple(asked.descriptions),
            own=True,
        )
        return Job(title="Ask a question", asks=True, questions=(question,), run=_shown)

    async def _find(self, path: str) -> paths.Place:
        return await asyncio.to_thread(paths.find, self._worktree, path)


async def _shown(_: Say) -> Result:
    return Result("The person sees it.", ())


def _shell_result(ran: commands.Ran) -> Result:
    shown = TerminalContent(text=ran.text, exit_code=ran.exit_code, truncated=ran.gone)
    if ran.exit_code is None:
        note = f"It was ended after {ran.seconds:g} s."
        late = TextContent(text=note)
        return Result(f"{ran.text}\n({note})", (shown, late), failed=True)
    return Result(f"{ran.text}\n(exit code {ran.exit_code})", (shown,), failed=ran.exit_code != 0)
