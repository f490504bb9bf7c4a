"""The house: what every verb works with, handed over as one value, and the Protocols of its rooms.

`extension.py` builds one for a server; `testing.house` builds one in memory. It holds no verb.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.errors import ReadOnly
from agor_jupyter.domain.ids import BoardId, SessionId, UserId, WorktreeId
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.named_agent import NamedAgent
from agor_jupyter.domain.ports import Answer, Clock, EventSource, NewId, Records, TokenIssuer, WorkPort
from agor_jupyter.domain.user import LOCAL_USER, Actor, Person, all_grants
from agor_jupyter.git.room import GitRoom
from agor_jupyter.service.answers import TranscriptPlace
from agor_jupyter.service.catalogue import Catalogue


class BoardDocuments(Protocol):
    """The boards' layout documents, as far as the service writes them."""

    async def opened(self, board: Board) -> None:
        """A board is there (again): make its rooms. Idempotent."""
        ...

    async def closed(self, board_id: BoardId) -> None:
        """A board is deleted: end its rooms."""
        ...

    async def place_card(
        self,
        board_id: BoardId,
        worktree_id: WorktreeId,
        pos: tuple[float, float] | None,
        *,
        beside: WorktreeId | None = None,
    ) -> tuple[float, float]:
        """Put a card on the layout (None: the first free place, or `beside` another); one there stays."""
        ...

    async def move_card(
        self, board_id: BoardId, card_id: str, pos: tuple[float, float]
    ) -> tuple[tuple[float, float], str | None]:
        """Move a card; give its place and the zone it lies in now. Raises `NotFound`."""
        ...

    async def remove_card(self, board_id: BoardId, worktree_id: WorktreeId) -> None: ...


class Transcripts(Protocol):
    """The notebooks drawn from the log."""

    async def place(self, session_id: SessionId) -> TranscriptPlace: ...

    async def rebuild(self, session_id: SessionId) -> TranscriptPlace: ...


@dataclass(frozen=True)
class Paths:
    """Where things live. `root_dir` is what JupyterLab shows; `None`: it shows no folder."""

    data_dir: Path
    worktrees_root: Path
    transcripts_root: Path
    root_dir: Path | None = None

    def lab_path(self, path: str) -> str | None:
        """Say what JupyterLab calls `path`, or None when it cannot open it (outside, or hidden)."""
        if self.root_dir is None or not Path(path).is_relative_to(self.root_dir):
            return None
        relative = Path(path).relative_to(self.root_dir)
        return None if any(part.startswith(".") for part in relative.parts) else relative.as_posix()

    @staticmethod
    def exists(path: str) -> bool:
        """Say whether a worktree's folder is there. Blocking: call it in a thread."""
        return (Path(path) / ".git").exists()


@dataclass(frozen=True)
class House:
    """Everything that a verb may need. `read_only` says why nothing may be changed, or is empty."""

    log: EventSource
    records: Records
    work: WorkPort
    git: GitRoom
    boards: BoardDocuments
    agents: Catalogue
    transcripts: Transcripts
    tokens: TokenIssuer
    paths: Paths
    clock: Clock
    new_id: NewId
    read_only: str = ""
    data_dir_note: str = ""
    trusted_paths: tuple[str, ...] = ()
    """Patterns of folders whose repositories a setting of the server trusts."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Secrets of this server's own (its environment, its token): nothing that is saved may hold one."""
    naming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a name is checked and its record made: two equal names never both pass."""
    names: dict[str, str | None] = field(default_factory=dict)
    """Display names by browser, so that a request of the one person `local` reads no database."""
    named_agents: dict[str, NamedAgent] = field(default_factory=dict)
    """The agents that somebody named, as they stand now: kept in the records, or set for this server."""
    saving: set[UserId] = field(default_factory=set)
    """Who has a session written as a script right now: it is heavy, and in a thread of the server."""
    making: set[WorktreeId] = field(default_factory=set)
    """Worktrees that a request of this process is making right now: not half done, only not done."""

    def check_writable(self) -> None:
        """Raise `ReadOnly` where another server holds the data folder."""
        if self.read_only:
            raise ReadOnly(self.read_only, hint="Use the other server, or stop it and restart this one.")

    async def keep(self, user: UserId, key: str, answer: Value) -> None:
        """Keep an answer for a day: the same key must give it again."""
        await self.records.keep_answer(user, key, key, Answer(status=200, body=answer.model_dump_json()))


def server_actor() -> Actor:
    """Give the actor of what the server does by itself (at start, while healing)."""
    person = Person(id=LOCAL_USER, name="server", display_name="The server")
    return Actor(person=person, grants=all_grants(), via="server")
