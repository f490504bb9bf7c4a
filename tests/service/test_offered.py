"""What a session's agent offers: shown with the session, left out of lists, remembered for the next one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agor_jupyter.agents.base import Capabilities, Probe
from agor_jupyter.domain.content import SlashCommand
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import agents, boards, repos, sessions, worktrees
from agor_jupyter.service.answers import AgentInfo
from agor_jupyter.service.requests import AddRepo, ChangeSession, CreateBoard, CreateSession, CreateWorktree
from agor_jupyter.testing.house import StandInKind, TestHouse, actor, open_house
from tests.making import make_repo

OSCAR, MONA = actor("oscar"), actor("mona")
ABLE = StandInKind(
    kind="able",
    capabilities=Capabilities(set_effort=True),
    found=Probe(installed=True, models=("auto",), efforts=("low", "high")),
)
DULL = StandInKind(kind="dull", found=Probe(installed=True, efforts=("low",)), capabilities=Capabilities())
COMPACT = SlashCommand(name="compact", description="Sum up.", hint="what to keep")
OFFERED = {
    "models": ("big", "small"),
    "model_labels": {"big": "Big 3"},
    "efforts": ("max",),
    "commands": (COMPACT,),
}


async def begun(made: TestHouse, folder: Path) -> Session:
    house = made.house
    repo = await repos.add(house, OSCAR, AddRepo(path=str(make_repo(folder))))
    board = await boards.create(house, OSCAR, CreateBoard(name="B"))
    wish = CreateWorktree(repo_id=repo.id, name="w", board_id=board.id, pos=(100, 100))
    tree = await worktrees.create(house, OSCAR, wish)
    return await sessions.create(house, OSCAR, CreateSession(worktree_id=tree.id, agent="able", title="T"))


@pytest.fixture
def made(tmp_path: Path) -> TestHouse:
    return open_house(tmp_path, kinds=(ABLE, DULL))


async def info(made: TestHouse, who: Actor, kind: str) -> AgentInfo:
    return next(item for item in (await agents.probe(made.house, who)).items if item.kind == kind)


async def test_it_is_shown_with_the_session_and_left_out_of_lists(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path / "repo")
    assert (session.models, session.commands) == ((), ())
    await made.work.be_ready(session.id, "native", **OFFERED)
    shown = await sessions.show(made.house, OSCAR, session.id)
    assert {name: getattr(shown, name) for name in OFFERED} == OFFERED
    (listed,) = (await sessions.browse(made.house, OSCAR)).items
    assert (listed.models, listed.model_labels, listed.commands) == ((), {}, ())
    assert listed == shown.outline()
    assert listed.efforts == ("max",)
    await made.close()


async def test_what_one_was_told_last_is_offered_for_the_next_session(
    made: TestHouse, tmp_path: Path
) -> None:
    first = await info(made, OSCAR, "able")
    assert (first.models, first.efforts) == (("auto",), ("low", "high")), "before any session"
    session = await begun(made, tmp_path / "repo")
    await made.work.be_ready(session.id, "native", **OFFERED)
    after = await info(made, OSCAR, "able")
    assert (after.models, after.model_labels) == (("big", "small", "auto"), {"big": "Big 3"})
    assert after.efforts == ("low", "high"), "those of one model are not all"
    await sessions.change(made.house, OSCAR, session.id, ChangeSession(archived=True))
    assert (await info(made, OSCAR, "able")).models == after.models, "put away, and not forgotten"
    other = await info(made, MONA, "able")
    assert (other.models, other.model_labels) == (("auto",), {}), "each person has an endpoint of their own"
    await made.close()


async def test_efforts_that_nobody_knows_before_are_remembered(tmp_path: Path) -> None:
    made = open_house(tmp_path, kinds=(replace(ABLE, found=Probe(installed=True)),))
    assert (await info(made, OSCAR, "able")).efforts == ()
    session = await begun(made, tmp_path / "repo")
    await made.work.be_ready(session.id, "native", **OFFERED)
    assert (await info(made, OSCAR, "able")).efforts == ("max",)
    await made.close()


async def test_a_kind_that_takes_no_effort_offers_none(made: TestHouse) -> None:
    assert (await info(made, OSCAR, "dull")).efforts == ()
    await made.close()


def test_older_logs_name_commands_alone() -> None:
    assert SlashCommand.model_validate("compact") == SlashCommand(name="compact")
    clipped = SlashCommand.told("/x", "a\n  b" + "c" * 300, "h" * 300)
    assert (clipped.name, clipped.description[:4], len(clipped.description)) == ("x", "a bc", 200)
    assert (clipped.hint[-2:], len(clipped.hint)) == ("h…", 80)
