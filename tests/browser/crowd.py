"""A board of 200 cards, long names, right-to-left words: written into a data folder before its server starts.

For: the pictures, axe and the frame rate of a crowded board. The folders of its worktrees are empty, so
nothing can be run in them; what must be alive is added by `furnishing.enliven`.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from pycrdt import Doc

from agor_jupyter.board import migrate
from agor_jupyter.board.status import Status
from agor_jupyter.board.ydoc import Layout
from agor_jupyter.domain.board import Board, WorktreeCard, Zone, layout_room_id, status_room_id
from agor_jupyter.domain.content import StopReason, Usage
from agor_jupyter.domain.events import (
    AgentMessageChunk,
    Draft,
    SessionCreated,
    TaskEnded,
    TaskQueued,
    TaskStarted,
)
from agor_jupyter.domain.ids import BoardId, MessageId, RepoId, SessionId, TaskId, UserId, WorktreeId
from agor_jupyter.domain.repo import Repo, Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.store.facade import Store
from agor_jupyter.store.opening import open_store

CROWD_BOARD = BoardId("board_000000000000c0d1")
CARDS = 198
"""Two more are made alive: a board of 200."""
PER_ROW = 18
STEP = (320.0, 260.0)
ZONES = ("Explore", "Draft", "בבדיקה", "Review by everyone who has looked at the measurements this week")
NAMES = (
    "fix",
    "mend-the-median-of-the-summary-when-the-list-of-values-is-empty",
    "sort-the-imports",
    "a-very-long-worktree-name-that-nobody-should-have-chosen-but-did",
    "plot",
)
TITLES = (
    "Mend the median",
    "למה הממוצע שגוי כשהרשימה ריקה? צריך לבדוק את כל הקבצים ולתקן",
    "Find out why the third test of the summary fails on machines whose clock runs in another time zone",
    "أصلح الاختبار",
    "",
)
WORDS = ("Done: all 42 tests pass.", "הבדיקות עברות עכשיו, והתיקון קטן.", "I cannot find the file.", "تم")
ENDS: tuple[StopReason, ...] = ("end_turn", "end_turn", "failed", "end_turn", "lost", "cancelled", "end_turn")
PEOPLE = tuple(UserId(name) for name in ("mona", "oscar", "ada", "mona"))
REPO = RepoId("repo_000000000000c0d1")


def seed_crowd(folder: Path) -> None:
    """Write the board below the stage's folder, as services and engine would have written it."""
    asyncio.run(_write(folder))


def worktree_id(number: int) -> WorktreeId:
    return WorktreeId(f"wt_{number:012d}c0d1")


async def _write(folder: Path) -> None:
    now = int(time.time() * 1000)
    store = open_store(folder / "data")
    try:
        board = Board(id=CROWD_BOARD, name="Everything at once", owner=PEOPLE[0], created_ms=now)
        await store.records.boards.put(board, by=PEOPLE[0])
        repo = Repo(
            id=REPO, name="crowd", path=str(folder / "crowd"), default_branch="main", owner=PEOPLE[0],
            created_ms=now,
        )  # fmt: skip
        await store.records.repos.put(repo, by=PEOPLE[0])
        numbers = itertools.count()
        trees = [_worktree(folder, number, now) for number in range(CARDS)]
        for number, tree in enumerate(trees):
            await store.records.worktrees.put(tree, by=tree.owner)
            for _ in range((1, 2, 0, 3, 1)[number % 5]):
                await _session(store, tree, next(numbers), now)
        await _documents(store, trees)
    finally:
        await store.close()


def _worktree(folder: Path, number: int, now: int) -> Worktree:
    name = NAMES[number % len(NAMES)]
    name = name if number < len(NAMES) else f"{number}-{name}"[:63]
    path = folder / "crowd-trees" / str(number)
    path.mkdir(parents=True)
    if number % 40 != 7:  # the others are missing
        (path / ".git").write_text("gitdir: /nowhere\n")
    return Worktree(
        id=worktree_id(number),
        repo_id=REPO,
        name=name,
        path=str(path),
        branch=f"agor/{name}",
        base="main" if number % 3 else "release/2026-11-with-a-long-suffix",
        base_sha="0" * 40,
        board_id=CROWD_BOARD,
        owner=PEOPLE[number % len(PEOPLE)],
        created_ms=now - number * 60_000,
        issue_url="https://example.org/issues/1234567" if number % 4 == 1 else "",
        pull_request_url="https://example.org/pull/987654" if number % 6 == 1 else "",
    )


async def _session(store: Store, tree: Worktree, number: int, now: int) -> None:
    at_ms = now - 90_000_000 + number * 271_000
    session_id = SessionId(f"ses_{number:012d}c0d1")
    owner, title = PEOPLE[number % len(PEOPLE)], TITLES[number % len(TITLES)]
    session = Session(
        id=session_id, worktree_id=tree.id, agent="demo", title=title, owner=owner, created_ms=at_ms,
        updated_ms=at_ms,
    )  # fmt: skip
    task = TaskId(f"task_{number:012d}c0d1")
    stop = ENDS[number % len(ENDS)]
    ended = TaskEnded(
        stop_reason=stop,
        usage=Usage(input_tokens=1000 * (number % 90), output_tokens=100 * (number % 70)),
        error="The agent's process ended by itself (exit code 137)." if stop in ("failed", "lost") else "",
        hint="Resume the session to go on." if stop in ("failed", "lost") else "",
    )
    created = SessionCreated(by=owner, agent="demo", title=title, mode="ask")
    await store.log.append(session_id, [Draft(at_ms=at_ms, update=created)], create=session)
    words = AgentMessageChunk(message_id=MessageId(f"m{number}"), text=WORDS[number % len(WORDS)])
    updates = [
        TaskQueued(by=owner, prompt=title or "Go on"), TaskStarted(base_sha="0" * 40), words, ended,
    ]  # fmt: skip
    await store.log.append(
        session_id,
        [Draft(task_id=task, at_ms=at_ms + place, update=each) for place, each in enumerate(updates)],
    )


def places() -> Iterator[tuple[float, float]]:
    """Give the cards' places, row by row."""
    for number in itertools.count():
        yield (STEP[0] * (number % PER_ROW) + 20, STEP[1] * (number // PER_ROW) + 20)


async def _documents(store: Store, trees: list[Worktree]) -> None:
    layout_doc, status_doc = Doc[object](), Doc[object]()
    for doc in (layout_doc, status_doc):
        migrate.prepare(doc)
    layout, status = Layout(layout_doc), Status(status_doc)
    width = STEP[0] * PER_ROW / len(ZONES)
    for number, name in enumerate(ZONES):
        pos, size = (width * number, 0.0), (width - 20, STEP[1] * 5)
        hue = (210 + number * 67) % 360
        layout.add_zone(
            Zone(id=f"zone_{number:012d}c0d1", name=name, pos=pos, size=size, hue=hue, order=number)
        )
    for number, (tree, pos) in enumerate(zip(trees, places(), strict=False)):
        layout.place_card(tree.id, pos)
        card = WorktreeCard(
            id=tree.id, repo="crowd", name=tree.name, branch=tree.branch, base=tree.base, owner=tree.owner,
            files_changed=number % 130, lines_added=number * 37, lines_removed=number * 11,
        )  # fmt: skip
        status.put_worktree(card)
    await store.records.keep_snapshot(layout_room_id(CROWD_BOARD), layout_doc.get_update())
    await store.records.keep_snapshot(status_room_id(CROWD_BOARD), status_doc.get_update())
