"""An agent's call is made as its session's owner, with no more than an agent may, while the session lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents.base import ToolAnswer
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import all_grants, grants_of
from agor_jupyter.extension.tools_of_house import AGENTS_MAY, ENDED, AgentTools
from agor_jupyter.mcp import tools
from agor_jupyter.mcp.tools import Caller
from agor_jupyter.server.roles import KnownPeople
from agor_jupyter.service import repos, sessions, worktrees
from agor_jupyter.service.house import House
from agor_jupyter.service.requests import AddRepo, CreateSession, CreateWorktree
from agor_jupyter.testing.house import TestHouse, actor, open_house
from tests.making import make_repo

MONA = actor("mona")


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[TestHouse]:
    found = open_house(tmp_path)
    yield found
    await found.close()


@pytest.fixture
async def session(made: TestHouse, tmp_path: Path) -> Session:
    repo = await repos.add(made.house, MONA, AddRepo(path=str(make_repo(tmp_path / "root", "proj"))))
    tree = await worktrees.create(made.house, MONA, CreateWorktree(repo_id=repo.id, name="one"))
    return await sessions.create(made.house, MONA, CreateSession(worktree_id=tree.id, agent="demo"))


@pytest.fixture
def callers(monkeypatch: pytest.MonkeyPatch) -> list[Caller]:
    found: list[Caller] = []

    async def call(house: House, caller: Caller, name: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        found.append(caller)
        return ToolAnswer(text="")

    monkeypatch.setattr(tools, "call", call)
    return found


async def test_it_is_the_owners_with_what_an_agent_may(
    made: TestHouse, session: Session, callers: list[Caller]
) -> None:
    known = KnownPeople(seen={MONA.id: MONA.person}, grants={MONA.id: all_grants()})
    await AgentTools(lambda: made.house, known, named_users=True)(session.id, "c", "t", {})
    known.grants[MONA.id] = grants_of(("read",))
    await AgentTools(lambda: made.house, known, named_users=True)(session.id, "c", "t", {})
    full, reader = callers
    assert (full.actor.person, full.actor.via, full.session_id) == (MONA.person, "mcp", session.id)
    assert full.actor.grants == AGENTS_MAY
    assert reader.actor.grants == AGENTS_MAY & grants_of(("read",))


async def test_of_an_owner_who_was_not_here_nothing_is_allowed(
    made: TestHouse, session: Session, callers: list[Caller]
) -> None:
    await AgentTools(lambda: made.house, KnownPeople(), named_users=True)(session.id, "c", "t", {})
    assert (callers[0].actor.id, callers[0].actor.grants) == ("mona", frozenset())


async def test_an_archived_sessions_call_is_not_made(
    made: TestHouse, session: Session, callers: list[Caller]
) -> None:
    await made.work.update_session(session.id, by=MONA.id, archived=True)
    answer = await AgentTools(lambda: made.house, KnownPeople(), named_users=False)(session.id, "c", "t", {})
    assert (answer, callers) == (ENDED, [])
