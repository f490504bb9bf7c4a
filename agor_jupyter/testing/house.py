"""A whole `House` without agents, processes or a database: for tests of the service and the server.

The store is in memory, the work is scripted, boards and transcripts are dictionaries; git is real
and works below the folder that is given. Nothing is kept when the process ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agor_jupyter.agents.base import AgentAdapter, AgentKind, Capabilities, Probe
from agor_jupyter.domain.board import Board, free_place, place_beside
from agor_jupyter.domain.errors import AgentUnavailable, NotFound
from agor_jupyter.domain.ids import ENTROPY_BYTES, BoardId, SessionId, UserId, WorktreeId, make_id
from agor_jupyter.domain.ports import Clock, NewId
from agor_jupyter.domain.user import Actor, Person, Role, all_grants, grants_of
from agor_jupyter.git.room import GitRoom
from agor_jupyter.service.answers import TranscriptPlace
from agor_jupyter.service.catalogue import Catalogue
from agor_jupyter.service.house import House, Paths
from agor_jupyter.store.facade import Store
from agor_jupyter.store.memory import open_memory
from agor_jupyter.testing.scripted_work import ScriptedWork


def counting_ids() -> NewId:
    """Make ids that count: the same at every run."""
    numbers = itertools.count(1)
    return lambda prefix: make_id(prefix, next(numbers).to_bytes(ENTROPY_BYTES))


def stepping_clock(start_ms: int = 1_800_000_000_000) -> Clock:
    """Make a clock that goes on one millisecond at each look."""
    moments = itertools.count(start_ms)
    return lambda: next(moments)


@dataclass(frozen=True)
class StandInKind:
    """An agent kind that is only listed; it cannot be made. One of its `credentials` logs it in."""

    kind: str = "demo"
    title: str = "Demo"
    variables: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            set_model=True, set_effort=True, steer=True, images=True, files=True
        )
    )
    found: Probe = field(
        default_factory=lambda: Probe(installed=True, version="1", models=("one", "two"), default_model="one")
    )

    async def probe(self, environment: Mapping[str, str]) -> Probe:
        if not self.credentials:
            return self.found
        there = any(environment.get(name) for name in self.credentials)
        return self.found.model_copy(update={"authenticated": there, "hint": "" if there else "Set a key."})

    def make(self) -> AgentAdapter:
        raise AgentUnavailable("This agent is a stand-in.")


ABSENT = StandInKind(
    kind="absent", title="Absent", found=Probe(installed=False, hint="Install it with `pip install absent`.")
)
FIXED = StandInKind(
    kind="fixed", title="Fixed", capabilities=Capabilities(set_model=False, modes=("ask", "plan"))
)

KEYED = StandInKind(
    kind="keyed",
    title="Keyed",
    credentials=("KEYED_API_KEY", "KEYED_TOKEN"),
    capabilities=Capabilities(mcp=True, set_effort=True),
)


@dataclass
class DictBoards:
    """`BoardDocuments` in dictionaries. A zone `right` begins at x = 1000."""

    cards: dict[BoardId, dict[str, tuple[float, float]]] = field(default_factory=dict)

    async def opened(self, board: Board) -> None:
        self.cards.setdefault(board.id, {})

    async def closed(self, board_id: BoardId) -> None:
        self.cards.pop(board_id, None)

    async def place_card(
        self,
        board_id: BoardId,
        worktree_id: WorktreeId,
        pos: tuple[float, float] | None,
        *,
        beside: WorktreeId | None = None,
    ) -> tuple[float, float]:
        cards = self.cards.setdefault(board_id, {})
        taken = list(cards.values())
        near = place_beside(taken, cards[beside]) if beside in cards else None
        return cards.setdefault(worktree_id, pos or near or free_place(taken))

    async def move_card(
        self, board_id: BoardId, card_id: str, pos: tuple[float, float]
    ) -> tuple[tuple[float, float], str | None]:
        if card_id not in self.cards.get(board_id, {}):
            raise NotFound(f"There is no card {card_id[:80]} on this board.")
        self.cards[board_id][card_id] = pos
        return pos, "right" if pos[0] >= 1000 else None

    async def remove_card(self, board_id: BoardId, worktree_id: WorktreeId) -> None:
        self.cards.get(board_id, {}).pop(worktree_id, None)


@dataclass
class NamedTranscripts:
    """`Transcripts` that only name places."""

    paths: Paths
    rebuilt: list[SessionId] = field(default_factory=list)

    async def place(self, session_id: SessionId) -> TranscriptPlace:
        path = str(self.paths.transcripts_root / f"{session_id}.ipynb")
        return TranscriptPlace(path=path, lab_path=self.paths.lab_path(path))

    async def rebuild(self, session_id: SessionId) -> TranscriptPlace:
        self.rebuilt.append(session_id)
        return await self.place(session_id)


@dataclass(frozen=True)
class TestHouse:
    """A house, and the parts that a test reaches into. Close it."""

    __test__ = False  # not a test class, whatever its name says to pytest

    house: House
    store: Store
    work: ScriptedWork
    boards: DictBoards
    git: GitRoom

    async def close(self) -> None:
        await self.git.close()
        await self.store.close()


def open_house(folder: Path, *, read_only: str = "", kinds: tuple[StandInKind, ...] = ()) -> TestHouse:
    """Build a house below `folder`; `folder/root` is what JupyterLab would show."""
    clock, new_id = stepping_clock(), counting_ids()
    root = (folder / "root").resolve()
    root.mkdir(parents=True, exist_ok=True)
    paths = Paths(
        data_dir=folder / "data",
        worktrees_root=root / "agor" / "worktrees",
        transcripts_root=root / "agor" / "transcripts",
        root_dir=root,
    )
    store = open_memory(clock)
    work = ScriptedWork(store.log, clock, new_id)
    boards = DictBoards()
    git = GitRoom(folder / "data" / "git", paths.worktrees_root)
    listed: dict[str, AgentKind] = {kind.kind: kind for kind in (StandInKind(), ABSENT, FIXED, KEYED, *kinds)}
    house = House(
        log=store.log,
        records=store.records,
        work=work,
        git=git,
        boards=boards,
        agents=Catalogue(listed, {}, clock),
        transcripts=NamedTranscripts(paths),
        tokens=store.tokens,
        paths=paths,
        clock=clock,
        new_id=new_id,
        read_only=read_only,
    )
    return TestHouse(house, store, work, boards, git)


def actor(name: str, role: Role = "member") -> Actor:
    """Make an actor of a tier, for calling verbs directly."""
    person = Person(id=UserId(name), name=name, display_name=name.title())
    if role == "admin":
        return Actor(person=person, grants=all_grants())
    if role == "member":
        return Actor(person=person, grants=grants_of(("read", "write", "execute")))
    return Actor(person=person, grants=grants_of(("read",)))
