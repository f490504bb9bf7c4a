"""Records turned into what a board shows of them. Pure."""

from __future__ import annotations

from agor_jupyter.domain.board import InboxItem, SessionRow, WorktreeCard
from agor_jupyter.domain.content import DiffContent, TextContent, ToolContent
from agor_jupyter.domain.events import PermissionRequest, SessionEvent
from agor_jupyter.domain.ids import WorktreeId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session

MAX_TEXT = 8 * 1024
MAX_CONTENT = 24 * 1024
"""A question stays in the document's history: what is longer is read in the session panel."""


def card_of(tree: Worktree, repo: str, changes: tuple[int, int, int]) -> WorktreeCard:
    """`changes` are files changed, lines added, lines removed."""
    return WorktreeCard(
        id=tree.id,
        repo=repo,
        name=tree.name,
        branch=tree.branch,
        base=tree.base,
        owner=tree.owner,
        state=tree.state,
        detail=tree.detail,
        files_changed=changes[0],
        lines_added=changes[1],
        lines_removed=changes[2],
        issue_url=tree.issue_url,
        pull_request_url=tree.pull_request_url,
    )


def row_of(session: Session, known: SessionRow | None, *, settled: bool) -> SessionRow:
    """Make a session's row. The last words are new only when it has `settled` (ended or asked)."""
    words = session.last_words.strip() if settled or known is None else known.last_words
    return SessionRow(
        id=session.id,
        worktree_id=session.worktree_id,
        parent_id=session.parent_id,
        genealogy=session.genealogy,
        agent=session.agent,
        title=session.title,
        owner=session.owner,
        owner_name=session.owner_name,
        status=session.status,
        last_words=words,
        tokens=session.usage.total_tokens,
        queued=len(session.queue),
        waits=session.waits.reason if session.waits is not None else "",
        updated_ms=session.updated_ms,
    )


def same_row(row: SessionRow, known: SessionRow | None) -> bool:
    """Say whether two rows differ in nothing but their time: then the old one stays."""
    return known is not None and row.model_copy(update={"updated_ms": known.updated_ms}) == known


def inbox_of(event: SessionEvent, request: PermissionRequest, worktree_id: WorktreeId) -> InboxItem:
    return InboxItem(
        id=request.request_id,
        session_id=event.session_id,
        worktree_id=worktree_id,
        task_id=event.task_id,
        title=_clipped(request.title),
        description=_clipped(request.description),
        kind=request.kind,
        content=_shown(request.content or _command(request)),
        options=request.options,
        questions=request.questions,
        digest=request.digest,
        at_ms=event.at_ms,
    )


def _command(request: PermissionRequest) -> tuple[ToolContent, ...]:
    """Show the command itself: nobody answers for what only a title describes."""
    command = request.input.get("command")
    if request.kind != "execute" or not isinstance(command, str):
        return ()
    return (TextContent(text=command),)


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _shown(content: tuple[ToolContent, ...]) -> tuple[ToolContent, ...]:
    """Keep what fits. Half a diff would be answered as if it were the whole: it is left out."""
    kept: list[ToolContent] = []
    room = MAX_CONTENT
    for each in content:
        size = _size(each)
        if size <= room:
            kept.append(each)
            room -= size
        else:
            kept.append(TextContent(text="Too long to show here: open the session.", truncated=size))
    return tuple(kept[:16])


def _size(content: ToolContent) -> int:
    if isinstance(content, DiffContent):
        return len(content.old_text or "") + len(content.new_text or "") + len(content.path)
    return len(content.text)
