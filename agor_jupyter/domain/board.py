"""Boards and the words of their layout document.

The layout document (written by browsers) has these shared maps, each keyed by id, each entry
itself a map whose place is the one key `pos`:

    meta   schema: 1
    cards  <worktree id> → {pos: [x, y], collapsed?: bool, wide?: bool}
    zones  <zone id>     → {pos: [x, y], size: [w, h], name, hue, order}
    notes  <note id>     → {pos: [x, y], size: [w, h], text, hue}

The status document (written by the server only) has

    meta       schema: 1, board: {id, name, slug}
    worktrees  <worktree id> → JSON of `WorktreeCard`
    sessions   <session id>  → JSON of `SessionRow`
    inbox      <request id>  → JSON of `InboxItem`
"""

from __future__ import annotations

from agor_jupyter.domain.content import PermissionOption, Question, ToolContent, ToolKind
from agor_jupyter.domain.ids import BoardId, RequestId, SessionId, TaskId, UserId, WorktreeId
from agor_jupyter.domain.model import Value
from agor_jupyter.domain.session import SessionStatus

LAYOUT_SCHEMA = 1
CARD_WIDTH = 280
CARD_HEIGHT = 160
BESIDE_ROWS = 6


class Board(Value):
    id: BoardId
    name: str
    owner: UserId
    created_ms: int
    archived: bool = False


class Zone(Value):
    """A labelled area. `pos` is its top left corner, in board units (CSS pixels at zoom 1)."""

    id: str
    name: str
    pos: tuple[float, float]
    size: tuple[float, float]
    hue: int = 210
    order: int = 0


class WorktreeCard(Value):
    id: WorktreeId
    repo: str
    name: str
    branch: str
    base: str
    owner: UserId
    state: str = "ready"
    detail: str = ""
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    issue_url: str = ""
    pull_request_url: str = ""


class SessionRow(Value):
    """One row of a card's session tree."""

    id: SessionId
    worktree_id: WorktreeId
    parent_id: SessionId | None = None
    genealogy: str = "root"
    agent: str
    title: str
    owner: UserId
    owner_name: str = ""
    status: SessionStatus
    last_words: str = ""
    tokens: int = 0
    queued: int = 0
    waits: str = ""
    unseen: bool = False
    updated_ms: int


class InboxItem(Value):
    """What somebody must answer, with all that is needed to answer it on the card."""

    id: RequestId
    session_id: SessionId
    worktree_id: WorktreeId
    task_id: TaskId | None
    title: str
    description: str = ""
    kind: ToolKind = "other"
    content: tuple[ToolContent, ...] = ()
    options: tuple[PermissionOption, ...] = ()
    questions: tuple[Question, ...] = ()
    digest: str
    at_ms: int


def layout_room_id(board_id: BoardId) -> str:
    """Name the layout room. No colon: jupyter-collaboration reads two as a file's room."""
    return f"agor-board-{board_id}"


def status_room_id(board_id: BoardId) -> str:
    return f"agor-status-{board_id}"


def place_beside(taken: list[tuple[float, float]], card: tuple[float, float]) -> tuple[float, float] | None:
    """Find room for a card right of `card`, or a few rows below that; None where all of it is covered."""
    step_x, step_y = CARD_WIDTH + 40, CARD_HEIGHT + 60
    for row in range(BESIDE_ROWS):
        x, y = card[0] + step_x, card[1] + row * step_y
        if all(abs(x - tx) >= CARD_WIDTH or abs(y - ty) >= step_y for tx, ty in taken):
            return (x, y)
    return None


def free_place(
    taken: list[tuple[float, float]], origin: tuple[float, float] = (40, 60)
) -> tuple[float, float]:
    """Find the first cell of a grid that no card of `taken` covers, row by row, four a row."""
    step_x, step_y = CARD_WIDTH + 40, CARD_HEIGHT + 60
    for number in range(len(taken) * 4 + 1):
        x = origin[0] + (number % 4) * step_x
        y = origin[1] + (number // 4) * step_y
        if all(abs(x - tx) >= step_x or abs(y - ty) >= step_y for tx, ty in taken):
            return (x, y)
    return origin
