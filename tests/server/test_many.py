"""Many at once, and lists longer than a page."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.making import git
from tests.server.conftest import Stand, new_key


async def pages(stand: Stand, path: str, limit: int, **query: str) -> list[list[Any]]:
    found = []
    cursor: dict[str, str] = {}
    while True:
        page = await stand.get(path, limit=str(limit), **query, **cursor)
        found.append(page["items"])
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_fifty_worktrees_at_once(stand: Stand) -> None:
    repo = await stand.repo()
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    answers = await asyncio.gather(
        *(
            stand.ask(
                "POST",
                "/worktrees",
                {"repo_id": repo["id"], "name": f"w{number}", "board_id": board["id"]},
                headers={"Idempotency-Key": new_key()},
                person=("oscar", "mona")[number % 2],
            )
            for number in range(50)
        )
    )
    assert [answer.code for answer in answers] == [201] * 50, {answer.body for answer in answers}
    trees = [json.loads(answer.body) for answer in answers]
    assert all((Path(tree["path"]) / "a.txt").read_text() == "one\n" for tree in trees)
    known = git(Path(repo["path"]), "worktree", "list", "--porcelain").count("worktree ")
    branches = git(Path(repo["path"]), "branch", "--format=%(refname:short)").split()
    assert known == 51 and len(branches) == 51
    places = list(stand.made.boards.cards[board["id"]].values())
    assert len(places) == len(set(places)) == 50, "two cards lie on one place"
    listed = await pages(stand, "/worktrees", 20)
    assert [len(page) for page in listed] == [20, 20, 10]
    assert {item["id"] for page in listed for item in page} == {tree["id"] for tree in trees}


async def test_lists_are_paged_without_gap_or_repetition(stand: Stand) -> None:
    tree = await stand.worktree()
    for number in range(7):
        await stand.session(title=f"s{number}")
    found = await pages(stand, "/sessions", 3)
    titles = [item["title"] for page in found for item in page]
    assert [len(page) for page in found] == [3, 3, 1] and titles == [f"s{n}" for n in range(6, -1, -1)]
    assert await pages(stand, "/sessions", 3, worktree_id="wt_none") == [[]]
    assert len((await pages(stand, "/sessions", 200, worktree_id=tree["id"]))[0]) == 7
    session = found[0][0]
    for number in range(5):
        await stand.send("POST", f"/sessions/{session['id']}/tasks", {"prompt": str(number)}, status=202)
    tasks = await pages(stand, f"/sessions/{session['id']}/tasks", 2)
    assert [task["prompt"] for page in tasks for task in page] == list("01234")


async def test_events_are_paged_from_both_ends(stand: Stand) -> None:
    session = await stand.session()
    path = f"/sessions/{session['id']}/events"
    for number in range(6):
        await stand.send("POST", f"/sessions/{session['id']}/tasks", {"prompt": str(number)}, status=202)
    forward: list[int] = []
    query: dict[str, str] = {}
    while True:
        page = await stand.get(path, limit="3", **query)
        forward += [event["seq"] for event in page["items"]]
        if page["next"] is None:
            break
        query = {"after_seq": page["next"]}
    assert forward == [1, 2, 3, 4, 5, 6, 7]
    page = await stand.get(path, limit="3", newest="true")
    assert [event["seq"] for event in page["items"]] == [5, 6, 7] and page["next"] == "5"
    page = await stand.get(path, limit="4", newest="true", before_seq=page["next"])
    assert [event["seq"] for event in page["items"]] == [1, 2, 3, 4] and page["next"] is None
    task_id = (await stand.get(f"/sessions/{session['id']}"))["queue"][2]
    assert [event["seq"] for event in (await stand.get(path, task_id=task_id))["items"]] == [4]


async def test_a_list_that_is_unchanged_is_not_sent_again(stand: Stand) -> None:
    first = await stand.ask("GET", "/boards")
    again = await stand.ask("GET", "/boards", headers={"If-None-Match": first.headers["Etag"]})
    assert again.code == 304 and again.body == b""


async def test_a_drop_acts_once(stand: Stand) -> None:
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await stand.worktree("w", board_id=board["id"])
    path = f"/boards/{board['id']}/drops"
    body = {"card_id": tree["id"], "pos": [1200, 5], "drop_id": "d1"}
    first = await stand.send("POST", path, body, status=200)
    assert first == {"card_id": tree["id"], "pos": [1200, 5], "zone_id": "right"}
    stand.made.boards.cards[board["id"]][tree["id"]] = (0, 0)
    assert await stand.send("POST", path, body, status=200) == first
    assert stand.made.boards.cards[board["id"]][tree["id"]] == (0, 0)
    await stand.send("POST", path, {**body, "card_id": "wt_none", "drop_id": "d2"}, status=404)
