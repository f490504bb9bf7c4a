"""What is published is what is served: the OpenAPI document, the reference page, the handlers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import jsonschema
from tornado import web

from agor_jupyter.domain.events import SessionUpdate
from agor_jupyter.server import openapi, reference
from agor_jupyter.server.base import AgorHandler
from agor_jupyter.server.routes import handler_of, routes
from agor_jupyter.server.table import ROUTES
from agor_jupyter.service.access import RULES
from tests.server.conftest import Stand

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "reference-rest.md").read_text("utf-8")
    assert written == reference.page(), (
        "run: python -m agor_jupyter.server.reference > docs/reference-rest.md"
    )


def test_the_document_is_printed_without_a_server() -> None:
    command = [sys.executable, "-m", "agor_jupyter.server.openapi"]
    printed = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=60).stdout
    assert json.loads(printed) == openapi.document()


async def test_the_served_document_is_the_printed_one(stand: Stand) -> None:
    served = await stand.get("/openapi.json")
    assert served == openapi.document(stand.server.base_url)
    assert served["openapi"] == "3.1.0" and served["servers"][0]["url"] == "/a%40b/agor/api/v1"


def test_every_reference_leads_somewhere_and_every_event_is_there() -> None:
    document = openapi.document()
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    wanted = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert wanted <= set(schemas)
    assert {update.__name__ for update in get_args(get_args(SessionUpdate)[0])} <= set(schemas)
    assert {"ClientFrame", "ServerFrame", "Problem"} <= set(schemas)


def test_every_verb_has_a_rule_and_every_rule_a_verb() -> None:
    used = {operation.verb for route in ROUTES for operation in route.operations}
    inside = {"tasks.rewrite", "sessions.set_status_line"}  # of `tasks.change`; of a tool
    assert used | inside | {"events.follow", "house.describe"} == set(RULES)
    methods = [(route.path, operation.method) for route in ROUTES for operation in route.operations]
    assert len(methods) == len(set(methods))


def test_every_verb_of_every_handler_is_its_own_and_guarded() -> None:
    made = [handler_of(route) for route in ROUTES]
    seen: set[int] = set()
    for route, handler in zip(ROUTES, made, strict=True):
        for operation in route.operations:
            method = vars(handler)[operation.method.lower()]  # declared here, never inherited
            assert id(method) not in seen
            seen.add(id(method))
            assert method.__wrapped__ is not None
    for _, handler in routes("/"):
        inherited = {
            name
            for name in ("get", "post", "patch", "put", "delete", "head")
            if name not in vars(handler) and getattr(handler, name) is not getattr(web.RequestHandler, name)
        }
        assert not inherited, (handler, inherited)
    assert issubclass(made[0], AgorHandler)


async def test_answers_look_as_the_document_says(stand: Stand) -> None:
    """Every model that a first hour meets, checked against its own published schema."""
    board = await stand.send("POST", "/boards", {"name": "B"}, status=201)
    tree = await stand.worktree("w", board_id=board["id"])
    session = await stand.session(prompt="go")
    document = openapi.document()
    task = session["queue"][0]
    places = {
        "/me": {},
        "/agents": {},
        "/repos": {},
        "/boards": {},
        "/worktrees": {},
        "/sessions": {},
        "/permissions": {},
        "/worktrees/{id}": tree,
        "/worktrees/{id}/status": tree,
        "/worktrees/{id}/diff": tree,
        "/worktrees/{id}/checkpoints": tree,
        "/sessions/{id}": session,
        "/sessions/{id}/tasks": session,
        "/sessions/{id}/events": session,
        "/sessions/{id}/transcript": session,
        "/tasks/{id}": {"id": task},
    }
    for path, thing in places.items():
        answer = await stand.get(path.replace("{id}", str(thing.get("id"))))
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer, {**schema, "components": document["components"]})
