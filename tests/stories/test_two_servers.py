"""A second server on a data folder looks on; a database of a newer version is left alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest

from agor_jupyter.client.errors import ClientError
from tests.stories.conftest import Server, wait_until

Make = Callable[..., Server]


def test_a_second_server_reads_and_says_who_holds_the_folder(make_server: Make) -> None:
    first = make_server()
    session = first.session(first.worktree("tree"))
    second = make_server(data_dir=str(first.folder / "data"))
    assert [item["id"] for item in second.api.sessions()] == [session["id"]]
    assert str(first.process.pid if first.process else "") in second.api.me()["read_only"]
    with pytest.raises(ClientError) as refused:
        second.api.prompt(session["id"], "hello")
    assert refused.value.status == 409
    first.api.prompt(session["id"], "stream 3 tokens at 50/s")
    wait_until(lambda: second.api.session(session["id"])["last_stop_reason"] == "end_turn")


def test_a_newer_database_is_refused_with_a_reason(make_server: Make) -> None:
    server = make_server()
    server.stop()
    path = server.folder / "data" / "agor.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9999")
    before = path.read_bytes()
    server.start()
    with pytest.raises(ClientError) as refused:
        server.api.me()
    assert refused.value.status == 409
    assert "newer" in json.dumps(str(refused.value)).lower()
    assert path.read_bytes() == before
