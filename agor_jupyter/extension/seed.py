"""The demo's board: zones, a repository, three worktrees, and one agent at work."""

from __future__ import annotations

import logging

from agor_jupyter.board.documents import BoardDocuments
from agor_jupyter.domain.errors import AgorError
from agor_jupyter.service import boards, repos, sessions, worktrees
from agor_jupyter.service.house import House, server_actor
from agor_jupyter.service.requests import AddRepo, CreateBoard, CreateSession, CreateWorktree

logger = logging.getLogger("agor_jupyter")

BOARD = "Demo"
ZONES = ("Explore", "Build", "Review", "Done")
ZONE_SIZE = (320.0, 580.0)
ZONE_STEP = 340.0
HUES = (210, 40, 280, 140)
PROMPT = "The test of the summary fails. Find out why, mend it, and show me that it passes."
TREES = (
    ("mend-the-summary", 1, 0, "Mend the failing test"),
    ("explore-the-data", 0, 0, ""),
    ("write-the-report", 0, 1, ""),
)
"""Name, number of the zone, row in it, title of its session (none: no session yet)."""


async def plant(house: House, documents: BoardDocuments, repository: str, agent: str) -> None:
    """Fill an empty house. One that has a board already is left as it is."""
    actor = server_actor()
    if (await boards.browse(house, actor, limit=1)).items:
        return
    try:
        board = await boards.create(house, actor, CreateBoard(name=BOARD))
        for number, (name, hue) in enumerate(zip(ZONES, HUES, strict=True)):
            documents.add_zone(board.id, name, (ZONE_STEP * number, 0.0), ZONE_SIZE, hue=hue, order=number)
        repo = await repos.add(house, actor, AddRepo(path=repository))
        for name, zone, row, title in TREES:
            pos = (ZONE_STEP * zone + 20.0, 40.0 + 240.0 * row)
            wanted = CreateWorktree(repo_id=repo.id, name=name, board_id=board.id, pos=pos)
            tree = await worktrees.create(house, actor, wanted)
            if title:
                wish = CreateSession(worktree_id=tree.id, agent=agent, title=title, prompt=PROMPT)
                await sessions.create(house, actor, wish)
    except AgorError as error:
        logger.error("the demo's board could not be made: %s %s", error.detail, error.hint)
