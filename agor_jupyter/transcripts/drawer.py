"""One session's drawing under way: events in, drawings out.

Holds the turns that still change, and forgets each when it is drawn and over. `writer` owns the
jobs that drive drawers; nothing here waits for time to pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agor_jupyter.domain.errors import NotFound
from agor_jupyter.domain.events import SessionEvent, TaskEnded, TaskQueued, TaskStarted
from agor_jupyter.domain.ids import SessionId, TaskId, WorktreeId
from agor_jupyter.domain.ports import EventSource
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.transcripts.notebook import Cell, Drawing, Notebook, agor_of, task_of
from agor_jupyter.transcripts.read import last_seq, session_of
from agor_jupyter.transcripts.render import (
    BlockCache,
    Place,
    notebook_agor,
    render_head,
    render_turn,
    size_of,
)
from agor_jupyter.transcripts.shelf import Shelf
from agor_jupyter.transcripts.sink import Drawn, Sink
from agor_jupyter.transcripts.turns import Turn, fold

MAX_TURNS = 200
MAX_BYTES = 2_000_000
PAGE = 500

WorktreeOf = Callable[[WorktreeId], Awaitable[Worktree | None]]
NameOf = Callable[[str], str]


@dataclass
class _Part:
    """A part's file, and how much of it our turns fill."""

    number: int
    path: Path
    sizes: dict[TaskId, int] = field(default_factory=dict)
    made: bool = False

    @property
    def full(self) -> bool:
        return len(self.sizes) >= MAX_TURNS or sum(self.sizes.values()) >= MAX_BYTES


class Drawer:
    """Draws one session. Not for use by two jobs at once."""

    def __init__(
        self,
        session_id: SessionId,
        source: EventSource,
        sink: Sink,
        shelf: Shelf,
        worktree_of: WorktreeOf,
        name_of: NameOf,
        title_of: NameOf = str,
    ) -> None:
        self.session_id = session_id
        self._source, self._sink, self._shelf = source, sink, shelf
        self._worktree_of, self._name_of, self._title_of = worktree_of, name_of, title_of
        self._session: Session | None = None
        self._place = Place()
        self._folded = 0
        self._drawn_seq = 0
        self._parts: dict[int, _Part] = {}
        self._turns: dict[TaskId, Turn] = {}
        self._caches: dict[TaskId, BlockCache] = {}
        self._part_of: dict[TaskId, int] = {}
        self._dirty: set[TaskId] = set()
        self._unknown: set[TaskId] = set()
        self._before: dict[TaskId, str | None] = {}
        self._last_ref: str | None = None
        self._stale_head = False

    @property
    def dirty(self) -> bool:
        return bool(self._unknown) or self._stale_head or any(self._shown(task) for task in self._dirty)

    @property
    def resting(self) -> bool:
        """Say whether no turn is under way, so that nothing is lost by forgetting all."""
        return not self.dirty and not any(turn.drawn and not turn.over for turn in self._turns.values())

    @property
    def path(self) -> Path | None:
        """The file that is drawn into at present."""
        return self._parts[max(self._parts)].path if self._parts else None

    @property
    def paths(self) -> list[Path]:
        return [part.path for part in self._parts.values()]

    def _shown(self, task_id: TaskId) -> bool:
        turn = self._turns.get(task_id)
        return turn is not None and turn.drawn

    # --- from the log --------------------------------------------------------

    async def load(self) -> None:
        """Begin, or begin again: find the file, and fold what it has not shown yet."""
        session = await self._read_session()
        self._forget()
        for number, path in (await self._shelf.find(session)).items():
            self._parts[number] = _Part(number, path, made=True)
        notebook = await self._sink.read(self._parts[max(self._parts)].path) if self._parts else None
        if notebook is None or session_of(notebook) != session.id:
            await self._draw_whole()
            return
        self._read_notebook(notebook)
        after = last_seq(notebook)
        touched: dict[TaskId, None] = {}
        async for event in self._events(after):
            if event.task_id is not None:
                touched[event.task_id] = None
            self._folded = event.seq
        for task_id in touched:
            await self._refold(task_id)
        self._folded = max(self._folded, after)
        self._drawn_seq = after
        self._stale_head = session.last_seq > after

    async def _read_session(self) -> Session:
        session = await self._source.session(self.session_id)
        if session is None:
            raise NotFound(f"There is no session {self.session_id}.")
        worktree = await self._worktree_of(session.worktree_id)
        name, branch = (worktree.name, worktree.branch) if worktree is not None else ("", "")
        self._place = Place(name, branch, self._title_of(session.agent))
        self._session = session
        return session

    def _forget(self) -> None:
        for kept in (self._parts, self._turns, self._caches, self._part_of, self._before):
            kept.clear()
        self._dirty.clear()
        self._unknown.clear()
        self._folded = self._drawn_seq = 0
        self._last_ref, self._stale_head = None, False

    def _read_notebook(self, notebook: Notebook) -> None:
        """Take over from a drawn part how full it is and where its turns' messages stand."""
        part = self._parts[max(self._parts)]
        for cell in notebook["cells"]:
            task = task_of(cell)
            if task is None:
                continue
            part.sizes[TaskId(task)] = size_of(cell)
            self._part_of[TaskId(task)] = part.number
            fork = agor_of(cell).get("fork")
            if isinstance(fork, Mapping):
                before, after = fork.get("before"), fork.get("after")
                self._before[TaskId(task)] = before if isinstance(before, str) else None
                self._last_ref = after if isinstance(after, str) else self._last_ref

    async def _events(self, after: int, task_id: TaskId | None = None) -> AsyncIterator[SessionEvent]:
        while events := await self._source.read(
            self.session_id, after_seq=after, limit=PAGE, task_id=task_id
        ):
            for event in events:
                yield event
            after = events[-1].seq
            if len(events) < PAGE:
                return

    async def _refold(self, task_id: TaskId) -> None:
        self._turns.pop(task_id, None)
        self._caches.pop(task_id, None)
        async for event in self._events(0, task_id):
            self._fold(event)
        self._unknown.discard(task_id)

    def feed(self, session: Session, events: Iterable[SessionEvent]) -> bool:
        """Fold what was appended. False when something is missing in between: `load` again."""
        for event in events:
            if event.seq <= self._folded:
                continue
            if event.seq != self._folded + 1:
                return False
            self._folded = event.seq
            new = isinstance(event.update, TaskQueued)
            if event.task_id is not None and event.task_id not in self._turns and not new:
                self._unknown.add(event.task_id)
            else:
                self._fold(event)
        before = self._session
        if before is None or (before.title, before.model) != (session.title, session.model):
            self._stale_head = True
        self._session = session
        return True

    def _fold(self, event: SessionEvent) -> None:
        if event.task_id is None:
            return
        known = self._turns.get(event.task_id)
        if known is not None and event.seq <= known.last_seq:
            return  # a refold read further than what was delivered
        turn = fold(known, event)
        if turn is None:
            return
        if isinstance(event.update, TaskStarted):
            turn = replace(turn, before_ref=self._before.setdefault(event.task_id, self._last_ref))
        elif isinstance(event.update, TaskEnded):
            self._last_ref = turn.after_ref or self._last_ref
        self._turns[event.task_id] = turn
        self._dirty.add(event.task_id)

    # --- into the notebook ---------------------------------------------------

    async def draw(self) -> Drawn:
        """Draw what changed. A missing notebook is drawn whole."""
        for task_id in list(self._unknown):
            await self._refold(task_id)
        turns = sorted((self._turns[task] for task in self._dirty if self._shown(task)), key=_by_start)
        result: Drawn = "file"
        by_part: dict[int, list[Turn]] = {}
        for turn in turns:
            by_part.setdefault(self._part_for(turn.task.id).number, []).append(turn)
        if not turns and self._parts:
            by_part[max(self._parts)] = []
        for number, members in sorted(by_part.items()):
            result = await self._draw_part(self._parts[number], members)
            if result == "absent":
                await self._draw_whole()
                return "file"
        self._stale_head = False
        self._dirty -= {turn.task.id for turn in turns}
        self._drop(turn.task.id for turn in turns if turn.over)
        for task in [task for task, turn in self._turns.items() if turn.task.status == "removed"]:
            self._drop([task])
        return result

    def _drop(self, tasks: Iterable[TaskId]) -> None:
        for task in tasks:
            self._turns.pop(task, None)
            self._caches.pop(task, None)
            self._dirty.discard(task)

    def _part_for(self, task_id: TaskId) -> _Part:
        number = self._part_of.get(task_id)
        if number is None or number not in self._parts:
            number = max(self._parts, default=1)
            if number in self._parts and self._parts[number].full:
                number += 1
            self._part_of[task_id] = number
        return self._part(number)

    def _part(self, number: int) -> _Part:
        part = self._parts.get(number)
        if part is None:
            known = {number: part.path for number, part in self._parts.items()}
            path = self._shelf.new_path(self._known_session, self._place.worktree, number, known)
            part = self._parts[number] = _Part(number, path)
        return part

    @property
    def _known_session(self) -> Session:
        assert self._session is not None, "load comes first"  # noqa: S101  # an invariant, not input
        return self._session

    async def _draw_part(self, part: _Part, turns: list[Turn]) -> Drawn:
        cells = [await self._cell(turn) for turn in turns]
        for turn, cell in zip(turns, cells, strict=True):
            part.sizes[turn.task.id] = size_of(cell)
        seen = [turn.first_seq for turn in turns]
        idle = not any(turn.drawn and not turn.over for turn in self._turns.values())
        self._drawn_seq = max([self._drawn_seq, *seen, self._folded if idle else 0])
        result = await self._put(part, cells, whole=not part.made)
        if result != "absent" and not part.made:
            part.made = True
            # The part before must now point here.
            if (before := self._parts.get(part.number - 1)) is not None:
                await self._put(before, [], whole=False)
        return result

    async def _put(self, part: _Part, cells: list[Cell], *, whole: bool) -> Drawn:
        before, after = self._parts.get(part.number - 1), self._parts.get(part.number + 1)
        agor = notebook_agor(
            self._known_session,
            self._place,
            last_seq=self._drawn_seq,
            part=part.number,
            prev=before.path.name if before is not None else None,
            next=after.path.name if after is not None else None,
        )
        head = render_head(self._known_session, self._place, part.number)
        return await self._sink.draw(part.path, Drawing(agor, (head, *cells), whole))

    async def _cell(self, turn: Turn) -> Cell:
        session, cache = self._known_session, self._caches.setdefault(turn.task.id, {})
        names = {person: self._name_of(person) for person in _people(turn)}
        if len(turn.content.blocks) < 50:
            return render_turn(session, turn, names, cache)
        return await asyncio.to_thread(render_turn, session, turn, names, cache)

    async def fell_back(self) -> bool:
        """Say whether the notebook shows less than was drawn into it."""
        if self.path is None:
            return False
        notebook = await self._sink.read(self.path)
        return notebook is None or last_seq(notebook) < self._drawn_seq

    async def rebuild(self) -> Path:
        """Draw the session again from its first event, and give the newest part's path."""
        session = await self._read_session()
        self._forget()
        for number, path in (await self._shelf.find(session)).items():
            self._parts[number] = _Part(number, path, made=True)
        await self._draw_whole(even_empty=True)
        return self._parts[max(self._parts)].path

    async def _draw_whole(self, *, even_empty: bool = False) -> None:
        """Read the log from the start; draw each part whole as soon as it is full."""
        old = {number: part.path for number, part in self._parts.items()}
        self._forget()
        cells: list[Cell] = []
        part = _Part(1, old.get(1) or self._shelf.new_path(self._known_session, self._place.worktree, 1, old))
        self._parts[1] = part
        async for event in self._events(0):
            self._folded = event.seq
            self._fold(event)
            if isinstance(event.update, TaskStarted):
                if part.full:
                    path = old.get(part.number + 1)
                    following = _Part(part.number + 1, path) if path else self._part(part.number + 1)
                    self._parts[following.number] = following
                    await self._finish(part, cells)
                    part, cells = following, []
            elif isinstance(event.update, TaskEnded) and event.task_id is not None:
                await self._add(part, cells, self._turns[event.task_id])
                self._drop([event.task_id])
        for turn in sorted((turn for turn in self._turns.values() if turn.drawn), key=_by_start):
            await self._add(part, cells, turn)
        if cells or even_empty or part.number > 1:
            await self._finish(part, cells)
        else:
            del self._parts[part.number]
        self._dirty.clear()

    async def _add(self, part: _Part, cells: list[Cell], turn: Turn) -> None:
        cell = await self._cell(turn)
        cells.append(cell)
        part.sizes[turn.task.id] = size_of(cell)
        self._part_of[turn.task.id] = part.number

    async def _finish(self, part: _Part, cells: list[Cell]) -> None:
        idle = not any(turn.drawn and not turn.over for turn in self._turns.values())
        firsts = [int(agor_of(cell)["first_seq"]) for cell in cells]
        self._drawn_seq = max([self._drawn_seq, *firsts, self._folded if idle else 0])
        await self._put(part, cells, whole=True)
        part.made = True


def _by_start(turn: Turn) -> int:
    return turn.first_seq


def _people(turn: Turn) -> set[str]:
    """Name everyone who prompted, steered or answered in a turn."""
    people = {str(turn.task.by)}
    for block in turn.content.blocks:
        if block.type == "permission" and block.resolved is not None:
            people.add(block.resolved.by)
        elif block.type == "steered":
            people.add(block.by)
    return people
