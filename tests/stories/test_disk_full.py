"""A server whose disk is full: it says so, it goes on reading, and it recovers by itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from agor_jupyter.client.api import Record
from agor_jupyter.client.errors import ClientError
from tests.disks import fill, small_disk
from tests.stories.conftest import Server, wait_until
from tests.stories.test_kills import all_events, ended, spoken, tokens, words

Make = Callable[..., Server]
MEGABYTES = 16
TOKENS = 200
MOST = 2000


def until_refused(server: Server, session: str) -> tuple[list[str], ClientError]:
    """Queue prompts until the disk takes no more; give those that were accepted, and the refusal."""
    accepted: list[str] = []
    for number in range(MOST):
        try:
            accepted.append(server.api.prompt(session, f"say {number} {'x' * 4000}")["id"])
        except ClientError as error:
            return accepted, error
    raise AssertionError(f"{MOST} prompts were taken by a full disk")


def stands_still(server: Server, session: str) -> bool:
    """Say whether the runner's own log has no room either: at 25 tokens a second it else grows."""
    before = spoken(server.logged(session))
    time.sleep(1.0)  # what is looked for is that nothing happens
    return spoken(server.logged(session)) == before


def queued_in(events: list[Record]) -> list[str]:
    return [event["task_id"] for event in events if event["update"]["type"] == "task_queued"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_full_disk_is_said_read_on_and_recovered_from(make_server: Make) -> None:
    with small_disk(MEGABYTES) as disk:
        server = make_server(data_dir=str(disk / "data"))
        assert server.process is not None
        pid = server.process.pid
        streams = server.session(server.worktree("streams"), f"stream {TOKENS} tokens at 25/s")["id"]
        held = server.session(server.worktree("held"), "stream 100000 tokens at 1/s")["id"]
        for session in (streams, held):
            wait_until(lambda id=session: "tok" in server.api.session(id)["last_words"])
        filler = fill(disk)
        wait_until(lambda: stands_still(server, streams))

        accepted, refusal = until_refused(server, held)
        assert refusal.status == 507
        assert refusal.fields["title"] and refusal.detail and refusal.hint
        before = all_events(server, held)
        assert queued_in(before)[1:] == accepted, "what was accepted is there, and no more"
        assert server.api.session(held)["queue"] == accepted
        assert len(server.api.sessions()) == 2
        with pytest.raises(ClientError) as again:
            server.session(server.api.worktrees()[0], "x" * 40_000)
        assert again.value.status == 507

        filler.unlink()
        last = server.api.prompt(held, "after")["id"]
        assert (server.process.poll(), server.process.pid) == (None, pid)
        events = all_events(server, held)
        assert events[: len(before)] == before
        assert queued_in(events)[1:] == [*accepted, last]
        done = wait_until(lambda: ended(server, streams), 60)
        assert done["last_stop_reason"] == "end_turn", (done["error"], done["hint"])
        said = all_events(server, streams)
        assert words(said).split() == tokens(TOKENS)
        assert words(said) == spoken(server.logged(streams))
        for session in (streams, held):
            events = all_events(server, session)
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        server.kill()
        server.end()
        with closing(sqlite3.connect(disk / "data" / "agor.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
