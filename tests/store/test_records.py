"""What every `Records` and `TokenIssuer` promises, whatever keeps it."""

from __future__ import annotations

import asyncio

import pytest

from agor_jupyter.domain.board import Board
from agor_jupyter.domain.errors import InvalidRequest, Unprocessable
from agor_jupyter.domain.ids import UserId
from agor_jupyter.domain.ports import Answer, Page, WorkspaceAppended
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.store.facade import Store
from tests.store.conftest import FakeClock
from tests.store.making import ADA, board, next_of, repo, seqs, worktree


async def test_put_get_delete_each_say_so(store: Store, clock: FakeClock) -> None:
    reader = store.log.subscribe()
    repos = store.records.repos
    assert await repos.put(repo(), by=ADA) == repo()
    renamed = repo().model_copy(update={"name": "other"})
    await repos.put(renamed, by=UserId("bob"))
    assert await repos.get(repo().id) == renamed
    await repos.delete(repo().id, by=ADA)
    await repos.delete(repo().id, by=ADA)
    assert await repos.get(repo().id) is None
    events = await store.log.read_workspace()
    assert [(e.seq, e.noun, e.verb, e.by) for e in events] == [
        (1, "repo", "created", "ada"),
        (2, "repo", "updated", "bob"),
        (3, "repo", "deleted", "ada"),
    ]
    assert events[1].body == renamed.model_dump(mode="json")
    assert events[0].at_ms == clock.now_ms
    for event in events:
        assert await next_of(aiter(reader)) == WorkspaceAppended(events=(event,))
    reader.close()


async def test_workspace_seqs_have_no_gap_under_concurrency(store: Store) -> None:
    await asyncio.gather(*(store.records.boards.put(board(n), by=ADA) for n in range(1, 51)))
    assert seqs(await store.log.read_workspace()) == list(range(1, 51))
    assert seqs(await store.log.read_workspace(after_seq=48)) == [49, 50]
    assert seqs(await store.log.read_workspace(limit=2)) == [1, 2]
    assert await store.log.read_workspace(after_seq=99) == []


async def test_lists_keep_the_order_of_making(store: Store) -> None:
    boards = store.records.boards
    for n in (5, 2, 9, 4, 7):
        await boards.put(board(n), by=ADA)
    await boards.put(board(2).model_copy(update={"name": "later"}), by=ADA)
    first = await boards.list(limit=2)
    await boards.delete(board(2).id, by=ADA)  # the cursor's own item may go
    second = await boards.list(limit=2, cursor=first.next)
    third = await boards.list(limit=2, cursor=second.next)
    assert [b.id for page in (first, second, third) for b in page.items] == [
        board(n).id for n in (5, 2, 9, 4, 7)
    ]
    assert third.next is None
    assert first.items[1].name == "later"
    with pytest.raises(InvalidRequest):
        await boards.list(cursor="!")


def names(page: Page[Worktree] | Page[Board]) -> list[str]:
    return [item.name for item in page.items]


async def test_lists_are_filtered_by_fields(store: Store) -> None:
    worktrees, boards = store.records.worktrees, store.records.boards
    for n in range(1, 7):
        await worktrees.put(worktree(n, repo_number=1 + n % 2, board="board_x" if n < 4 else None), by=ADA)
    await boards.put(board(1), by=ADA)
    await boards.put(board(2, archived=True), by=ADA)
    assert names(await worktrees.list(repo_id="repo_0000000000000001")) == ["w2", "w4", "w6"]
    assert names(await worktrees.list(repo_id="repo_0000000000000001", board_id="board_x")) == ["w2"]
    assert names(await worktrees.list(repo_id=None, limit=1)) == ["w1"]
    assert names(await worktrees.list(path="/w/3")) == ["w3"]
    assert names(await worktrees.list(created_ms="1", limit=2)) == ["w1", "w2"]
    assert names(await worktrees.list(board_id="")) == []
    assert names(await boards.list(archived="true")) == ["B2"]
    assert names(await boards.list(archived="false")) == ["B1"]
    with pytest.raises(InvalidRequest):
        await boards.list(**{"x') OR 1": "1"})  # type: ignore[arg-type]  # no field at all


async def test_moving_a_worktree_moves_it_in_the_lists(store: Store) -> None:
    worktrees = store.records.worktrees
    await worktrees.put(worktree(1, board="board_x"), by=ADA)
    await worktrees.put(worktree(1, board="board_y"), by=ADA)
    assert (await worktrees.list(board_id="board_x")).items == ()
    assert len((await worktrees.list(board_id="board_y")).items) == 1


async def test_answers_are_kept_for_a_day_and_for_one_request(store: Store, clock: FakeClock) -> None:
    records = store.records
    answer = Answer(201, '{"id": 1}')
    assert await records.answer_of(ADA, "k") is None
    await records.keep_answer(ADA, "k", "print", answer)
    await records.keep_answer(ADA, "k", "print", Answer(500, "never"))
    assert await records.answer_of(ADA, "k") == answer
    assert await records.answer_of(UserId("bob"), "k") is None
    assert await records.fingerprint_of(ADA, "k") == "print"
    with pytest.raises(Unprocessable):
        await records.keep_answer(ADA, "k", "other", answer)
    clock.now_ms += 24 * 3600 * 1000
    assert await records.answer_of(ADA, "k") is None
    assert await records.fingerprint_of(ADA, "k") is None
    await records.keep_answer(ADA, "k", "other", Answer(200, ""))
    assert await records.answer_of(ADA, "k") == Answer(200, "")


async def test_snapshots_and_settings(store: Store) -> None:
    records = store.records
    assert await records.snapshot("room") is None
    await records.keep_snapshot("room", b"\x00\xff")
    await records.keep_snapshot("room", b"\x01")
    assert await records.snapshot("room") == b"\x01"
    assert await records.setting(ADA, "theme") is None
    await records.keep_setting(ADA, "theme", "dark")
    await records.keep_setting(ADA, "theme", "light")
    assert await records.setting(ADA, "theme") == "light"
    assert await records.setting(UserId("bob"), "theme") is None


async def test_tokens_are_checked_and_revoked(store: Store) -> None:
    tokens = store.tokens
    one, two = await tokens.mint(ADA, "kernel"), await tokens.mint(UserId("bob"), "kernel")
    assert one.startswith("agor_")
    assert len(one) >= 37
    assert one != two
    assert await tokens.check(one) == ADA
    assert await tokens.check(two) == UserId("bob")
    assert await tokens.check(one[:-1]) is None
    assert await tokens.check("") is None
    assert await tokens.check("agor_\ud800") is None
    await tokens.revoke(one)
    await tokens.revoke(one)
    assert await tokens.check(one) is None
    assert await tokens.check(two) == UserId("bob")


async def test_all_tokens_of_a_purpose_are_revoked_at_once(store: Store) -> None:
    kernel, client = await store.tokens.mint(ADA, "kernel"), await store.tokens.mint(ADA, "client")
    await store.tokens.revoke_all("kernel")
    assert await store.tokens.check(kernel) is None
    assert await store.tokens.check(client) == ADA
