"""The tool servers of one session: who sees what, what a switch keeps, and what the agent said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agor_jupyter.domain.errors import Conflict, Forbidden, ReadOnly, Unprocessable
from agor_jupyter.domain.events import AgentReady, Notice
from agor_jupyter.domain.ids import SessionId
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import mcp_servers, repos, session_servers, sessions, worktrees
from agor_jupyter.service.requests import (
    AddRepo,
    ChangeMcpServer,
    CreateMcpServer,
    CreateSession,
    CreateWorktree,
    SwitchMcpServer,
)
from agor_jupyter.testing.house import TestHouse, actor
from tests.making import make_repo

ANN, BOB, ADA = actor("ann"), actor("bob"), actor("ada", "admin")


async def begun(made: TestHouse, folder: Path, **more: object) -> Session:
    """Begin a session of ann's, who has `wide` everywhere and `near` in the repository."""
    repo = await repos.add(made.house, ANN, AddRepo(path=str(make_repo(folder))))
    for request in (
        CreateMcpServer(name="wide", command=("tools", "--stdio"), environment={"KEY": "${TOOLS_TOKEN}"}),
        CreateMcpServer(name="near", scope="repo", repo_id=repo.id, command=("near",)),
        CreateMcpServer(name="off", command=("off",), enabled=False),
    ):
        await mcp_servers.create(made.house, ANN, request)
    tree = await worktrees.create(made.house, ANN, CreateWorktree(repo_id=repo.id, name="one"))
    wish = CreateSession.model_validate({"worktree_id": tree.id, "agent": "keyed", **more})
    return await sessions.create(made.house, ANN, wish)


async def switch(made: TestHouse, session: Session, name: str, enabled: bool, by: Actor = ANN) -> None:
    await session_servers.switch(made.house, by, session.id, SwitchMcpServer(name=name, enabled=enabled))


async def passed(made: TestHouse, session: Session) -> dict[str, tuple[str, ...]]:
    """Give what an agent that starts now would get."""
    tree = await made.house.records.worktrees.get(session.worktree_id)
    assert tree is not None
    servers = await mcp_servers.of_session(made.house, session, tree.repo_id)
    return {server.name: server.command for server in servers}


async def test_each_is_listed_with_where_it_comes_from(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path)
    own = CreateMcpServer(name="mine", scope="session", session_id=session.id, command=("mine",))
    await mcp_servers.create(made.house, ANN, own)
    shown = await session_servers.show(made.house, ANN, session.id)
    assert {item.name: (item.scope, item.enabled) for item in shown.items} == {
        "wide": ("user", True),
        "near": ("repo", True),
        "off": ("user", False),
        "mine": ("session", True),
    }
    assert (shown.mine, shown.takes, shown.agent) == (True, True, "none")
    assert all(item.server is not None for item in shown.items)


@pytest.mark.parametrize("person", [BOB, ADA, ANN.model_copy(update={"via": "magic"})])
async def test_others_and_tokens_see_names_and_never_what_stands_in_them(
    made: TestHouse, tmp_path: Path, person: Actor
) -> None:
    session = await begun(made, tmp_path)
    shown = await session_servers.show(made.house, person, session.id)
    assert [item.name for item in shown.items] == ["wide", "off", "near"]
    assert shown.mine is False and all(item.server is None for item in shown.items)
    assert "TOOLS_TOKEN" not in shown.model_dump_json() and "--stdio" not in shown.model_dump_json()
    with pytest.raises(Forbidden):
        await switch(made, session, "wide", False, by=person)
    assert "wide" in await passed(made, session)


async def test_a_read_only_house_switches_nothing(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path)
    house = replace(made.house, read_only="Another server holds it.")
    with pytest.raises(ReadOnly):
        await session_servers.switch(house, ANN, session.id, SwitchMcpServer(name="wide", enabled=False))
    assert "wide" in await passed(made, session)


async def test_of_an_agent_that_is_not_here_any_more_it_is_said(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path)
    made.house.agents.drop("keyed")
    shown = await session_servers.show(made.house, ANN, session.id)
    assert (shown.takes, shown.note) == (False, "Its agent is not here any more.")


async def test_a_switch_is_for_this_session_and_follows_what_it_switches(
    made: TestHouse, tmp_path: Path
) -> None:
    session = await begun(made, tmp_path)
    other = await sessions.create(
        made.house, ANN, CreateSession(worktree_id=session.worktree_id, agent="keyed")
    )
    await switch(made, session, "wide", False)
    await switch(made, session, "off", True)
    assert set(await passed(made, session)) == {"near", "off"}
    assert set(await passed(made, other)) == {"wide", "near"}
    (off,) = [one for one in (await mcp_servers.browse(made.house, ANN)).items if one.command == ("off",)]
    await mcp_servers.change(made.house, ANN, off.id, ChangeMcpServer(command=("newer",)))
    assert (await passed(made, session))["off"] == ("newer",)
    await switch(made, session, "wide", True)
    await switch(made, session, "off", False)
    kept = (await mcp_servers.browse(made.house, ANN)).items
    assert [one for one in kept if one.scope == "session"] == []  # as it was: nothing is left behind


async def test_one_of_this_session_is_switched_itself_and_takes_a_switchs_place(
    made: TestHouse, tmp_path: Path
) -> None:
    session = await begun(made, tmp_path)
    await switch(made, session, "wide", False)
    own = CreateMcpServer(name="wide", scope="session", session_id=session.id, command=("mine",))
    await mcp_servers.create(made.house, ANN, own)
    assert (await passed(made, session))["wide"] == ("mine",)
    await switch(made, session, "wide", False)
    assert "wide" not in await passed(made, session)
    await switch(made, session, "wide", True)
    assert (await passed(made, session))["wide"] == ("mine",)
    with pytest.raises(Conflict):
        await mcp_servers.create(made.house, ANN, own)


async def test_what_is_gone_elsewhere_is_gone_here(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path, mcp_servers=("off",))
    assert set(await passed(made, session)) == {"off"}
    for server in (await mcp_servers.browse(made.house, ANN)).items:
        if server.scope == "user":
            await mcp_servers.delete(made.house, ANN, server.id)
    assert await passed(made, session) == {}
    with pytest.raises(Unprocessable, match="finds no server 'off'"):
        await switch(made, session, "off", True)


async def test_the_agents_own_word_is_shown_while_it_is_up(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path, prompt="go")
    await made.work.start(session.id)
    missing = Notice(level="warning", text="near could not be reached.", tool_servers=("near", "not-mine"))
    ready = AgentReady(native_ref="n", tool_servers={"wide": "", "near": ""})
    await made.work.hear(session.id, ready, missing)
    made.work.agents[session.id] = "idle"
    shown = {item.name: item for item in (await session_servers.show(made.house, ANN, session.id)).items}
    assert (shown["wide"].running, shown["wide"].trouble) == (True, "")
    assert (shown["near"].running, shown["near"].trouble) == (True, "near could not be reached.")
    assert shown["off"].running is False
    made.work.agents.clear()
    told = await session_servers.show(made.house, ANN, session.id)
    assert told.agent == "none" and not any(item.running or item.trouble for item in told.items)


async def test_the_owner_or_an_admin_lets_an_idle_agent_end(made: TestHouse, tmp_path: Path) -> None:
    session = await begun(made, tmp_path)
    made.work.agents[session.id] = "working"
    with pytest.raises(Conflict, match="under way"):
        await sessions.close_agent(made.house, ANN, session.id)
    made.work.agents[session.id] = "idle"
    with pytest.raises(Forbidden):
        await sessions.close_agent(made.house, BOB, session.id)
    await sessions.close_agent(made.house, ADA, session.id)
    assert made.work.agent_state(SessionId(session.id)) == "none"
