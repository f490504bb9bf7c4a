"""Boards: their records, and the few things that the server itself writes on a layout."""

from __future__ import annotations

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.ids import BoardId
from agor_jupyter.domain.ports import Page
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.user import Actor
from agor_jupyter.service.access import admit, admit_owner
from agor_jupyter.service.answers import Dropped
from agor_jupyter.service.house import House
from agor_jupyter.service.paging import check_limit, every, found
from agor_jupyter.service.requests import ChangeBoard, CreateBoard, DropCard


async def browse(house: House, actor: Actor, *, limit: int = 100, cursor: str | None = None) -> Page[Board]:
    admit(actor, "boards.browse")
    check_limit(limit, cursor)
    return await house.records.boards.list(limit=limit, cursor=cursor)


async def show(house: House, actor: Actor, board_id: str) -> Board:
    admit(actor, "boards.show")
    return found(await house.records.boards.get(board_id), "board", board_id)


async def create(house: House, actor: Actor, request: CreateBoard) -> Board:
    """Make a board and its rooms. Names need not differ."""
    admit(actor, "boards.create")
    house.check_writable()
    board_id = BoardId(house.new_id("board"))
    board = await house.records.boards.get(board_id)
    if board is None:
        board = Board(id=board_id, name=request.name, owner=actor.id, created_ms=house.clock())
        await house.records.boards.put(board, by=actor.id)
    await house.boards.opened(board)
    return board


async def change(house: House, actor: Actor, board_id: str, request: ChangeBoard) -> Board:
    admit(actor, "boards.change")
    house.check_writable()
    board = found(await house.records.boards.get(board_id), "board", board_id)
    changes = request.model_dump(exclude_none=True)
    if not changes:
        return board
    changed = await house.records.boards.put(board.model_copy(update=changes), by=actor.id)
    await house.boards.opened(changed)
    return changed


async def delete(house: House, actor: Actor, board_id: str) -> None:
    """Delete a board. Its worktrees stay; they are on no board then."""
    board = found(await house.records.boards.get(board_id), "board", board_id)
    admit_owner(actor, "boards.delete", board.owner)
    house.check_writable()
    async for worktree in every(house.records.worktrees, board_id=board.id):
        await house.records.worktrees.put(worktree.model_copy(update={"board_id": None}), by=actor.id)
    await house.records.boards.delete(board.id, by=actor.id)
    await house.boards.closed(board.id)


async def drop(house: House, actor: Actor, board_id: str, request: DropCard) -> Dropped:
    """Let a card go at a place. The same `drop_id` gives the same answer and moves nothing again."""
    admit(actor, "boards.drop")
    house.check_writable()
    board = found(await house.records.boards.get(board_id), "board", board_id)
    kept = f"\0drop:{board.id}:{request.drop_id}"  # no client's Idempotency-Key holds a NUL
    async with house.naming:
        before = await house.records.answer_of(actor.id, kept)
        if before is not None:
            return Dropped.model_validate_json(before.body)
        pos, zone_id = await house.boards.move_card(board.id, request.card_id, request.pos)
        dropped = Dropped(card_id=request.card_id, pos=pos, zone_id=zone_id)
        await house.keep(actor.id, kept, dropped)
    return dropped


async def rehang(house: House, before: Worktree, after: Worktree) -> None:
    """Take a worktree's card from the board it left to the one it is on now."""
    if before.board_id == after.board_id:
        return
    if before.board_id is not None:
        await house.boards.remove_card(before.board_id, before.id)
    if after.board_id is not None:
        await house.boards.place_card(after.board_id, after.id, None)
