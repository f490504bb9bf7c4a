"""A session as a script: for who may read it, without its owner's secrets, while the loop goes on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from agor_jupyter.agents.recording.recorder import Recorder, Recording
from agor_jupyter.domain.content import Checkpoint
from agor_jupyter.domain.errors import (
    Conflict,
    CredentialsSealed,
    Forbidden,
    NotFound,
    TimedOut,
    Unprocessable,
)
from agor_jupyter.domain.events import AgentMessageChunk, Draft
from agor_jupyter.domain.ids import MessageId
from agor_jupyter.domain.repo import Worktree
from agor_jupyter.domain.session import Session
from agor_jupyter.extension.own_secrets import secrets_of_server
from agor_jupyter.service import credentials, people, repos, scripts, sessions, worktrees
from agor_jupyter.service.requests import AddRepo, CreateSession, CreateWorktree, SetCredential
from agor_jupyter.testing.house import TestHouse, actor
from tests.making import make_repo

OSCAR, MONA, VERA = actor("oscar"), actor("mona"), actor("vera", "viewer")
KEY, WORD, TOKEN = "oscars-own-key-4711", "oscars-word-here", "the-servers-token-9"
START = Checkpoint(ref="refs/agor/x", sha="0" * 40, head_sha="1" * 40)


async def begun(made: TestHouse, folder: Path, prompt: str) -> tuple[Session, Worktree]:
    repo = await repos.add(made.house, OSCAR, AddRepo(path=str(make_repo(folder))))
    tree = await worktrees.create(made.house, OSCAR, CreateWorktree(repo_id=repo.id, name="w"))
    wish = CreateSession(worktree_id=tree.id, agent="keyed", title=f"With {KEY}", prompt=prompt)
    session = await sessions.create(made.house, OSCAR, wish)
    await made.work.start(session.id, START)
    return session, tree


async def say(made: TestHouse, session: Session, *texts: str) -> None:
    task = (await sessions.get(made.house, session.id)).current_task
    chunks = [AgentMessageChunk(message_id=MessageId("m"), text=text) for text in texts]
    drafts = [Draft(task_id=task, at_ms=made.house.clock(), update=chunk) for chunk in chunks]
    await made.store.log.append(session.id, drafts)


async def test_whoever_may_read_gets_it_without_the_owners_secrets(made: TestHouse, tmp_path: Path) -> None:
    house = replace(made.house, secrets=(TOKEN,))
    request = SetCredential.model_validate({"name": "KEYED_API_KEY", "value": KEY})
    await credentials.set_one(house, OSCAR, request)
    await people.change_settings(house, OSCAR, {"environment.keyed": f"MY_WORD={WORD}"})
    session, tree = await begun(made, tmp_path, f"Take {KEY} in {tree_of(tmp_path)}")
    await say(made, session, f"{WORD} {TOKEN} {KEY[:9]}", f"{KEY[9:]} {tree.path}/a.txt {Path.home()}/b")
    for person in (OSCAR, MONA, VERA):
        made_of = await scripts.make(house, person, session.id)
        text = made_of.model_dump_json()
        assert not [secret for secret in (KEY, WORD, TOKEN, tree.path, str(Path.home())) if secret in text]
        step = yaml.safe_load(made_of.script)["turns"][0]["steps"][0]
        assert step["say"].split()[3:] == ["a.txt", "~/b"]
        counted = {item.what: item.count for item in made_of.removed}
        assert counted["credential"] == 3 and counted["variable"] == counted["secret of this server"] == 1
        assert made_of.name == "with.demo.yml"
    stranger = OSCAR.model_copy(update={"grants": frozenset()})
    with pytest.raises(Forbidden):
        await scripts.make(house, stranger, session.id)
    with pytest.raises(NotFound):
        await scripts.make(house, OSCAR, "ses_none")


def tree_of(folder: Path) -> str:
    return str(folder / "root" / "agor" / "worktrees")


async def test_folders_are_named_by_what_they_are(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "real")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    session, tree = await begun(made, tmp_path, "Go")
    repo = await made.house.records.repos.get(tree.repo_id)
    assert repo is not None
    await say(
        made, session, f"{repo.path}/a {tmp_path}/home/b {tmp_path}/real/c {made.house.paths.data_dir}/d"
    )
    script = yaml.safe_load((await scripts.make(made.house, OSCAR, session.id)).script)
    assert script["turns"][0]["steps"][0]["say"] == "[repository]/a ~/b ~/c [data]/d"


async def test_the_owners_variables_of_every_agent_are_taken_out(made: TestHouse, tmp_path: Path) -> None:
    await people.change_settings(made.house, OSCAR, {"environment.demo": f"MY_WORD={WORD}"})
    session, _ = await begun(made, tmp_path, f"Say {WORD}")
    assert session.agent == "keyed"
    assert WORD not in (await scripts.make(made.house, OSCAR, session.id)).script


async def test_what_is_said_meanwhile_is_not_waited_for(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    await say(made, session, "before ")
    then = await sessions.get(made.house, session.id)

    async def as_it_was(*_: object) -> Session:
        return then

    await say(made, session, "meanwhile")
    monkeypatch.setattr(scripts.sessions, "get", as_it_was)
    script = (await scripts.make(made.house, OSCAR, session.id)).script
    assert "before" in script and "meanwhile" not in script


async def test_it_writes_nothing(made: TestHouse, tmp_path: Path) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    before = (await sessions.get(made.house, session.id), await made.house.log.read_workspace())
    files = sorted(tmp_path.rglob("*"))
    await scripts.make(made.house, VERA, session.id)
    assert (await sessions.get(made.house, session.id), await made.house.log.read_workspace()) == before
    assert sorted(tmp_path.rglob("*")) == files


async def test_nothing_is_told_while_the_secrets_cannot_be_known(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await begun(made, tmp_path, "Go")

    async def sealed(*_: object) -> dict[str, str]:
        raise CredentialsSealed("Their key is gone.")

    monkeypatch.setattr(made.house.records.vault, "unseal", sealed)
    with pytest.raises(CredentialsSealed):
        await scripts.make(made.house, OSCAR, session.id)


async def test_a_session_without_a_turn_is_refused(made: TestHouse, tmp_path: Path) -> None:
    session, tree = await begun(made, tmp_path, "Go")
    other = await sessions.create(made.house, OSCAR, CreateSession(worktree_id=tree.id, agent="keyed"))
    with pytest.raises(Unprocessable, match="Nothing was done"):
        await scripts.make(made.house, OSCAR, other.id)
    assert session.id != other.id


async def test_a_long_session_does_not_hold_up_the_loop(made: TestHouse, tmp_path: Path) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    for _ in range(20):
        await say(made, session, *("some words that are said " * 8 for _ in range(1000)))
    lags: list[float] = []

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun_at = loop.time()
            await asyncio.sleep(0.01)
            lags.append(loop.time() - begun_at - 0.01)

    ticking = asyncio.create_task(tick())
    made_of = await scripts.make(made.house, OSCAR, session.id)
    ticking.cancel()
    assert made_of.script.count("some words") == 160_000
    # In one piece on the loop it would be the whole time, seconds; a thread gives way every few milliseconds.
    assert len(lags) > 10 and sorted(lags)[len(lags) // 2] < 0.25


def test_the_servers_own_secrets_are_found() -> None:
    class Provider:
        token = TOKEN

    environment = {
        "PATH": "/usr/bin:/Zx81Zx81Zx81Zx81Zx81Zx81Zx81Zx81Zx81",
        "HOME": "/home/ann",
        "JUPYTER_TOKEN": "jupyters-own-token",
        "OPENAI_API_KEY": "sk-test-0123456789abcdef",
        "EDITOR": "vi",
        "SHORT_TOKEN": "abc",
    }
    found = secrets_of_server(environment, [{"MY_SECRET": "a-secret-of-mine"}], Provider())
    assert set(found) == {"jupyters-own-token", "sk-test-0123456789abcdef", "a-secret-of-mine", TOKEN}
    assert secrets_of_server({}, [], object()) == ()
    Provider.token = "letmein"
    assert secrets_of_server({}, [], Provider()) == (), "it would be taken out of every other word"
    assert json.dumps(found)


NAME = "with-oscars-own-key-4711.demo.yml"  # no credential here: it is nobody's


class Held:
    """Holds scripts in their threads until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self._go, plain = 0, threading.Event(), Recorder.write

        def write(recorder: Recorder, check: Callable[[], None]) -> Recording:
            self.begun += 1
            assert self._go.wait(60)
            return plain(recorder, check)

        monkeypatch.setattr(Recorder, "write", write)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.begun < count:
                await asyncio.sleep(0.01)

    def let_go(self) -> None:
        self._go.set()


async def test_one_is_written_for_a_person_and_few_for_the_house(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    held = Held(monkeypatch)
    first = [asyncio.create_task(scripts.make(made.house, who, session.id)) for who in (OSCAR, MONA)]
    try:
        await held.until(2)
        for who in (OSCAR, VERA):
            with pytest.raises(Conflict) as refused:
                await scripts.make(made.house, who, session.id)
            assert "Wait" in refused.value.hint
    finally:
        held.let_go()
    assert [(await one).name for one in first] == [NAME] * 2
    assert (await scripts.make(made.house, VERA, session.id)).name == NAME


async def test_who_goes_away_keeps_their_place_until_the_thread_has_ended(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    held = Held(monkeypatch)
    first = asyncio.create_task(scripts.make(made.house, VERA, session.id))
    await held.until(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(Conflict):
        await scripts.make(made.house, VERA, session.id)
    held.let_go()
    async with asyncio.timeout(60):
        while made.house.saving:
            await asyncio.sleep(0.01)
    assert (await scripts.make(made.house, VERA, session.id)).name == NAME


async def test_it_takes_no_longer_than_a_bound(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = await begun(made, tmp_path, "Go")
    monkeypatch.setattr(scripts, "MOST_SECONDS", -1.0)
    with pytest.raises(TimedOut):
        await scripts.make(made.house, VERA, session.id)
    assert not made.house.saving
