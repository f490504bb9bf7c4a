"""The records with a table of their own, and the word that workspace events have for each."""

from __future__ import annotations

from typing import Literal, TypeVar

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.events import WorkspaceEvent
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.repo import Repo, Worktree

Thing = Repo | Worktree | Board
T = TypeVar("T", bound=Thing)
Noun = Literal["repo", "worktree", "board"]
Verb = Literal["created", "updated", "deleted"]


def noun_of(kind: type[object]) -> Noun:
    nouns: dict[type[object], Noun] = {Repo: "repo", Worktree: "worktree", Board: "board"}
    return nouns[kind]


def workspace_event(seq: int, at_ms: int, verb: Verb, thing: Thing, by: UserId) -> WorkspaceEvent:
    """Say what became of `thing`, with its whole record as the body."""
    return WorkspaceEvent(
        seq=seq,
        at_ms=at_ms,
        noun=noun_of(type(thing)),
        verb=verb,
        id=thing.id,
        by=by,
        body=thing.model_dump(mode="json"),
    )
