"""Forks by REST: made once for each key, refused as problems that name the capability."""

from __future__ import annotations

import json

from tests.server.conftest import Stand, problem


async def test_a_fork_is_made_once_for_each_key(stand: Stand) -> None:
    session = await stand.session(prompt="go")
    path, body = f"/sessions/{session['id']}/forks", {"worktree": "new", "prompt": "go on"}
    headers = {"Idempotency-Key": "one"}
    answers = [await stand.ask("POST", path, body, headers=headers) for _ in range(2)]
    assert [answer.code for answer in answers] == [201, 201]
    first, second = (json.loads(answer.body) for answer in answers)
    assert first == second
    assert (first["parent_id"], first["genealogy"], first["title"]) == (session["id"], "fork", "go on")
    assert len((await stand.get(f"/sessions/{first['id']}/tasks"))["items"]) == 1
    assert len((await stand.get("/sessions"))["items"]) == 2
    assert len((await stand.get("/worktrees"))["items"]) == 2


async def test_a_fork_that_was_made_but_not_answered_is_found_again(stand: Stand) -> None:
    """As after a crash between doing and keeping the answer: the ids are those of the key."""
    session = await stand.session(prompt="go")
    path, body = f"/sessions/{session['id']}/forks", {"worktree": "new", "prompt": "go on"}
    # Another fork takes the first name meanwhile: the ids must not depend on how many names were tried.
    await stand.send("POST", path, {"worktree": "new"}, status=201)
    kept = stand.made.house.records.keep_answer

    async def crash(*args: object, **more: object) -> None:
        raise ConnectionError("the server is gone")

    stand.made.house.records.keep_answer = crash  # type: ignore[method-assign,assignment]  # as a crash does
    headers = {"Idempotency-Key": "two"}
    await stand.ask("POST", path, body, headers=headers)
    stand.made.house.records.keep_answer = kept  # type: ignore[method-assign]  # the server is back
    made = json.loads((await stand.ask("POST", path, body, headers=headers)).body)
    forks = [item for item in (await stand.get("/sessions"))["items"] if item["parent_id"]]
    assert len(forks) == 2 and made["id"] in [item["id"] for item in forks]
    assert len((await stand.get(f"/sessions/{made['id']}/tasks"))["items"]) == 1
    assert len((await stand.get("/worktrees"))["items"]) == 3


async def test_what_the_agent_cannot_do_is_a_409_that_names_it(stand: Stand) -> None:
    session = await stand.session(prompt="go")
    await stand.made.work.start(session["id"])
    await stand.made.work.end(session["id"])
    path = f"/sessions/{session['id']}/forks"
    said = problem(await stand.ask("POST", path, {"worktree": "same", "replay": False}), 409)
    assert said["capability"] == "fork"
    made = await stand.send("POST", path, {"worktree": "same"}, status=201)
    assert made["origin"]["replayed"] is True
    assert made["worktree_id"] == session["worktree_id"]


async def test_another_kind_goes_on_with_a_transcript(stand: Stand) -> None:
    session = await stand.session(prompt="go")
    await stand.made.work.start(session["id"])
    await stand.made.work.end(session["id"])
    path = f"/sessions/{session['id']}/forks"
    made = await stand.send("POST", path, {"worktree": "same", "agent": "keyed"}, status=201)
    assert (made["agent"], made["genealogy"], made["parent_id"]) == ("keyed", "fork", session["id"])
    assert made["origin"]["replayed"] is True
    wish = {"worktree": "same", "agent": "keyed", "replay": False}
    said = problem(await stand.ask("POST", path, wish), 409)
    assert said["hint"] == "Let it be replayed."
    said = problem(await stand.ask("POST", path, {"agent": "absent"}), 409)
    assert (said["agent"], said["hint"]) == ("absent", "Install it with `pip install absent`.")
    assert problem(await stand.ask("POST", path, {"agent": "nobody"}), 422)["agent"] == "nobody"


async def test_nonsense_is_refused(stand: Stand) -> None:
    session = await stand.session(prompt="go")
    path = f"/sessions/{session['id']}/forks"
    problem(await stand.ask("POST", path, {"at_task": "task_x", "worktree": "same"}), 422)
    for body in ({"worktree": "elsewhere"}, {"position": "between"}, {"prompt": ""}):
        assert (await stand.ask("POST", path, body)).code in (400, 422)
    problem(await stand.ask("POST", "/sessions/ses_0000000000000009/forks", {}), 404)
