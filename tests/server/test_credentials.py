"""Credentials over REST: written, never read; by nobody else; and in no log, event or kept answer."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from agor_jupyter.domain.ids import UserId
from tests.server.conftest import Stand, new_key, problem

VALUE = "canary-value-of-a-credential"
PATH = "/me/credentials"


async def put(stand: Stand, name: str = "KEYED_API_KEY", value: str = VALUE, **more: Any) -> Any:
    return await stand.ask("PUT", PATH, {"name": name, "value": value}, **more)


async def test_what_is_written_is_never_told(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = new_key()
    answers = [await put(stand, headers={"Idempotency-Key": key})]
    assert answers[0].code == 204 and answers[0].body == b""
    answers += [await stand.ask("GET", path) for path in (PATH, "/agents", "/me", "/me/settings")]
    answers.append(await put(stand, "NOT_USED"))
    answers.append(await stand.ask("PUT", PATH, {"name": "KEYED_API_KEY", "value": VALUE, "more": VALUE}))
    answers.append(await stand.ask("PUT", PATH, {"name": VALUE * 10, "value": 3}))
    assert [answer.code for answer in answers[5:]] == [422, 400, 400]
    said = b"".join(answer.body for answer in answers) + str([dict(a.headers) for a in answers]).encode()
    assert VALUE.encode() not in said
    assert VALUE not in caplog.text
    house = stand.made.house
    assert await house.records.answer_of(UserId("oscar"), key) is None
    assert VALUE not in str(await house.log.read_workspace())
    found = {item["name"]: item for item in (await stand.get(PATH))["items"]}
    assert found["KEYED_API_KEY"]["set_ms"] > 0 and set(found["KEYED_API_KEY"]) == {
        "name",
        "set_ms",
        "agents",
        "servers",
    }


async def test_each_sets_and_removes_their_own(stand: Stand) -> None:
    assert (await put(stand)).code == 204
    for person in ("mona", "ada"):
        theirs = {item["name"]: item["set_ms"] for item in (await stand.get(PATH, person=person))["items"]}
        assert theirs["KEYED_API_KEY"] is None
        assert (await stand.ask("DELETE", PATH, person=person, name="KEYED_API_KEY")).code == 204
    mine = {item["name"]: item["set_ms"] for item in (await stand.get(PATH))["items"]}
    assert mine["KEYED_API_KEY"] is not None
    agents = {item["kind"]: item for item in (await stand.get("/agents"))["items"]}
    assert agents["keyed"]["authenticated"] is True
    agents = {item["kind"]: item for item in (await stand.get("/agents", person="mona"))["items"]}
    assert agents["keyed"]["authenticated"] is False
    assert (await stand.ask("DELETE", PATH, name="KEYED_API_KEY")).code == 204
    problem(await stand.ask("DELETE", PATH), 400)


async def test_a_kernels_token_reaches_none_of_it(stand: Stand) -> None:
    await put(stand)
    server = await stand.send("POST", "/mcp-servers", {"name": "tools", "command": ["x"]}, status=201)
    token = await stand.made.house.tokens.mint(UserId("oscar"), "kernel")
    headers = {"Authorization": f"token {token}"}
    assert (await stand.ask("GET", "/me", person=None, headers=headers)).code == 200
    item = f"/mcp-servers/{server['id']}"
    for method, path, body in (
        ("GET", PATH, None),
        ("PUT", PATH, {"name": "KEYED_API_KEY", "value": "x"}),
        ("DELETE", f"{PATH}?name=KEYED_API_KEY", None),
        ("GET", "/mcp-servers", None),
        ("POST", "/mcp-servers", {"name": "more", "command": ["x"]}),
        ("GET", item, None),
        ("PATCH", item, {"enabled": False}),
        ("DELETE", item, None),
    ):
        refused = problem(await stand.ask(method, path, body, person=None, headers=headers), 403)
        assert "panel" in refused["hint"], path


async def test_servers_are_their_owners(stand: Stand) -> None:
    wish = {"name": "tools", "transport": "http", "url": "https://x/mcp", "headers": {"A": "Bearer ${T}"}}
    headers = {"Idempotency-Key": new_key()}
    first = await stand.ask("POST", "/mcp-servers", wish, headers=headers)
    again = await stand.ask("POST", "/mcp-servers", wish, headers=headers)
    assert first.code == again.code == 201 and first.body == again.body
    server = json.loads(first.body)
    path = f"/mcp-servers/{server['id']}"
    for person in ("mona", "ada"):
        assert (await stand.get("/mcp-servers", person=person))["items"] == []
        for method, body in (("GET", None), ("PATCH", {"enabled": False}), ("DELETE", None)):
            problem(await stand.ask(method, path, body, person=person), 404)
    changed = await stand.send("PATCH", path, {"url": "https://y/mcp"}, status=200)
    assert changed == {**server, "url": "https://y/mcp"}
    listed = (await stand.get(PATH))["items"]
    assert {"name": "T", "set_ms": None, "agents": [], "servers": ["tools"]} in listed
    assert (await put(stand, "T")).code == 204
    assert (await stand.ask("DELETE", path)).code == 204
    problem(await stand.ask("GET", path), 404)


async def test_without_named_users_all_are_one(local_stand: Stand) -> None:
    token = local_stand.server.app.identity_provider.token
    headers = {"Authorization": f"token {token}"}
    assert (await put(local_stand, person=None, headers=headers)).code == 204
    assert await local_stand.made.house.records.vault.unseal(UserId("local"), ["KEYED_API_KEY"]) == {
        "KEYED_API_KEY": VALUE
    }
