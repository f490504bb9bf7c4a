"""The same routes on the real extension: SQLite, the engine, runners, the boards' documents."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import pytest

from tests.making import make_repo
from tests.server.conftest import Stand, hear_until, new_key, problem
from tests.server.test_fuzz import generated, send_case


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_prompt_is_heard_asked_about_answered_and_ended(real: Stand) -> None:
    board = await real.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await real.worktree("w", board_id=board["id"])
    session = await real.session(prompt="hello")
    client, viewer = await real.connect(), await real.connect(person="vera")
    for who in (client, viewer):
        await who.write_message(
            json.dumps({"id": 1, "subscribe": {"session": session["id"], "after_seq": 0}})
        )
    asked = (await hear_until(client, "permission_request"))[-1]["update"]
    body = {"option_id": asked["options"][0]["option_id"], "digest": asked["digest"]}
    path = f"/permissions/{asked['request_id']}"
    assert (await real.ask("POST", path, body, person="vera")).code == 403
    answers = await asyncio.gather(*(real.ask("POST", path, body, person=name) for name in ("oscar", "mona")))
    assert sorted(answer.code for answer in answers) == [200, 409], [answer.body for answer in answers]
    heard = await hear_until(viewer, "task_ended")
    assert [event["seq"] for event in heard] == list(range(1, len(heard) + 1))
    assert heard[-1]["update"]["stop_reason"] == "end_turn"
    stored = (await real.get(f"/sessions/{session['id']}/events"))["items"]
    assert stored[: len(heard)] == heard
    recorded = (await real.get(f"/worktrees/{tree['id']}/checkpoints"))["items"]
    assert [item["kind"] for item in recorded] == ["start", "end"]
    drop = {"card_id": tree["id"], "pos": [5, 6], "drop_id": new_key()}
    assert (await real.send("POST", f"/boards/{board['id']}/drops", drop, status=200))["pos"] == [5, 6]
    gone = {**drop, "card_id": "wt_none", "drop_id": new_key()}
    problem(await real.ask("POST", f"/boards/{board['id']}/drops", gone), 404)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_fifty_worktrees_and_doubled_posts(real: Stand) -> None:
    path = make_repo(real.server.root)
    key = {"Idempotency-Key": new_key()}
    added = await asyncio.gather(
        *(real.ask("POST", "/repos", {"path": str(path)}, headers=key) for _ in range(5))
    )
    assert len({answer.body for answer in added}) == 1 and added[0].code == 201
    repo = json.loads(added[0].body)
    board = await real.send("POST", "/boards", {"name": "B"}, status=201)

    async def make(number: int) -> Any:
        body = {"repo_id": repo["id"], "name": f"w{number // 2}", "board_id": board["id"]}
        return await real.ask("POST", "/worktrees", body, headers={"Idempotency-Key": f"k{number // 2}"})

    answers = await asyncio.gather(*(make(number) for number in range(100)))
    assert {answer.code for answer in answers} == {201}, {answer.body for answer in answers}
    assert len({json.loads(answer.body)["id"] for answer in answers}) == 50


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_generated_requests_never_break_the_real_one(real: Stand) -> None:
    board = await real.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await real.worktree("w", board_id=board["id"])
    session = await real.session()
    known = [board["id"], tree["id"], session["id"], tree["repo_id"]]
    served = await real.ask("GET", "/openapi.json")
    cases = await asyncio.to_thread(generated, json.loads(served.body), 6)
    choice = random.Random(11)
    choice.shuffle(cases)
    end = time.monotonic() + 30
    for done, case in enumerate(cases):
        answer = await send_case(real, case, choice, known)
        assert answer.code < 500, f"{case.method} {case.path} {case.body!r:.300} {answer.body!r:.500}"
        if time.monotonic() > end:
            assert done > 100
            break
