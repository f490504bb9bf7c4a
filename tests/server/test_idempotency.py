"""The same key gives the same answer and does the thing once: in turn, at once, and after a crash."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from agor_jupyter.domain.errors import StorageFull
from agor_jupyter.store.memory_records import MemoryRecords
from tests.making import make_repo
from tests.server.conftest import Stand, new_key, problem


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_a_repetition_is_answered_and_not_done(stand: Stand) -> None:
    headers = keyed(new_key())
    first = await stand.ask("POST", "/boards", {"name": "A"}, headers=headers)
    second = await stand.ask("POST", "/boards", {"name": "A"}, headers=headers)
    assert first.code == second.code == 201 and first.body == second.body
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len((await stand.get("/boards"))["items"]) == 1


async def test_another_body_under_the_key_is_a_422(stand: Stand) -> None:
    headers = keyed(new_key())
    await stand.ask("POST", "/boards", {"name": "A"}, headers=headers)
    problem(await stand.ask("POST", "/boards", {"name": "B"}, headers=headers), 422)
    problem(await stand.ask("POST", "/repos", {"path": "/x"}, headers=headers), 422)
    assert len((await stand.get("/boards"))["items"]) == 1


async def test_keys_are_each_persons_own(stand: Stand) -> None:
    headers = keyed("same")
    one = await stand.ask("POST", "/boards", {"name": "A"}, headers=headers, person="oscar")
    two = await stand.ask("POST", "/boards", {"name": "A"}, headers=headers, person="mona")
    assert json.loads(one.body)["id"] != json.loads(two.body)["id"]


async def test_a_key_cannot_stand_for_a_drop(stand: Stand) -> None:
    board = json.loads((await stand.ask("POST", "/boards", {"name": "A"})).body)["id"]
    await stand.ask("POST", "/boards", {"name": "B"}, headers=keyed(f"drop:{board}:d"))
    dropped = {"card_id": "wt_none", "pos": [1, 2], "drop_id": "d"}
    problem(await stand.ask("POST", f"/boards/{board}/drops", dropped), 404)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "ü"])
async def test_a_key_that_is_none(stand: Stand, key: str) -> None:
    answer = await stand.ask("POST", "/boards", {"name": "A"}, headers=keyed(key.encode().decode("latin1")))
    if key == "":
        assert answer.code in (201, 400)
    else:
        problem(answer, 400)


async def test_doubles_at_once_are_done_once(stand: Stand) -> None:
    path = make_repo(stand.server.root)
    session = None
    posts: list[tuple[str, Any]] = [("/repos", {"path": str(path)})]
    for where, body in posts:
        answers = await _at_once(stand, where, body)
        assert {answer.code for answer in answers} == {201}, [answer.body for answer in answers]
        assert len({answer.body for answer in answers}) == 1
    repo = (await stand.get("/repos"))["items"][0]
    trees = await _at_once(stand, "/worktrees", {"repo_id": repo["id"], "name": "w"})
    assert len({answer.body for answer in trees}) == 1 and trees[0].code == 201
    tree = json.loads(trees[0].body)
    body = {"worktree_id": tree["id"], "agent": "demo", "prompt": "go"}
    sessions = await _at_once(stand, "/sessions", body)
    assert len({answer.body for answer in sessions}) == 1 and sessions[0].code == 201
    session = json.loads(sessions[0].body)
    tasks = await _at_once(stand, f"/sessions/{session['id']}/tasks", {"prompt": "more"})
    assert len({answer.body for answer in tasks}) == 1 and tasks[0].code == 202
    assert len((await stand.get("/sessions"))["items"]) == 1
    assert len((await stand.get(f"/sessions/{session['id']}/tasks"))["items"]) == 2


async def _at_once(stand: Stand, path: str, body: Any, count: int = 8) -> list[Any]:
    headers = keyed(new_key())
    return await asyncio.gather(*(stand.ask("POST", path, body, headers=headers) for _ in range(count)))


async def test_doubles_that_fail_fail_alike_and_may_be_tried_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await stand.repo()
    body = {"repo_id": repo["id"], "name": "w", "base": "no-such-branch"}
    answers = await _at_once(stand, "/worktrees", body)
    assert {answer.code for answer in answers} == {422}
    assert (await stand.get("/worktrees"))["items"] == []
    headers = keyed(new_key())
    work = type(stand.made.work)
    prompt = work.prompt

    async def full(*args: Any, **kwargs: Any) -> None:
        raise StorageFull("The disk is full.")

    session = await stand.session()
    path = f"/sessions/{session['id']}/tasks"
    monkeypatch.setattr(work, "prompt", full)
    problem(await stand.ask("POST", path, {"prompt": "x"}, headers=headers), 507)
    monkeypatch.setattr(work, "prompt", prompt)
    assert (await stand.ask("POST", path, {"prompt": "x"}, headers=headers)).code == 202


async def test_a_crash_before_the_answer_was_kept(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made is found again by its id, which comes from the key."""

    async def lost(*args: Any, **kwargs: Any) -> None:
        raise StorageFull("The disk is full.")

    keep = MemoryRecords.keep_answer
    monkeypatch.setattr(MemoryRecords, "keep_answer", lost)
    repo = await stand.repo()
    tree = await stand.worktree("one")
    posts: list[tuple[str, Any]] = [
        ("/boards", {"name": "A"}),
        ("/worktrees", {"repo_id": repo["id"], "name": "two"}),
        ("/sessions", {"worktree_id": tree["id"], "agent": "demo", "prompt": "go"}),
    ]
    for path, body in posts:
        headers = keyed(new_key())
        first = await stand.ask("POST", path, body, headers=headers)
        second = await stand.ask("POST", path, body, headers=headers)
        assert first.code == second.code == 201, (first.body, second.body)
        assert json.loads(first.body)["id"] == json.loads(second.body)["id"]
    monkeypatch.setattr(MemoryRecords, "keep_answer", keep)
    session = (await stand.get("/sessions"))["items"][0]
    assert len((await stand.get(f"/sessions/{session['id']}/tasks"))["items"]) == 1
    assert len((await stand.get("/worktrees"))["items"]) == 2
