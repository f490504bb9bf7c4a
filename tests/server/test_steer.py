"""Words for the running turn, another effort, and files with a prompt: what an agent cannot do is a 409."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agor_jupyter.domain.ids import SessionId
from tests.server.conftest import Stand, new_key, problem

NOTE = {"name": "note.txt", "media_type": "text/plain", "data": "mind the empty list"}
PICTURE = {"name": "plot.png", "media_type": "image/png", "data": "iVBORw0KGgo="}


async def running(stand: Stand, **more: Any) -> SessionId:
    session = await stand.session(prompt="go", **more)
    await stand.made.work.start(SessionId(session["id"]))
    return SessionId(session["id"])


async def events(stand: Stand, session: str, kind: str) -> list[Any]:
    found = (await stand.get(f"/sessions/{session}/events"))["items"]
    return [event for event in found if event["update"]["type"] == kind]


async def test_words_reach_the_running_turn_once(stand: Stand) -> None:
    session = await running(stand)
    body, headers = {"prompt": "mind the gap", "attachments": [NOTE]}, {"Idempotency-Key": new_key()}
    for _ in range(2):
        answer = await stand.ask("POST", f"/sessions/{session}/steer", body, person="mona", headers=headers)
        assert answer.code == 202 and json.loads(answer.body)["id"] == session
    (said,) = await events(stand, session, "steered")
    update = said["update"]
    assert (update["by"], update["by_name"], update["text"]) == ("mona", "Mona Member", "mind the gap")
    assert update["attachments"] == [NOTE]
    assert said["task_id"] == (await stand.get(f"/sessions/{session}"))["current_task"]
    assert (await stand.get(f"/sessions/{session}"))["queue"] == []


async def test_no_turn_takes_no_words(stand: Stand) -> None:
    session = await stand.session()
    said = problem(await stand.ask("POST", f"/sessions/{session['id']}/steer", {"prompt": "x"}), 409)
    assert "No turn" in said["detail"] and "prompt" in said["hint"]
    assert await events(stand, session["id"], "steered") == []


async def test_an_agent_that_cannot_be_steered_says_so(stand: Stand) -> None:
    session = await running(stand, agent="fixed")
    said = problem(await stand.ask("POST", f"/sessions/{session}/steer", {"prompt": "x"}), 409)
    assert (said["type"], said["capability"]) == ("urn:agor:UnsupportedByAgent", "steer")
    assert await events(stand, session, "steered") == []


async def test_an_effort_is_changed_where_the_agent_has_one(stand: Stand) -> None:
    able, unable = await stand.session(), await stand.session(agent="fixed")
    changed = await stand.send("PATCH", f"/sessions/{able['id']}", {"effort": "high"}, status=200)
    assert changed["effort"] == "high"
    await stand.send("PATCH", f"/sessions/{able['id']}", {"effort": "high"}, status=200)
    (said,) = await events(stand, able["id"], "current_effort_update")  # the same again says nothing
    assert (said["update"]["by"], said["update"]["by_name"]) == ("oscar", "Oscar Owner")
    # Of a change that cannot be done whole, nothing is done.
    body = {"effort": "high", "mode": "plan"}
    assert (
        problem(await stand.ask("PATCH", f"/sessions/{unable['id']}", body), 409)["capability"]
        == "set_effort"
    )
    assert (await stand.get(f"/sessions/{unable['id']}"))["mode"] == "ask"


@pytest.mark.parametrize(("sent", "capability"), [(NOTE, "files"), (PICTURE, "images")])
async def test_files_that_the_agent_cannot_take(stand: Stand, sent: Any, capability: str) -> None:
    session = await stand.session(agent="fixed")
    body = {"prompt": "look", "attachments": [sent]}
    said = problem(await stand.ask("POST", f"/sessions/{session['id']}/tasks", body), 409)
    assert said["capability"] == capability and said["hint"]
    assert (await stand.get(f"/sessions/{session['id']}/tasks"))["items"] == []


async def test_pictures_that_the_agent_at_hand_does_not_see(stand: Stand) -> None:
    """Its kind takes them. Before it has started nobody knows; from then on they are refused at once."""
    session = await stand.session()
    path = f"/sessions/{session['id']}/tasks"
    body = {"prompt": "look", "attachments": [PICTURE]}
    await stand.send("POST", path, body, status=202)
    await stand.made.work.be_ready(session["id"], "native", unable=("images",))
    said = problem(await stand.ask("POST", path, body), 409)
    assert (said["type"], said["capability"]) == ("urn:agor:UnsupportedByAgent", "images")
    assert "when it started" in said["hint"]
    await stand.send("POST", path, {"prompt": "look", "attachments": [NOTE]}, status=202)
    assert len((await stand.get(path))["items"]) == 2


async def test_a_task_names_what_came_with_it(stand: Stand) -> None:
    session = await stand.session()
    body = {"prompt": "look", "attachments": [NOTE, PICTURE]}
    task = await stand.send("POST", f"/sessions/{session['id']}/tasks", body, status=202)
    assert task["attached"] == ["note.txt", "plot.png"]
