"""One path through every route: what a person does in a first hour, over REST."""

from __future__ import annotations

import json
from pathlib import Path

from agor_jupyter.domain.ids import SessionId
from tests.making import git
from tests.server.conftest import Stand, problem


async def test_from_repository_to_answer(stand: Stand) -> None:
    repo = await stand.repo()
    assert repo["default_branch"] == "main" and repo["owner"] == "oscar"
    board = await stand.send("POST", "/boards", {"name": "Main"}, status=201)
    tree = await stand.worktree("one", board_id=board["id"], pos=[10, 20])
    assert tree["state"] == "ready" and tree["lab_path"] == "agor/worktrees/proj/one"
    assert (Path(tree["path"]) / "a.txt").read_text() == "one\n"
    assert stand.made.boards.cards[board["id"]] == {tree["id"]: (10, 20)}

    session = await stand.session(prompt="# Mend the parser\nplease")
    assert session["title"] == "Mend the parser" and session["status"] == "queued"
    session_id = SessionId(session["id"])
    await stand.made.work.start(session_id)
    await stand.made.work.say(session_id, "Look", "ing\n")
    request_id = await stand.made.work.ask(session_id)
    waiting = (await stand.get("/permissions"))["items"]
    assert [item["id"] for item in waiting] == [request_id] and waiting[0]["worktree_id"] == tree["id"]
    answer = await stand.send(
        "POST",
        f"/permissions/{request_id}",
        {"option_id": "allow_once", "digest": waiting[0]["request"]["digest"]},
        status=200,
        person="mona",
    )
    assert answer["resolved"]["by"] == "mona"
    again = await stand.ask("POST", f"/permissions/{request_id}", {"option_id": "reject_once"})
    assert problem(again, 409)["by"] == "mona"
    await stand.made.work.end(session_id)

    (Path(tree["path"]) / "a.txt").write_text("two\n")
    status = await stand.get(f"/worktrees/{tree['id']}/status")
    assert [change["path"] for change in status["changes"]] == ["a.txt"]
    diff = await stand.get(f"/worktrees/{tree['id']}/diff", against="base")
    assert (diff["files"][0]["old_text"], diff["files"][0]["new_text"]) == ("one\n", "two\n")
    events = (await stand.get(f"/sessions/{session_id}/events"))["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (await stand.get(f"/sessions/{session_id}/transcript"))["lab_path"].endswith(".ipynb")

    refused = await stand.ask("DELETE", f"/worktrees/{tree['id']}", files="delete")
    assert problem(refused, 409)["type"] == "urn:agor:DirtyWorktree"
    assert (Path(tree["path"]) / "a.txt").read_text() == "two\n"
    gone = await stand.ask("DELETE", f"/worktrees/{tree['id']}")
    assert json.loads(gone.body)["state"] == "archived" and Path(tree["path"]).exists()
    assert stand.made.boards.cards[board["id"]] == {}
    assert (await stand.get(f"/sessions/{session_id}"))["archived"] is True
    assert (await stand.ask("DELETE", f"/repos/{repo['id']}")).code == 204
    assert (await stand.ask("DELETE", f"/boards/{board['id']}")).code == 204


async def test_agents_say_what_they_can_and_why_not(stand: Stand) -> None:
    items = {item["kind"]: item for item in (await stand.get("/agents"))["items"]}
    assert items["demo"]["installed"] and items["demo"]["default_model"] == "one"
    assert not items["absent"]["installed"] and "pip install" in items["absent"]["hint"]
    tree = await stand.worktree()
    body = {"worktree_id": tree["id"], "agent": "absent"}
    assert "pip install" in problem(await stand.ask("POST", "/sessions", body), 409)["hint"]
    problem(await stand.ask("POST", "/sessions", {**body, "agent": "nobody"}), 422)
    problem(await stand.ask("POST", "/sessions", {**body, "agent": "fixed", "mode": "full_auto"}), 409)


async def test_the_queue_is_edited_and_moved(stand: Stand) -> None:
    session = await stand.session()
    path = f"/sessions/{session['id']}/tasks"
    tasks = [await stand.send("POST", path, {"prompt": text}, status=202) for text in ("a", "b", "c")]
    await stand.send("PATCH", f"/tasks/{tasks[2]['id']}", {"place": 0, "prompt": "C"}, status=200)
    assert (await stand.send("DELETE", f"/tasks/{tasks[1]['id']}", None, status=200))["status"] == "removed"
    queue = (await stand.get(f"/sessions/{session['id']}"))["queue"]
    assert queue == [tasks[2]["id"], tasks[0]["id"]]
    assert [task["prompt"] for task in (await stand.get(path))["items"]] == ["a", "b", "C"]


async def test_by_force_work_that_is_not_committed_is_kept_and_its_files_go(stand: Stand) -> None:
    tree = await stand.worktree()
    folder, repo = Path(tree["path"]), stand.server.root / "proj"
    (folder / "a.txt").write_text("mine\n")
    path = f"/worktrees/{tree['id']}"
    for files in ("delete", "clean"):
        (folder / "new.txt").write_text("mine too\n")
        said = problem(await stand.ask("DELETE", path, files=files), 409)
        assert "by force" in said["hint"] and "new.txt" in said["files"]
    problem(await stand.ask("DELETE", path, files="delete", force="perhaps"), 400)
    # Not theirs: neither an owner nor an admin, and nothing has happened.
    problem(await stand.ask("DELETE", path, person="mona", files="delete", force="true"), 403)
    problem(await stand.ask("DELETE", path, person="vera", files="delete", force="true"), 403)
    assert (folder / "new.txt").exists() and git(repo, "for-each-ref", "refs/agor/kept") == ""
    gone = await stand.ask("DELETE", path, files="delete", force="true")
    assert gone.code == 200 and json.loads(gone.body)["state"] == "archived"
    assert not folder.exists()
    (ref,) = git(repo, "for-each-ref", "--format=%(refname)", "refs/agor/kept").split()
    assert git(repo, "show", f"{ref}:a.txt") == "mine" and git(repo, "show", f"{ref}:new.txt") == "mine too"
    assert git(repo, "rev-parse", "--verify", tree["branch"])
