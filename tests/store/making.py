"""Things that the store's tests keep: ids, sessions, drafts and records with as little said as will do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    Draft,
    PermissionRequest,
    PermissionResolved,
    SessionCreated,
    SessionUpdate,
    TaskEnded,
    TaskQueued,
    TaskStarted,
)
from agor_jupyter.domain.ids import (
    BoardId,
    MessageId,
    RepoId,
    RequestId,
    SessionId,
    TaskId,
    UserId,
    WorktreeId,
)
from agor_jupyter.domain.ports import BusItem, EventLog
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session

ADA = UserId("ada")


def session_id(number: int = 1) -> SessionId:
    return SessionId(f"ses_{number:016d}")


def task_id(number: int = 1) -> TaskId:
    return TaskId(f"task_{number:016d}")


def session(number: int = 1, *, worktree: int = 1, at_ms: int = 1000) -> Session:
    return Session(
        id=session_id(number),
        worktree_id=WorktreeId(f"wt_{worktree:016d}"),
        agent="demo",
        title=f"Session {number}",
        owner=ADA,
        created_ms=at_ms,
        updated_ms=at_ms,
    )


def draft(update: SessionUpdate, *, task: TaskId | None = None, at_ms: int = 1000) -> Draft:
    return Draft(task_id=task, at_ms=at_ms, update=update)


def created(record: Session) -> Draft:
    update = SessionCreated(
        agent=record.agent,
        title=record.title,
        by=ADA,
        mode=record.mode,
        model="",
    )
    return draft(update, at_ms=record.created_ms)


def said(text: str, *, task: TaskId | None = None, at_ms: int = 1000) -> Draft:
    return draft(AgentMessageChunk(message_id=MessageId("m1"), text=text), task=task, at_ms=at_ms)


def queued(task: TaskId, prompt: str = "Do it", *, at_ms: int = 1000) -> Draft:
    return draft(TaskQueued(by=ADA, prompt=prompt), task=task, at_ms=at_ms)


def started(task: TaskId, *, at_ms: int = 1000) -> Draft:
    return draft(TaskStarted(base_sha="abc"), task=task, at_ms=at_ms)


def ended(task: TaskId, *, at_ms: int = 1000) -> Draft:
    return draft(TaskEnded(stop_reason="end_turn"), task=task, at_ms=at_ms)


def asked(name: str, *, task: TaskId | None = None, at_ms: int = 1000) -> Draft:
    return draft(
        PermissionRequest(request_id=RequestId(name), title="Run", digest="d"), task=task, at_ms=at_ms
    )


def answered(name: str, by: str = "ada") -> Draft:
    return draft(PermissionResolved(request_id=RequestId(name), outcome="selected", option_id="yes", by=by))


async def open_session(log: EventLog, number: int = 1, *, worktree: int = 1, at_ms: int = 1000) -> Session:
    record = session(number, worktree=worktree, at_ms=at_ms)
    return (await log.append(record.id, [created(record)], create=record)).session


def repo(number: int = 1) -> Repo:
    return Repo(
        id=RepoId(f"repo_{number:016d}"),
        name=f"r{number}",
        path=f"/r/{number}",
        default_branch="main",
        owner=ADA,
        created_ms=1,
    )


def worktree(number: int = 1, *, repo_number: int = 1, board: str | None = None) -> Worktree:
    return Worktree(
        id=WorktreeId(f"wt_{number:016d}"),
        repo_id=RepoId(f"repo_{repo_number:016d}"),
        name=f"w{number}",
        path=f"/w/{number}",
        branch=f"b{number}",
        base="main",
        base_sha="abc",
        board_id=BoardId(board) if board else None,
        owner=ADA,
        created_ms=1,
    )


def board(number: int = 1, *, archived: bool = False) -> Board:
    return Board(
        id=BoardId(f"board_{number:016d}"), name=f"B{number}", owner=ADA, created_ms=1, archived=archived
    )


async def next_of(items: AsyncIterator[BusItem]) -> BusItem:
    return await asyncio.wait_for(anext(items), 5)


def seqs(events: Sequence[object]) -> list[int]:
    return [event.seq for event in events]  # type: ignore[attr-defined]  # any of the two kinds of event
