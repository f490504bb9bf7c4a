"""Who may do what, on the wire: generated from the route table, so that no row can be forgotten (A5)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClientConnection

from agor_jupyter.domain.ids import SessionId, UserId
from agor_jupyter.server import events as socket
from agor_jupyter.server.operation import Operation, Route
from agor_jupyter.server.table import ROUTES
from agor_jupyter.service.access import RULES
from agor_jupyter.testing.people import TIERS, allowed
from tests.server.conftest import Stand, new_key, problem

PEOPLE = (None, "vera", "mona", "oscar", "ada")
OPERATIONS = [(route, operation) for route in ROUTES for operation in route.operations]

OWN_ALONE = ("session_servers.switch",)
"""What is the owner's and not even an admin's: an agent would act with servers of another's."""


@dataclass
class World:
    """One of everything, made by oscar."""

    repo: str
    worktree: str
    session: str
    task: str
    request: str
    board: str
    server: str


async def build(stand: Stand) -> World:
    repo = await stand.repo()
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await stand.worktree("one", board_id=board["id"])
    session = await stand.session(prompt="go")
    session_id = SessionId(session["id"])
    await stand.made.work.start(session_id)
    request = await stand.made.work.ask(session_id)
    task = await stand.send("POST", f"/sessions/{session_id}/tasks", {"prompt": "next"}, status=202)
    server = await stand.send("POST", "/mcp-servers", {"name": "tools", "command": ["tools"]}, status=201)
    agent = {"name": "made", "label": "Made", "command": ["made"]}
    assert (await stand.ask("POST", "/named-agents", agent, person="ada")).code == 201
    return World(repo["id"], tree["id"], session_id, task["id"], request, board["id"], server["id"])


def body_of(verb: str, world: World) -> Any:
    """Give a body that the verb would accept."""
    bodies: dict[str, Any] = {
        "named_agents.create": {"name": f"n{new_key()[:8].lower()}", "label": "N", "command": ["x"]},
        "named_agents.change": {"label": "M"},
        "people.rename": {"display_name": "X"},
        "people.mint_token": {},
        "people.change_settings": {"panel.width": "3"},
        "credentials.set": {"name": "KEYED_API_KEY", "value": "a secret"},
        "mcp_servers.create": {"name": f"tools-{new_key()[:8]}", "command": ["tools"]},
        "mcp_servers.change": {"enabled": False},
        "session_servers.switch": {"name": "tools", "enabled": False},
        "repos.add": {"path": "/nowhere"},
        "repos.rename": {"name": "other"},
        "repos.trust": {"trusted": False},
        "worktrees.create": {"repo_id": world.repo, "name": "two"},
        "worktrees.change": {"notes": "x"},
        "sessions.create": {"worktree_id": world.worktree, "agent": "demo"},
        "sessions.change": {"title": "x"},
        "sessions.fork": {"worktree": "same"},
        "sessions.interrupt": {},
        "sessions.resume": {},
        "sessions.steer": {"prompt": "x"},
        "sessions.close_agent": {},
        "tasks.prompt": {"prompt": "x"},
        "tasks.change": {"place": 0},  # the words are `tasks.rewrite`: see below
        "transcripts.rebuild": {},
        "permissions.answer": {"option_id": "allow_once"},
        "boards.create": {"name": "x"},
        "boards.change": {"name": "y"},
        "boards.drop": {"card_id": world.worktree, "pos": [1, 2], "drop_id": new_key()},
    }
    return bodies[verb]


def address(route: Route, world: World) -> str:
    noun = route.path.split("/")[1]
    ids = {
        "repos": world.repo,
        "worktrees": world.worktree,
        "sessions": world.session,
        "tasks": world.task,
        "permissions": world.request,
        "boards": world.board,
        "mcp-servers": world.server,
        "named-agents": "made",
    }
    return route.path.replace("{id}", ids.get(noun, ""))


def expected(person: str | None, operation: Operation) -> bool:
    """Say whether the person may: the declared table and nothing else."""
    if person is None:
        return False
    rule = RULES[operation.verb]
    if not allowed(TIERS[person], rule.action, rule.resource):
        return False
    if operation.verb in OWN_ALONE:
        return person == "oscar"
    return not rule.narrowed or person in ("oscar", "ada")


async def fingerprint_of(stand: Stand) -> tuple[int, list[tuple[str, int]]]:
    log = stand.made.house.log
    sessions = (await log.sessions(archived=None)).items
    return len(await log.read_workspace()), sorted((item.id, item.last_seq) for item in sessions)


@pytest.mark.parametrize("person", PEOPLE)
async def test_every_route_answers_as_declared(stand: Stand, person: str | None) -> None:
    world = await build(stand)
    # Deletions last: they take away what the others need.
    for route, operation in sorted(OPERATIONS, key=lambda pair: pair[1].method == "DELETE"):
        needs_body = operation.body is not None or (operation.map_of_text and operation.method != "GET")
        body = body_of(operation.verb, world) if needs_body else None
        before = await fingerprint_of(stand)
        answer = await stand.ask(operation.method, address(route, world), body, person=person)
        where = f"{person} {operation.method} {route.path}: {answer.code} {answer.body!r}"
        if expected(person, operation):
            assert answer.code != 403 and answer.code < 500, where
        else:
            assert answer.code == 403, where
            assert await fingerprint_of(stand) == before, where


async def test_the_owner_alone_may_do_what_is_narrowed(stand: Stand) -> None:
    """`narrowed` is not decoration: the same request is refused to one member and done for another."""
    world = await build(stand)
    for path, body in (
        (f"/sessions/{world.session}", {"title": "mine"}),
        (f"/sessions/{world.session}", {"mode": "full_auto"}),
    ):
        refused = await stand.ask("PATCH", path, body, person="mona")
        assert refused.code == 403 and json.loads(refused.body)["owner"] == "oscar"
        assert (await stand.ask("PATCH", path, body, person="oscar")).code == 200
    for path in (f"/worktrees/{world.worktree}", f"/boards/{world.board}", f"/repos/{world.repo}"):
        assert (await stand.ask("DELETE", path, person="mona")).code == 403
        assert (await stand.ask("DELETE", path, person="ada")).code in (200, 204)


async def test_strangers_see_no_address(stand: Stand) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/repos"), ("GET", "/openapi.json"), ("POST", "/x/y")):
        assert (await stand.ask(method, path, "", person=None)).code == 403
    assert (await stand.ask("GET", "/nothing")).code == 404


async def test_each_verb_asks_jupyter_for_its_own_pair(stand: Stand) -> None:
    """The decorator must not keep what another route asked first (it does when called bare)."""
    asked: list[tuple[str, str]] = []
    authorizer = stand.server.app.authorizer
    authorizer.is_authorized = lambda handler, user, action, resource: bool(asked.append((action, resource)))
    for route, operation in OPERATIONS:
        asked.clear()
        answer = await stand.ask(operation.method, route.path.replace("{id}", "x"), None)
        assert answer.code == 403
        assert asked == [(operation.rule.action, operation.rule.resource)], route.path


# --- the events socket


async def hear(client: WebSocketClientConnection) -> dict[str, Any]:
    message = await asyncio.wait_for(client.read_message(), 5)
    assert isinstance(message, str), f"closed: {client.close_code}"
    return json.loads(message)


@pytest.mark.parametrize("person", PEOPLE)
async def test_the_socket_lets_in_who_may_read(stand: Stand, person: str | None) -> None:
    world = await build(stand)
    if person is None:
        with pytest.raises(HTTPClientError) as refused:
            await stand.connect(person=None)
        assert refused.value.code == 403
        return
    client = await stand.connect(person=person)
    for number, wish in enumerate(({"session": world.session, "after_seq": 0}, {"workspace": True})):
        await client.write_message(json.dumps({"id": number, "subscribe": wish}))
        while (frame := await hear(client)).get("reply") != number:
            pass
        assert frame["ok"] is True
    client.close()


async def test_the_socket_refuses_who_may_not_read(stand: Stand) -> None:
    stand.server.app.authorizer.set_tier("mona", None)
    with pytest.raises(HTTPClientError) as refused:
        await stand.connect(person="mona")
    assert refused.value.code == 403


async def test_each_message_is_authorised(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right lost after the handshake is lost for the next message, before the five seconds."""
    world = await build(stand)
    monkeypatch.setattr(socket, "RECHECK_SECONDS", 60)
    client = await stand.connect(person="mona")
    stand.server.app.authorizer.set_tier("mona", None)
    await client.write_message(json.dumps({"id": 1, "subscribe": {"session": world.session}}))
    assert (await hear(client))["problem"]["status"] == 403
    await client.write_message(json.dumps({"id": 2, "subscribe": {"workspace": True}}))
    assert (await hear(client))["problem"]["status"] == 403
    client.close()


async def test_losing_the_right_to_read_closes_the_socket(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build(stand)
    monkeypatch.setattr(socket, "RECHECK_SECONDS", 0.05)
    client = await stand.connect(person="mona")
    await client.write_message(json.dumps({"id": 1, "subscribe": {"session": world.session}}))
    assert (await hear(client))["ok"]
    stand.server.app.authorizer.set_tier("mona", None)
    while await asyncio.wait_for(client.read_message(), 5) is not None:
        pass
    assert client.close_code == 4403


async def test_a_viewer_hears_but_a_kernel_token_that_ends_is_closed(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "RECHECK_SECONDS", 0.05)
    await stand.get("/me", person="vera")
    token = await stand.made.house.tokens.mint(UserId("vera"), "kernel")
    client = await stand.connect(person=None, headers={"Authorization": f"token {token}"})
    await client.write_message('{"ping": 7}')
    assert await hear(client) == {"pong": 7}
    await stand.made.house.tokens.revoke(token)
    assert await asyncio.wait_for(client.read_message(), 5) is None
    assert client.close_code == 4403


async def test_a_prompt_is_rewritten_only_by_who_wrote_it(stand: Stand) -> None:
    world = await build(stand)
    path = f"/tasks/{world.task}"
    problem(await stand.ask("PATCH", path, {"prompt": "delete it all"}, person="mona"), 403)
    assert (await stand.get(path))["prompt"] == "next"
    for person in ("oscar", "ada"):
        changed = await stand.send("PATCH", path, {"prompt": f"by {person}"}, status=200, person=person)
        assert changed["prompt"] == f"by {person}"
    hers = await stand.send(
        "POST", f"/sessions/{world.session}/tasks", {"prompt": "mine"}, status=202, person="mona"
    )
    await stand.send("PATCH", f"/tasks/{hers['id']}", {"prompt": "mine!"}, status=200, person="mona")
    # The session's owner keeps order in its queue: takes back, but does not put words in her mouth.
    problem(await stand.ask("PATCH", f"/tasks/{hers['id']}", {"prompt": "x"}, person="oscar"), 403)
    assert (await stand.ask("DELETE", f"/tasks/{hers['id']}", person="oscar")).code in (200, 204)
