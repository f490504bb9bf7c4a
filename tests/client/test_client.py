"""Finding a server, speaking to it, and following a session through broken connections."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.client import discover
from agor_jupyter.client.api import Api
from agor_jupyter.client.discover import Server, candidates, runtime_dir
from agor_jupyter.client.errors import ClientError, NoServer, Unreachable
from agor_jupyter.client.http import Http, parse_url, problem_of
from agor_jupyter.client.stream import Follower
from tests.client.fake import SES, TOKEN, World, ended, said


def api_of(world: World, token: str = TOKEN) -> Api:
    return Api(Http(parse_url(world.url)[0], token))


# --- addresses and errors ----------------------------------------------------


@pytest.mark.parametrize(
    ("url", "base", "token"),
    [
        ("http://h:8888", "http://h:8888/", ""),
        ("http://h:8888/lab?token=abc", "http://h:8888/", "abc"),
        ("http://h:8888/user/ann/lab/tree/x.ipynb?token=abc", "http://h:8888/user/ann/", "abc"),
        ("https://hub.example/user/ann/", "https://hub.example:443/user/ann/", ""),
        ("http://[::1]:8888/", "http://[::1]:8888/", ""),
    ],
)
def test_addresses(url: str, base: str, token: str) -> None:
    address, found = parse_url(url)
    assert (address.url, found) == (base, token)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "h:8888", "http://", "http://h:port/", "ftp://h/"])
def test_no_address(url: str) -> None:
    with pytest.raises(ClientError):
        parse_url(url)


def test_a_problem_is_one_line() -> None:
    error = problem_of(
        409, json.dumps({"type": "urn:x", "detail": "It\nis so.", "hint": "Do\tthis."}).encode()
    )
    assert str(error) == "It is so. Do this."
    assert "new token" in str(problem_of(403, b"<html>no</html>"))
    assert "502" in str(problem_of(502, b""))


def test_requests(world: World) -> None:
    api = api_of(world)
    assert api.me()["role"] == "member"
    assert [session["id"] for session in api.sessions()] == [SES]
    task = api.prompt(SES, "hello")
    assert api.task(task["id"])["prompt"] == "hello"
    with pytest.raises(ClientError, match="The session is closed"):
        api.resume(SES)
    assert len(set(world.keys)) == len(world.keys) == 2
    assert all(world.keys), "every POST has an idempotency key of its own"


def test_the_token_travels_in_the_header_only(world: World) -> None:
    api = api_of(world)
    api.sessions()
    assert not any(TOKEN in url for url in world.urls)
    assert TOKEN not in repr(api)
    with pytest.raises(ClientError) as caught:
        api_of(world, "agor_wrong-token").me()
    assert "wrong-token" not in str(caught.value)
    assert caught.value.status == 403


def test_nobody_answers() -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        Api(Http(parse_url("http://127.0.0.1:1/")[0], "t")).me()


# --- following ---------------------------------------------------------------


def test_a_broken_connection_is_taken_up_where_it_broke(world: World) -> None:
    world.script = [said(f"w{n} ") for n in range(10)] + [ended()]
    world.break_after = 3
    api = api_of(world)
    task = api.prompt(SES, "go")["id"]
    seen: list[int] = []
    for event in api.follow(SES, task_id=task):
        seen.append(event["seq"])
        if event["update"]["type"] == "task_ended":
            break
    assert seen == list(range(1, 14)), "each once, in order, without a gap"
    assert len([1 for _, path in world.requests if path.endswith("/events")]) >= 4


async def test_a_coroutine_follows_and_leaves(world: World) -> None:
    world.script = [said("a"), said("b"), "…"]
    api = api_of(world)
    task = (await asyncio.to_thread(api.prompt, SES, "go"))["id"]
    follower = api.follow(SES, task_id=task)
    kinds = []
    async with aclosing(follower.events()) as events:
        async for event in events:
            kinds.append(event["update"]["type"])
            if len(kinds) == 4:
                break
    assert kinds == ["task_queued", "task_started", "agent_message_chunk", "agent_message_chunk"]
    deadline = time.monotonic() + 5
    while any(thread.name == "agor-follow" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread ends with the reader"
        await asyncio.sleep(0.02)


def test_a_server_that_stays_away_is_given_up() -> None:
    http = Http(parse_url("http://127.0.0.1:1/")[0], "t")
    with pytest.raises(Unreachable, match="Gave up"):
        list(Follower(http, SES, give_up=0.3))


def test_a_refusal_is_not_tried_again(world: World) -> None:
    with pytest.raises(ClientError) as caught:
        list(Follower(Http(parse_url(world.url)[0], "wrong"), SES))
    assert caught.value.status == 403
    assert len(world.requests) == 1


# --- finding a server --------------------------------------------------------


def runtime(folder: Path, *servers: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, server in enumerate(servers):
        (folder / f"jpserver-{number}.json").write_text(json.dumps(server))
    return folder


def test_the_order_of_candidates(tmp_path: Path) -> None:
    alive = os.getpid()
    folder = runtime(
        tmp_path / "runtime",
        {"pid": alive, "url": "http://outer/", "token": "o", "root_dir": str(tmp_path)},
        {"pid": alive, "url": "http://inner/", "token": "i", "root_dir": str(tmp_path / "project")},
        {"pid": alive, "url": "http://elsewhere/", "token": "e", "root_dir": "/elsewhere"},
        {"pid": 2**22 + 1, "url": "http://dead/", "token": "d", "root_dir": str(tmp_path)},
        {"pid": "x"},
    )
    (folder / "jpserver-9.json").write_text("{broken")
    cwd = tmp_path / "project" / "sub"
    env = {
        "AGOR_JUPYTER_URL": "http://injected/",
        "AGOR_JUPYTER_TOKEN": "a",
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ann/",
        "JUPYTERHUB_API_TOKEN": "h",
    }
    found = candidates(env, cwd, folder)
    assert [server.url for server in found] == [
        "http://injected/",
        "http://127.0.0.1:8888/user/ann/",
        "http://inner/",
        "http://outer/",
    ]
    parented = candidates({"JPY_PARENT_PID": str(alive)}, Path("/nowhere"), folder)
    assert {server.url for server in parented} == {"http://outer/", "http://inner/", "http://elsewhere/"}
    assert "'a'" not in repr(found)


def test_another_projects_server_is_never_used(tmp_path: Path) -> None:
    folder = runtime(
        tmp_path / "r", {"pid": os.getpid(), "url": "http://other/", "token": "", "root_dir": "/other"}
    )
    assert candidates({}, tmp_path, folder) == []


def test_the_first_that_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Server(world.url, "wrong", "one")
    api = discover.connect(
        [Server("http://127.0.0.1:1/", "x", "gone"), wrong, Server(world.url, TOKEN, "two")]
    )
    assert api.me()["role"] == "member"
    with pytest.raises(NoServer) as caught:
        discover.connect([wrong])
    assert "%agor connect" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(NoServer):
        discover.connect([])


def test_runtime_folders(tmp_path: Path) -> None:
    assert runtime_dir({"JUPYTER_RUNTIME_DIR": "/r"}, tmp_path) == Path("/r")
    assert runtime_dir({"JUPYTER_DATA_DIR": "/d"}, tmp_path) == Path("/d/runtime")
    assert runtime_dir({}, tmp_path, "darwin") == tmp_path / "Library/Jupyter/runtime"
    assert runtime_dir({}, tmp_path, "linux") == tmp_path / ".local/share/jupyter/runtime"
    assert runtime_dir({"XDG_DATA_HOME": "/x"}, tmp_path, "linux") == Path("/x/jupyter/runtime")
