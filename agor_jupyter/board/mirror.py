"""The status documents' writer: what the log says of work, shown on the boards.

It reads the log's bus and the records, never the engine, and writes transitions only: no token ever
enters a document, so a session that streams leaves it byte for byte the same. Falling behind costs
nothing but a fold from the log. What it writes can always be written again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

from agor_jupyter.board.changes import ChangeCounter, CountChanges
from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.board.rows import card_of, inbox_of, row_of, same_row
from agor_jupyter.domain.board import InboxItem, SessionRow
from agor_jupyter.domain.events import (
    PermissionRequest,
    PermissionResolved,
    SessionEvent,
    TaskEnded,
    WorkspaceEvent,
)
from agor_jupyter.domain.ports import (
    Appended,
    Behind,
    BusItem,
    EventSource,
    Records,
    Subscription,
    Table,
    WorkspaceAppended,
)
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session

T = TypeVar("T")
BOUND = 4_096
RETRY_SECONDS = 1.0
_PAGE = 200
_QUIET = frozenset({"agent_message_chunk", "agent_thought_chunk", "tool_call_update"})
"""Updates that by themselves never change a row, unless the status changes with them."""


class BoardMirror:
    """Follows the log and keeps every board's status. `start` it once; `close` it.

    `count` asks git what a whole worktree changed; without it a card shows its last task's own numbers.
    """

    def __init__(
        self,
        source: EventSource,
        records: Records,
        documents: BoardDocuments,
        log: logging.Logger | None = None,
        *,
        count: CountChanges | None = None,
    ) -> None:
        self._source = source
        self._records = records
        self._documents = documents
        self._log = log or logging.getLogger(__name__)
        self._repos: dict[str, str] = {}
        self._trees: dict[str, Worktree] = {}
        self._rows: dict[str, SessionRow] = {}
        self._inbox: dict[str, InboxItem] = {}
        self._changes: dict[str, tuple[int, int, int]] = {}
        self._counter = (
            None if count is None else ChangeCounter(count, self._trees.get, self.show_changes, self._log)
        )
        self._subscription: Subscription | None = None
        self._job: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fold what there is, then follow. What is appended meanwhile waits in the subscription."""
        self._subscription = self._source.subscribe(bound=BOUND)
        await self.refold()
        self._job = asyncio.create_task(self._supervise(self._subscription), name="agor-board-mirror")

    async def close(self) -> None:
        """Stop following; idempotent."""
        if self._subscription is not None:
            self._subscription.close()
        if self._job is not None:
            self._job.cancel()
            await asyncio.wait({self._job})
            self._job = None
        if self._counter is not None:
            await self._counter.close()

    async def _supervise(self, subscription: Subscription) -> None:
        items = aiter(subscription)
        while True:
            try:
                await self._follow(items)
                return
            except Exception:  # the supervisor of this job: report, wait, begin anew from the log
                self._log.exception("The board's status could not be written; folding it from the log again.")
                await asyncio.sleep(RETRY_SECONDS)
                await self.refold()

    async def _follow(self, items: AsyncIterator[BusItem]) -> None:
        async for item in items:
            if isinstance(item, Appended):
                self._appended(item)
            elif isinstance(item, WorkspaceAppended):
                for event in item.events:
                    self._workspace(event)
            elif isinstance(item, Behind):
                await self.refold()

    # --- the fold from the log

    async def refold(self) -> None:
        """Read everything again and make the documents say that and nothing else."""
        repos = [repo async for repo in _every(self._records.repos)]
        trees = [tree async for tree in _every(self._records.worktrees)]
        sessions = await self._sessions()
        pending = await self._source.pending()
        self._repos = {repo.id: repo.name for repo in repos}
        self._trees.clear()
        self._trees.update((tree.id, tree) for tree in trees)
        self._rows = {each.id: row_of(each, self._rows.get(each.id), settled=True) for each in sessions}
        self._inbox = {}
        for event in pending:
            self._note_request(event)
        for board_id in self._documents.board_ids():
            self._write_board(board_id)
        for tree in trees:
            self._ask_git(tree)

    async def _sessions(self) -> list[Session]:
        found: list[Session] = []
        cursor: str | None = None
        while True:
            page = await self._source.sessions(limit=_PAGE, cursor=cursor)
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    def _write_board(self, board_id: str) -> None:
        status = self._documents.status(board_id)
        if status is None:
            return
        trees = [tree for tree in self._trees.values() if _shown_on(tree) == board_id]
        ids = {tree.id for tree in trees}
        rows = [row for row in self._rows.values() if row.worktree_id in ids]
        inbox = [item for item in self._inbox.values() if item.worktree_id in ids]
        for tree in trees:
            if tree.id not in self._changes and (known := status.worktree(tree.id)) is not None:
                self._changes[tree.id] = (known.files_changed, known.lines_added, known.lines_removed)
        with status.doc.transaction():
            for tree in trees:
                status.put_worktree(self._card(tree))
            for row in rows:
                status.put_session(row)
            for item in inbox:
                status.put_inbox(item)
            status.keep_only(
                worktrees=ids, sessions=(row.id for row in rows), inbox=(item.id for item in inbox)
            )

    def _card(self, tree: Worktree) -> Any:
        return card_of(tree, self._repos.get(tree.repo_id, ""), self._changes.get(tree.id, (0, 0, 0)))

    # --- what is appended

    def _appended(self, item: Appended) -> None:
        session, events = item.session, item.events
        known = self._rows.get(session.id)
        quiet = known is not None and known.status == session.status
        if quiet and all(event.update.type in _QUIET for event in events):
            return
        tree = self._trees.get(session.worktree_id)
        board_id = _shown_on(tree) if tree is not None else None
        status = self._documents.status(board_id) if board_id is not None else None
        settled = known is None or any(_settles(event) for event in events)
        row = row_of(session, known, settled=settled)
        gone = self._answered(session, events)
        for event in events:
            if isinstance(event.update, TaskEnded):
                self._note_changes(session, event.update)
        if not same_row(row, known):
            self._rows[session.id] = row
        if session.archived:
            self._rows.pop(session.id, None)
        if status is None or tree is None:
            return
        with status.doc.transaction():
            if session.archived:
                status.drop_session(session.id)
            elif not same_row(row, known):
                status.put_session(row)
            for request_id in gone:
                status.drop_inbox(request_id)
            for waiting in self._inbox.values():
                if waiting.session_id == session.id:
                    status.put_inbox(waiting)
            status.put_worktree(self._card(tree))

    def _answered(self, session: Session, events: Iterable[SessionEvent]) -> list[str]:
        """Note new questions; give the ids of those that wait no longer."""
        gone: list[str] = []
        for event in events:
            if isinstance(event.update, PermissionRequest):
                self._note_request(event, session)
            elif isinstance(event.update, PermissionResolved):
                gone.append(event.update.request_id)
        # The end of a task withdraws what it still asked.
        waiting = set(session.pending)
        mine = [item.id for item in self._inbox.values() if item.session_id == session.id]
        gone += [request_id for request_id in mine if request_id not in waiting]
        for request_id in gone:
            self._inbox.pop(request_id, None)
        return gone

    def _note_request(self, event: SessionEvent, session: Session | None = None) -> None:
        row = self._rows.get(event.session_id)
        worktree_id = session.worktree_id if session is not None else row.worktree_id if row else None
        if worktree_id is not None and isinstance(event.update, PermissionRequest):
            item = inbox_of(event, event.update, worktree_id)
            self._inbox[item.id] = item

    def _note_changes(self, session: Session, ended: TaskEnded) -> None:
        """A task knows its own files only; git knows the worktree's, whoever changed them."""
        tree = self._trees.get(session.worktree_id)
        if self._counter is not None:
            if tree is not None:
                self._ask_git(tree)
            return
        counted = (ended.files_changed, ended.lines_added, ended.lines_removed)
        if any(counted):
            self._changes[session.worktree_id] = counted

    def _ask_git(self, tree: Worktree) -> None:
        if self._counter is not None and tree.state == "ready" and _shown_on(tree) is not None:
            self._counter.ask_nowait(tree.id)

    @property
    def is_counting(self) -> bool:
        return self._counter is not None and self._counter.is_working

    def show_changes(self, worktree_id: str, files: int, added: int, removed: int) -> None:
        """Show what git says of a worktree now: for who has just asked git."""
        self._changes[worktree_id] = (files, added, removed)
        tree = self._trees.get(worktree_id)
        board_id = _shown_on(tree) if tree is not None else None
        status = self._documents.status(board_id) if board_id is not None else None
        if status is not None and tree is not None:
            status.put_worktree(self._card(tree))

    # --- what happens outside sessions

    def _workspace(self, event: WorkspaceEvent) -> None:
        if event.noun == "repo":
            self._repo(event)
        elif event.noun == "worktree":
            self._worktree(event)
        elif event.noun == "board" and event.verb != "deleted":
            # Its rooms may have been opened a moment ago: whatever belongs there is written now.
            self._write_board(event.id)

    def _repo(self, event: WorkspaceEvent) -> None:
        if event.verb == "deleted":
            self._repos.pop(event.id, None)
            return
        repo = Repo.model_validate(event.body)
        if self._repos.get(repo.id) == repo.name:
            return
        self._repos[repo.id] = repo.name
        for board_id in {_shown_on(tree) for tree in self._trees.values() if tree.repo_id == repo.id}:
            if board_id is not None:
                self._write_board(board_id)

    def _worktree(self, event: WorkspaceEvent) -> None:
        before = self._trees.get(event.id)
        if event.verb == "deleted":
            self._trees.pop(event.id, None)
            self._changes.pop(event.id, None)
        else:
            self._trees[event.id] = Worktree.model_validate(event.body)
        after = self._trees.get(event.id)
        if after is not None and (
            before is None or (before.state, before.board_id) != (after.state, after.board_id)
        ):
            self._ask_git(after)
        boards = {_shown_on(tree) for tree in (before, after) if tree is not None}
        for board_id in boards:
            if board_id is not None:
                self._write_board(board_id)


def _shown_on(tree: Worktree) -> str | None:
    return None if tree.state == "archived" else tree.board_id


def _settles(event: SessionEvent) -> bool:
    return isinstance(event.update, TaskEnded | PermissionRequest)


async def _every(table: Table[T]) -> AsyncIterator[T]:
    cursor: str | None = None
    while True:
        page = await table.list(limit=_PAGE, cursor=cursor)
        for thing in page.items:
            yield thing
        cursor = page.next
        if cursor is None:
            return
