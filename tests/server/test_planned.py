"""Routes that come with a later feature do not exist: a problem, never a pretence (decision 3)."""

from __future__ import annotations

import re
from pathlib import Path

from agor_jupyter.server.table import ROUTES
from tests.server.conftest import Stand, problem

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0003-routes-in-their-order.md"
METHOD = re.compile(r"GET|POST|PUT|PATCH|DELETE")


def planned() -> list[tuple[str, str]]:
    """Read `(method, path)` from the page's table: methods, then the paths that they are for."""
    found: list[tuple[str, str]] = []
    for row in re.findall(r"^\| [A-Z].*\| (`.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE):
        for group in row.split(" · "):
            words = re.findall(r"`([^`]+)`", group)
            methods = [word for word in words if METHOD.fullmatch(word)]
            paths = [word for word in words if word.startswith("/")]
            assert methods and paths and len(words) == len(methods) + len(paths), group
            found += [(method, path) for path in paths for method in methods]
    return found


def test_the_table_is_read() -> None:
    listed = planned()
    assert len(listed) >= 30 and len(set(listed)) == len(listed)
    assert ("PUT", "/boards/{id}/zones/{zone}/trigger") in listed and ("POST", "/tasks/{id}/rewind") in listed


async def test_what_is_not_there_yet_is_a_404_with_a_problem(stand: Stand) -> None:
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await stand.worktree("w", board_id=board["id"])
    session = await stand.session(prompt="go")
    task = (await stand.get(f"/sessions/{session['id']}/tasks"))["items"][0]
    ids = {
        "boards": board["id"],
        "worktrees": tree["id"],
        "repos": tree["repo_id"],
        "sessions": session["id"],
        "tasks": task["id"],
    }
    there = {(operation.method, route.path) for route in ROUTES for operation in route.operations}
    for method, path in planned():
        if (method, path) in there:
            continue  # it has come
        # Of things that exist: nothing else can be what is missing.
        address = path.replace("{id}", ids.get(path.split("/")[1], "x_0000000000000001"))
        address = address.replace("{zone}", "zone_0000000000000001")
        body = None if method in ("GET", "DELETE") else "{}"
        said = problem(await stand.ask(method, address, body, person="ada"), 404)
        assert said["detail"] == "There is nothing at this address.", (method, path)
        refused = await stand.ask(method, address, body, person=None)
        assert refused.code == 403, (method, path)


async def test_any_other_address_is_one_too(stand: Stand) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for path in ("/", "/nowhere", "/sessions/", "/worktrees/x/y/z", "/boards/%2e%2e/x"):
            body = None if method in ("GET", "DELETE") else "{}"
            problem(await stand.ask(method, path, body, person="ada"), 404)
