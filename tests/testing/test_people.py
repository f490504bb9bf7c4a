"""The four people and their tiers, on a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.testing.live_server import LiveServer, live_server
from agor_jupyter.testing.people import PEOPLE, TIERS, allowed, headers_of, token_of


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with live_server(tmp_path) as running:
        yield running


async def test_each_token_is_its_person(server: LiveServer) -> None:
    asked = json.dumps({"contents": ["read", "write"], "agor:boards": ["read", "write"]})
    for name in PEOPLE:
        body = json.loads((await server.fetch("api/me", person=name, permissions=asked)).body)
        assert body["identity"]["username"] == name
        expected = ["read"] if TIERS[name] == "viewer" else ["read", "write"]
        assert body["permissions"]["contents"] == expected
        assert body["permissions"]["agor:boards"] == expected


async def test_the_login_cookie_remembers_the_person(server: LiveServer) -> None:
    answer = await server.fetch("api/me", person="vera")
    cookie = answer.headers["Set-Cookie"].split(";")[0]
    again = await server.fetch("api/me", person=None, headers={"Cookie": cookie})
    assert json.loads(again.body)["identity"]["username"] == "vera"


async def test_a_wrong_token_is_nobody(server: LiveServer) -> None:
    assert (await server.fetch("api/me", person=None)).code == 403
    wrong = {"Authorization": "token vera"}
    assert (await server.fetch("api/me", person=None, headers=wrong)).code == 403


async def test_a_viewer_may_not_write_files(server: LiveServer) -> None:
    body = json.dumps({"type": "file", "format": "text", "content": "x"})
    path = "api/contents/x.txt"
    assert (await server.fetch(path, person="vera", method="PUT", body=body)).code == 403
    assert (await server.fetch(path, person="mona", method="PUT", body=body)).code == 201
    server.app.authorizer.set_tier("mona", None)
    assert (await server.fetch(path, person="mona")).code == 403


@pytest.mark.parametrize(
    ("role", "action", "resource", "may"),
    [
        ("viewer", "read", "agor:sessions", True),
        ("viewer", "execute", "kernels", False),
        ("viewer", "write", "workspaces", True),
        ("member", "execute", "agor:sessions", True),
        ("member", "admin", "agor:sessions", False),
        ("member", "write", "agor:settings", False),
        ("admin", "admin", "agor:settings", True),
    ],
)
def test_the_table(role: Any, action: str, resource: str, may: bool) -> None:
    assert allowed(role, action, resource) is may


def test_no_token_for_strangers() -> None:
    with pytest.raises(KeyError):
        token_of("mallory")
    assert headers_of("vera") == {"Authorization": "token vera-token"}
