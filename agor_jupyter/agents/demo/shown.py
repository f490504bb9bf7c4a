"""A tool call as a script writes it down: asked for, shown with what it gave, and only its edits made.

Nothing is started here, whatever the call is called: a saved session can be played without fear.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agor_jupyter.agents.demo import verbs
from agor_jupyter.agents.demo.files import text_of, write_text
from agor_jupyter.agents.demo.stage import EndTurn, Stage, new_call_id
from agor_jupyter.domain.content import DiffContent, TerminalContent, TextContent, ToolContent, ToolLocation
from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.events import PermissionRequest, ToolCall, ToolCallUpdate

if TYPE_CHECKING:
    from agor_jupyter.agents.demo.player import Player

PIECES = 20
"""In so many pieces the output comes, over the call's `seconds`."""


@dataclass(frozen=True)
class _Change:
    """A file's text after an edit (None: it is deleted), and the diff that is shown."""

    place: Path
    after: str | None
    diff: DiffContent


class Shown:
    """Plays one `tool` step; `play` yields after each step within it."""

    def __init__(self, player: Player, stage: Stage, tool: verbs.ToolOf) -> None:
        self._player = player
        self._stage = stage
        self._tool = tool
        self._id = new_call_id()

    async def play(self) -> AsyncIterator[None]:
        """Raises `Unprocessable`, before anything is asked, where an edit does not fit the file."""
        player, tool, stage = self._player, self._tool, self._stage
        changes = () if tool.failed else await asyncio.to_thread(self._changes)
        title, given = stage.filled(tool.title), self._filled(tool.input)
        places = tuple(ToolLocation(path=self._shown_path(path)) for path in self._paths())
        await player.begin(
            ToolCall(tool_call_id=self._id, title=title, kind=tool.kind, input=given, locations=places)
        )
        diffs = (*(change.diff for change in changes), *self._only_shown())
        if tool.ask and not await player.allowed(self._request(title, given, places, diffs), self._id):
            return
        await self._say(status="in_progress")
        outside, player.within = player.within, self._id
        try:
            async for _ in player.play(tool.steps):
                yield
        except EndTurn:
            await player.finish(self._id, (), failed=True)
            raise
        finally:
            player.within = outside
        await self._print()
        await asyncio.to_thread(_make, changes)
        stage.exit_code = tool.exit_code
        await player.finish(self._id, (*diffs, *self._given()), failed=tool.failed)
        yield

    def _request(
        self,
        title: str,
        given: dict[str, Any],
        places: tuple[ToolLocation, ...],
        diffs: tuple[DiffContent, ...],
    ) -> PermissionRequest:
        preview = self._stage.filled(self._tool.preview)
        texts = (TextContent(text=preview),) if preview else ()
        changes = {
            "locations": places,
            "description": self._stage.filled(self._tool.description),
            "content": (*diffs, *texts),
        }
        request = self._player.request_for(title, self._tool.kind, given, self._id)
        return request.model_copy(update=changes)

    async def _print(self) -> None:
        """Let the output come as it came, or the time pass that the call took."""
        output = self._stage.filled(self._tool.output or "")
        if not output:
            await asyncio.sleep(self._tool.seconds * self._stage.pace)
            return
        await self._say(content=(TerminalContent(text=""),))
        pieces = _in_pieces(output, PIECES if self._tool.seconds else 1)
        for piece in pieces:
            await asyncio.sleep(self._tool.seconds * self._stage.pace / len(pieces))
            await self._say(output_delta=piece)

    def _given(self) -> tuple[ToolContent, ...]:
        tool, text = self._tool, self._stage.filled(self._tool.text)
        printed: tuple[ToolContent, ...] = ()
        if tool.output is not None or tool.exit_code is not None:
            output = self._stage.filled(tool.output or "")
            printed = (TerminalContent(text=output, exit_code=tool.exit_code),)
        return (*printed, *((TextContent(text=text),) if text else ()))

    async def _say(self, **changes: Any) -> None:
        await self._stage.emit(ToolCallUpdate(tool_call_id=self._id, **changes))

    # --- files ---------------------------------------------------------------

    def _changes(self) -> tuple[_Change, ...]:
        """Work out every edit before the first is made; two may change one file. Blocking."""
        texts: dict[Path, str | None] = {}
        changes = []
        for edit in self._tool.edits:
            path = self._stage.filled(edit.path)
            place = self._player.place(path)
            before = texts[place] if place in texts else text_of(place)
            after, old, new = self._edited(edit, before, path)
            texts[place] = after
            changes.append(_Change(place, after, DiffContent(path=path, old_text=old, new_text=new)))
        return tuple(changes)

    def _edited(
        self, edit: verbs.ChangeOf, before: str | None, path: str
    ) -> tuple[str | None, str | None, str | None]:
        """Give the whole text after the edit, and what of it is shown: before, after."""
        filled = self._stage.filled
        if edit.delete:
            return None, before, None
        if edit.write is not None:
            return filled(edit.write), before, filled(edit.write)
        find, replace = filled(edit.find or ""), filled(edit.replace)
        if before is None or find not in before:
            raise Unprocessable(
                f"{path} does not hold the text to be replaced.",
                hint="Play it in a worktree whose files are as they were when it was saved.",
            )
        return before.replace(find, replace, -1 if edit.every else 1), find, replace

    def _only_shown(self) -> tuple[DiffContent, ...]:
        filled = self._stage.filled
        return tuple(
            DiffContent(
                path=filled(diff.path),
                old_text=None if diff.old is None else filled(diff.old),
                new_text=None if diff.new is None else filled(diff.new),
            )
            for diff in self._tool.diffs
        )

    def _paths(self) -> tuple[str, ...]:
        tool = self._tool
        changed = [edit.path for edit in tool.edits] + [diff.path for diff in tool.diffs]
        named = tool.paths or tuple(changed)
        return tuple(self._stage.filled(path) for path in dict.fromkeys(named))

    def _shown_path(self, path: str) -> str:
        """Say where a file is. One outside the worktree is only named: nothing is done with it here."""
        return path if path.startswith(("/", "~")) else str(Path(self._stage.spec.worktree) / path)

    def _filled(self, value: Any) -> Any:
        match value:
            case str():
                return self._stage.filled(value)
            case dict():
                return {name: self._filled(item) for name, item in value.items()}
            case list():
                return [self._filled(item) for item in value]
            case _:
                return value


def _make(changes: tuple[_Change, ...]) -> None:
    for change in changes:
        if change.after is None:
            change.place.unlink(missing_ok=True)
        else:
            write_text(change.place, change.after)


def _in_pieces(text: str, most: int) -> list[str]:
    size = max(1, -(-len(text) // most))
    return [text[at : at + size] for at in range(0, len(text), size)]
