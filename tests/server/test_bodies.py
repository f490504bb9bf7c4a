"""Whatever bytes are sent, the answer is a problem that a person can act on, and never a 500 (F7)."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from agor_jupyter.domain.errors import InvalidRequest
from agor_jupyter.domain.model import Value
from agor_jupyter.server import bodies
from agor_jupyter.server.table import ROUTES
from agor_jupyter.service.requests import AddNamedAgent, CreateMcpServer
from tests.server.conftest import Stand, problem

DEEP = b"[" * 10_000 + b"]" * 10_000
NONSENSE: dict[str, bytes] = {
    "null": b"null",
    "a number": b"1",
    "a list": b"[]",
    "a text": b'"x"',
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "truncated": b'{"name": ',
    "deep list": DEEP,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep inside": b'{"name": ' + DEEP + b"}",
    "ten megabytes": b'{"name": "' + b"x" * 10_000_000 + b'"}',
    "NUL": b'{"name": "a\x00b"}',
    "escaped NUL": b'{"name": "a\\u0000b"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "NaN": b'{"name": NaN}',
    "huge number": b'{"name": 1e999999}',
    "many digits": b'{"name": ' + b"9" * 5000 + b"}",
    "unknown field": b'{"name": "x", "is_admin": true}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "nothing": b"",
}
WRITES = [
    (route.path.replace("{id}", "x"), operation.method)
    for route in ROUTES
    for operation in route.operations
    if operation.body is not None
]


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_is_a_problem_everywhere(stand: Stand, kind: str) -> None:
    for path, method in WRITES:
        if kind == "nothing" and path == "/me/tokens":
            continue  # there nothing is asked for, and it names nothing that could be missing
        answer = await stand.ask(method, path, NONSENSE[kind], person="ada")
        where = f"{kind} {method} {path}: {answer.code} {answer.body[:200]!r}"
        assert 400 <= answer.code < 500 and answer.code != 403, where
        problem(answer, answer.code)
        # An empty body is a body where nothing is asked for; all else cannot be read at all.
        assert answer.code == 400 or kind == "nothing", where


async def test_a_body_is_bounded_even_where_it_fits_the_model(stand: Stand) -> None:
    session = await stand.session()
    path = f"/sessions/{session['id']}/tasks"
    for size, status in ((7_000_000, 202), (9_000_000, 400)):
        sent = {"name": "a.txt", "media_type": "text/plain", "data": "x" * size}
        answer = await stand.ask("POST", path, {"prompt": "x", "attachments": [sent]})
        assert answer.code == status, answer.body


async def test_settings_are_texts(stand: Stand) -> None:
    for body in ({"a": 1}, {"A b": "x"}, {"a": None}, ["a"], {"a": "x" * 20_001}):
        problem(await stand.ask("PATCH", "/me/settings", body), 400)
    await stand.send("PATCH", "/me/settings", {"panel.width": "300"}, status=200)
    assert await stand.send("PATCH", "/me/settings", {"b": "1"}, status=200) == {
        "panel.width": "300",
        "b": "1",
    }
    assert await stand.get("/me/settings", person="mona") == {}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/sessions", {"limit": "0"}),
        ("/sessions", {"limit": "201"}),
        ("/sessions", {"limit": "x"}),
        ("/sessions", {"limit": "9" * 400}),
        ("/sessions", {"cursor": "nonsense"}),
        ("/sessions", {"cursor": "x" * 600}),
        ("/sessions", {"status": "asleep"}),
        ("/repos", {"cursor": "WyJ4Il0"}),
        ("/worktrees", {"cursor": "\x00"}),
        ("/permissions", {"state": "answered"}),
    ],
)
async def test_a_bad_query_is_a_400(stand: Stand, path: str, query: dict[str, str]) -> None:
    problem(await stand.ask("GET", path, **query), 400)


async def test_a_bad_query_of_events(stand: Stand) -> None:
    session = await stand.session()
    path = f"/sessions/{session['id']}/events"
    for query in ({"after_seq": "-1"}, {"after_seq": "99999999999999999999"}, {"limit": "501"}):
        problem(await stand.ask("GET", path, **query), 400)
    assert (await stand.get(path, after_seq="9007199254740991"))["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/repos/%00",
        "/repos/..%2f..",
        "/repos/%ff",
        "/sessions/%F0%9F%92%A9",
        "/tasks/' OR 1=1 --",
        "/boards/" + "x" * 5000,
        "/worktrees/x/diff",
        "/permissions/req_0000000000000000",
        "/nothing/here",
        "/",
    ],
)
async def test_an_unknown_address_is_a_problem(stand: Stand, path: str) -> None:
    answer = await stand.ask("GET", path.replace(" ", "%20").replace("'", "%27"))
    assert answer.code in (400, 404)
    problem(answer, answer.code)


async def test_a_method_that_is_none_is_a_405(stand: Stand) -> None:
    problem(await stand.ask("PUT", "/repos", {}), 405)
    problem(await stand.ask("DELETE", "/sessions"), 405)


async def test_a_problem_names_the_field_and_never_the_value(stand: Stand) -> None:
    body = {"worktree_id": "x", "agent": "demo", "mode": "SECRET-SAUCE"}
    answer = await stand.ask("POST", "/sessions", body)
    said = problem(answer, 400)
    assert said["errors"][0]["field"] == "mode" and b"SECRET-SAUCE" not in answer.body


async def test_a_bug_is_a_500_whose_log_holds_no_value(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the prompt was: CANARY-1234")

    monkeypatch.setattr(type(stand.made.work), "prompt", broken)
    session = await stand.session()
    with caplog.at_level(logging.DEBUG):
        answer = await stand.ask(
            "POST",
            f"/sessions/{session['id']}/tasks",
            {"prompt": "CANARY-1234"},
            headers={"X-A": "CANARY-1234"},
        )
    assert problem(answer, 500)["type"] == "urn:agor:Bug"
    assert "CANARY-1234" not in answer.body.decode() + caplog.text
    assert "RuntimeError" in caplog.text and "tasks.py" in caplog.text


async def test_a_full_disk_is_a_507(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    session = await stand.session()
    monkeypatch.setattr(type(stand.made.work), "prompt", full)
    body = {"prompt": "x"}
    said = problem(await stand.ask("POST", f"/sessions/{session['id']}/tasks", body), 507)
    assert "space" in said["hint"]
    assert (await stand.get(f"/sessions/{session['id']}"))["id"] == session["id"]


def test_a_bool_is_no_number_and_a_number_no_text() -> None:
    with pytest.raises(bodies.InvalidRequest):
        bodies.parse_texts(b'{"a": true}')
    assert json.loads(b"1") == 1  # what Jupyter's own get_json_body lets through
    with pytest.raises(bodies.InvalidRequest):
        bodies.parse_body(b"1", bodies.ListQuery)


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        (CreateMcpServer, b"", "letters, digits, dashes and underscores"),
        (AddNamedAgent, b', "label": "x"', "a-z, 0-9 and dashes"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_in_words(model: type[Value], more: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        bodies.parse_body(b'{"name": "My server", "command": ["x"]%s}' % more, model)
    assert words in str(refused.value) and "[" not in str(refused.value)
    assert refused.value.hint == ""  # one thing is wrong, and it is said
