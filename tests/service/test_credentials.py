"""A person's own credentials and MCP servers: set by them alone, used for their sessions alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agor_jupyter.agents import registry
from agor_jupyter.agents.base import credentials_of
from agor_jupyter.domain.errors import (
    AgorError,
    Conflict,
    CredentialsSealed,
    Forbidden,
    InvalidName,
    InvalidRequest,
    NotFound,
    ReadOnly,
    Unprocessable,
    UnsupportedByAgent,
)
from agor_jupyter.domain.session import Session
from agor_jupyter.domain.user import Actor
from agor_jupyter.service import agents, credentials, mcp_servers, repos, sessions, worktrees
from agor_jupyter.service.catalogue import Catalogue, with_own
from agor_jupyter.service.requests import (
    AddRepo,
    ChangeMcpServer,
    CreateMcpServer,
    CreateSession,
    CreateWorktree,
    SetCredential,
)
from agor_jupyter.testing.house import KEYED, StandInKind, TestHouse, actor, open_house
from tests.making import make_repo

OSCAR, MONA, VERA, ADA = actor("oscar"), actor("mona"), actor("vera", "viewer"), actor("ada", "admin")
KERNEL = OSCAR.model_copy(update={"via": "magic"})


async def put(made: TestHouse, who: Actor, name: str, value: str) -> None:
    await credentials.set_one(made.house, who, SetCredential(name=name, value=SecretStr(value)))


async def add(made: TestHouse, who: Actor, name: str, **more: Any) -> str:
    given = {"command": ("tools",), **more} if more.get("transport") != "http" else more
    return (await mcp_servers.create(made.house, who, CreateMcpServer(name=name, **given))).id


async def session_of(made: TestHouse, folder: Path, who: Actor = OSCAR, **more: Any) -> Session:
    known = (await made.house.records.repos.list()).items
    repo = known[0] if known else await repos.add(made.house, who, AddRepo(path=str(make_repo(folder))))
    trees = (await made.house.records.worktrees.list()).items
    tree = (
        trees[0]
        if trees
        else await worktrees.create(made.house, who, CreateWorktree(repo_id=repo.id, name="w"))
    )
    return await sessions.create(made.house, who, CreateSession(worktree_id=tree.id, agent="keyed", **more))


async def servers_of(made: TestHouse, session: Session) -> list[str]:
    tree = await made.house.records.worktrees.get(session.worktree_id)
    assert tree is not None
    return [server.name for server in await mcp_servers.of_session(made.house, session, tree.repo_id)]


async def test_they_are_listed_by_name_with_who_uses_them(made: TestHouse) -> None:
    await put(made, OSCAR, "KEYED_API_KEY", "  first-value\n")
    await add(made, OSCAR, "tools", environment={"T": "${TEAM_TOKEN}"})
    listed = {item.name: item for item in (await credentials.browse(made.house, OSCAR)).items}
    assert list(listed) == ["KEYED_API_KEY", "KEYED_TOKEN", "TEAM_TOKEN"]
    assert listed["KEYED_API_KEY"].set_ms is not None and listed["KEYED_API_KEY"].agents == ("keyed",)
    assert listed["TEAM_TOKEN"].set_ms is None and listed["TEAM_TOKEN"].servers == ("tools",)
    assert "first-value" not in str(listed)
    theirs = {item.name: item.set_ms for item in (await credentials.browse(made.house, MONA)).items}
    assert theirs == {"KEYED_API_KEY": None, "KEYED_TOKEN": None}
    own = await credentials.for_session(made.house, OSCAR.id, KEYED, ())
    assert own == {"KEYED_API_KEY": "first-value"}, "a line's end that was pasted with it is not part of it"
    await credentials.remove(made.house, OSCAR, "KEYED_API_KEY")
    assert await credentials.for_session(made.house, OSCAR.id, KEYED, ()) == {}


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("KEYED_API_KEY", "   ", InvalidRequest),
        ("no-name", "x", InvalidRequest),
        ("UNUSED_KEY", "x", Unprocessable),
        ("PATH", "x", Unprocessable),
        ("LD_PRELOAD", "x", Unprocessable),
        ("AGOR_TOKEN", "x", Unprocessable),
        ("JUPYTERHUB_API_TOKEN", "x", Unprocessable),
    ],
)
async def test_what_cannot_be_one_is_refused(
    made: TestHouse, name: str, value: str, error: type[AgorError]
) -> None:
    await add(made, OSCAR, "tools", environment={"A": f"${{{name}}}"} if name == "PATH" else {})
    with pytest.raises(error):
        await put(made, OSCAR, name, value)


async def test_who_may(made: TestHouse) -> None:
    server_id = await add(made, OSCAR, "tools")
    wish = CreateMcpServer(name="more", command=("x",))
    for who in (VERA, KERNEL):
        with pytest.raises(Forbidden):
            await put(made, who, "KEYED_API_KEY", "x")
        with pytest.raises(Forbidden):
            await credentials.remove(made.house, who, "KEYED_API_KEY")
        with pytest.raises(Forbidden):
            await mcp_servers.create(made.house, who, wish)
        with pytest.raises(Forbidden):
            await mcp_servers.change(made.house, who, server_id, ChangeMcpServer(enabled=False))
        with pytest.raises(Forbidden):
            await mcp_servers.delete(made.house, who, server_id)
    with pytest.raises(Forbidden):
        await credentials.browse(made.house, KERNEL)
    with pytest.raises(Forbidden):
        await mcp_servers.browse(made.house, KERNEL)
    with pytest.raises(Forbidden):
        await mcp_servers.show(made.house, KERNEL, server_id)
    for other in (MONA, ADA):  # nobody's but oscar's: an admin's no more than another's
        assert (await mcp_servers.browse(made.house, other)).items == ()
        with pytest.raises(NotFound):
            await mcp_servers.show(made.house, other, server_id)
        with pytest.raises(NotFound):
            await mcp_servers.change(made.house, other, server_id, ChangeMcpServer(enabled=False))
        with pytest.raises(NotFound):
            await mcp_servers.delete(made.house, other, server_id)
    assert (await mcp_servers.show(made.house, OSCAR, server_id)).enabled


async def test_a_read_only_house_takes_none(tmp_path: Path) -> None:
    made = open_house(tmp_path, read_only="Another server holds it.")
    with pytest.raises(ReadOnly):
        await put(made, OSCAR, "KEYED_API_KEY", "x")
    with pytest.raises(ReadOnly):
        await credentials.remove(made.house, OSCAR, "KEYED_API_KEY")
    with pytest.raises(ReadOnly):
        await mcp_servers.create(made.house, OSCAR, CreateMcpServer(name="a", command=("x",)))
    await made.close()


async def test_each_is_told_whether_they_are_logged_in(made: TestHouse) -> None:
    async def logged_in(who: Actor) -> bool | None:
        listed = await agents.probe(made.house, who)
        return next(item.authenticated for item in listed.items if item.kind == "keyed")

    assert await logged_in(OSCAR) is False
    await put(made, OSCAR, "KEYED_TOKEN", "mine")
    assert await logged_in(OSCAR) is True, "at once, though the answer before is kept for 30 s"
    assert await logged_in(MONA) is False
    await credentials.remove(made.house, OSCAR, "KEYED_TOKEN")
    assert await logged_in(OSCAR) is False


async def test_a_key_that_is_lost_is_a_hint_and_no_failure(
    made: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sealed(*_: object) -> dict[str, str]:
        raise CredentialsSealed("The key is gone.", hint="Restore it.")

    monkeypatch.setattr(made.house.records.vault, "unseal", sealed)
    listed = {item.kind: item for item in (await agents.probe(made.house, OSCAR)).items}
    assert listed["keyed"].authenticated is False
    assert listed["keyed"].hint == "The key is gone. Restore it."


def test_ones_own_take_the_place_of_all_that_the_machine_has() -> None:
    """An agent that knows several might else take the machine's."""
    machine = {"PATH": "/bin", "KEYED_API_KEY": "machine", "KEYED_TOKEN": "machine"}
    assert with_own(KEYED, machine, {}) == machine
    assert with_own(KEYED, machine, {"KEYED_TOKEN": "own"}) == {"PATH": "/bin", "KEYED_TOKEN": "own"}
    assert with_own(KEYED, machine, {"TEAM": "t"}) == {**machine, "TEAM": "t"}
    assert with_own(StandInKind(), machine, {}) == machine


def test_every_kinds_credentials_are_variables_that_it_sees() -> None:
    for name in registry.BUILT_IN:
        kind = registry.get(name)
        assert set(credentials_of(kind)) <= set(kind.variables), name
    takers = {name for name in registry.BUILT_IN if credentials_of(registry.get(name))}
    assert takers == {"claude", "codex", "gemini", "gemini_api", "openai"}


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"name": "agor", "command": ("x",)}, InvalidName),
        ({"name": "a"}, Unprocessable),
        ({"name": "a", "command": (" ",)}, Unprocessable),
        ({"name": "a", "command": ("x",), "url": "https://x"}, Unprocessable),
        ({"name": "a", "command": ("x",), "headers": {"A": "b"}}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "file:///etc/passwd"}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "https://"}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "https://me:pw@host/"}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "https://[x"}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "https://x", "command": ("x",)}, Unprocessable),
        ({"name": "a", "transport": "http", "url": "https://x", "headers": {"A b": "c"}}, Unprocessable),
        (
            {"name": "a", "transport": "http", "url": "https://x", "headers": {"A": "b\r\nC: d"}},
            Unprocessable,
        ),
        ({"name": "a", "command": ("x",), "environment": {"A=B": "c"}}, Unprocessable),
        ({"name": "a", "command": ("x",), "environment": {"AGOR_SESSION": "c"}}, Unprocessable),
        ({"name": "a", "command": ("x",), "environment": {"agor_session": "c"}}, Unprocessable),
        ({"name": "a", "command": ("x", "--key=sk-ant-REDACTED")}, Unprocessable),
        ({"name": "a", "command": ("x",), "environment": {"API_KEY": "0123456789"}}, Unprocessable),
        ({"name": "a", "command": ("x",), "scope": "repo"}, Unprocessable),
        ({"name": "a", "command": ("x",), "repo_id": "repo_1"}, Unprocessable),
        ({"name": "a", "command": ("x",), "scope": "repo", "repo_id": "repo_1"}, NotFound),
        ({"name": "a", "command": ("x",), "scope": "session", "session_id": "ses_1"}, NotFound),
    ],
)
async def test_a_server_that_makes_no_sense_is_refused(
    made: TestHouse, wish: dict[str, Any], error: type[AgorError]
) -> None:
    with pytest.raises(error):
        await mcp_servers.create(made.house, OSCAR, CreateMcpServer(**wish))
    assert await made.house.records.own_servers.of(OSCAR.id) == ()


async def test_a_literal_secret_is_refused_with_what_to_write(made: TestHouse) -> None:
    wish = {"transport": "http", "url": "https://x", "headers": {"Authorization": "Bearer abcdef0123456789"}}
    with pytest.raises(Unprocessable) as refused:
        await add(made, OSCAR, "a", **wish)
    assert "${NAME}" in refused.value.hint and "abcdef" not in str(refused.value.problem())
    await add(made, OSCAR, "a", **{**wish, "headers": {"Authorization": "Bearer ${A_TOKEN}"}})
    server = (await mcp_servers.browse(made.house, OSCAR)).items[0]
    with pytest.raises(Unprocessable):
        await mcp_servers.change(made.house, OSCAR, server.id, ChangeMcpServer(headers=wish["headers"]))
    await put(made, OSCAR, "A_TOKEN", "abcdef0123456789")


async def test_names_clash_only_in_one_place(made: TestHouse, tmp_path: Path) -> None:
    session = await session_of(made, tmp_path)
    first = await add(made, OSCAR, "tools")
    other = await add(made, OSCAR, "other")
    await add(made, MONA, "tools")
    await add(made, OSCAR, "tools", scope="session", session_id=session.id)
    with pytest.raises(Conflict) as refused:
        await add(made, OSCAR, "tools")
    assert refused.value.fields["id"] == first
    with pytest.raises(Conflict):
        await mcp_servers.change(made.house, OSCAR, other, ChangeMcpServer(name="tools"))
    with pytest.raises(Forbidden):
        await add(made, MONA, "mine", scope="session", session_id=session.id)


async def test_a_session_gets_its_owners_servers(made: TestHouse, tmp_path: Path) -> None:
    session = await session_of(made, tmp_path)
    tree = await made.house.records.worktrees.get(session.worktree_id)
    assert tree is not None
    await add(made, OSCAR, "everywhere")
    off = await add(made, OSCAR, "off")
    await add(made, OSCAR, "here", scope="repo", repo_id=tree.repo_id)
    await add(made, MONA, "monas")
    await mcp_servers.change(made.house, OSCAR, off, ChangeMcpServer(enabled=False))
    assert await servers_of(made, session) == ["everywhere", "here"]
    passed = mcp_servers.as_passed(await mcp_servers.of_session(made.house, session, tree.repo_id))
    assert [(one.name, one.command) for one in passed] == [("everywhere", ("tools",)), ("here", ("tools",))]


async def test_a_session_is_begun_with_chosen_servers(made: TestHouse, tmp_path: Path) -> None:
    before = await session_of(made, tmp_path)
    await add(made, OSCAR, "one")
    two = await add(made, OSCAR, "two")
    await mcp_servers.change(made.house, OSCAR, two, ChangeMcpServer(enabled=False))
    session = await session_of(made, tmp_path, mcp_servers=("two",), effort="high")
    assert await servers_of(made, session) == ["two"]
    assert session.effort == "high"
    assert await servers_of(made, before) == ["one"], "of this session alone"
    assert await servers_of(made, await session_of(made, tmp_path, mcp_servers=())) == []
    with pytest.raises(Unprocessable):
        await session_of(made, tmp_path, mcp_servers=("three",))


async def test_an_effort_is_refused_where_the_agent_takes_none(made: TestHouse, tmp_path: Path) -> None:
    session = await session_of(made, tmp_path)
    wish = CreateSession(worktree_id=session.worktree_id, agent="fixed", mode="ask", effort="high")
    with pytest.raises(UnsupportedByAgent):
        await sessions.create(made.house, OSCAR, wish)


async def test_a_session_is_handed_what_it_needs_and_no_more(made: TestHouse) -> None:
    await add(made, OSCAR, "tools", environment={"T": "${TEAM_TOKEN}"})
    await add(made, OSCAR, "other", environment={"T": "${OTHER_TOKEN}"})
    for name in ("KEYED_API_KEY", "TEAM_TOKEN", "OTHER_TOKEN"):
        await put(made, OSCAR, name, f"oscars-{name}")
    await put(made, MONA, "KEYED_TOKEN", "monas")
    tools = (await mcp_servers.browse(made.house, OSCAR)).items[0]
    assert await credentials.for_session(made.house, OSCAR.id, KEYED, [tools]) == {
        "KEYED_API_KEY": "oscars-KEYED_API_KEY",
        "TEAM_TOKEN": "oscars-TEAM_TOKEN",
    }
    assert await credentials.for_session(made.house, OSCAR.id, StandInKind(), ()) == {}
    assert await credentials.for_session(made.house, MONA.id, KEYED, ()) == {"KEYED_TOKEN": "monas"}


async def test_no_server_is_sent_the_machines_key(made: TestHouse) -> None:
    """What an agent finds in the server's environment is its own, and no server's of a person."""
    await add(made, OSCAR, "mine", environment={"T": "${KEYED_API_KEY}"})
    server = (await mcp_servers.browse(made.house, OSCAR)).items[0]
    with pytest.raises(Conflict) as refused:
        await credentials.for_session(made.house, OSCAR.id, KEYED, [server])
    assert "KEYED_API_KEY" in refused.value.detail
    await put(made, OSCAR, "KEYED_API_KEY", "own")
    assert await credentials.for_session(made.house, OSCAR.id, KEYED, [server]) == {"KEYED_API_KEY": "own"}


SENDER = StandInKind(kind="sender", variables=("SENDER_BASE_URL", "SENDER_HEADERS"))


async def test_what_could_send_the_machines_login_elsewhere_is_nobodys_to_set(tmp_path: Path) -> None:
    """A base URL of one's own beside the machine's key; and what the machine has is told to no server."""
    opened = open_house(tmp_path, kinds=(SENDER,))
    try:
        await add(opened, OSCAR, "mine", environment={"A": "${SENDER_BASE_URL}", "H": "${HOME}"})
        with pytest.raises(Unprocessable, match="SENDER_BASE_URL"):
            await put(opened, OSCAR, "SENDER_BASE_URL", "http://elsewhere.example")
        server = (await mcp_servers.browse(opened.house, OSCAR)).items[0]
        with pytest.raises(Conflict, match="refers to SENDER_BASE_URL"):
            await credentials.for_session(opened.house, OSCAR.id, SENDER, [server])
        harmless = server.model_copy(update={"environment": {"H": "${HOME}", "T": "${MY_OWN}"}})
        assert await credentials.for_session(opened.house, OSCAR.id, SENDER, [harmless]) == {}
    finally:
        await opened.close()


async def test_what_who_runs_the_server_sets_is_told_to_no_server(made: TestHouse) -> None:
    house = made.house
    seeing = Catalogue({"keyed": KEYED}, {"GATEWAY_WORD": "machines"}, house.clock)
    made = replace(made, house=replace(house, agents=seeing))
    await add(made, OSCAR, "mine", transport="http", url="https://x", headers={"X-Word": "${GATEWAY_WORD}"})
    server = (await mcp_servers.browse(made.house, OSCAR)).items[0]
    with pytest.raises(Unprocessable):
        await put(made, OSCAR, "GATEWAY_WORD", "own")
    with pytest.raises(Conflict, match="refers to GATEWAY_WORD"):
        await credentials.for_session(made.house, OSCAR.id, KEYED, [server])


async def test_a_token_switches_on_no_server(made: TestHouse, tmp_path: Path) -> None:
    server_id = await add(made, OSCAR, "prod")
    await mcp_servers.change(made.house, OSCAR, server_id, ChangeMcpServer(enabled=False))
    with pytest.raises(Forbidden, match="prod is switched off"):
        await session_of(made, tmp_path, KERNEL, mcp_servers=("prod",))
    assert (await sessions.browse(made.house, OSCAR)).items == (), "refused before anything is made"
    await mcp_servers.change(made.house, OSCAR, server_id, ChangeMcpServer(enabled=True))
    assert await servers_of(made, await session_of(made, tmp_path, KERNEL, mcp_servers=())) == []


async def test_many_sessions_keep_nobody_from_switching_a_server_off(
    made: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_servers, "MOST", 3)
    ids = [await add(made, OSCAR, f"s{number}") for number in range(3)]
    for _ in range(2):
        await session_of(made, tmp_path, mcp_servers=())
    assert not (await mcp_servers.change(made.house, OSCAR, ids[0], ChangeMcpServer(enabled=False))).enabled
    with pytest.raises(Conflict, match="3 MCP servers already"):
        await add(made, OSCAR, "one-more")
    session = await session_of(made, tmp_path)
    wish = CreateMcpServer(name="own", scope="session", session_id=session.id, command=("own",))
    assert (await mcp_servers.create(made.house, OSCAR, wish)).session_id == session.id


async def test_a_person_keeps_only_so_many_and_may_change_each(
    made: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await add(made, OSCAR, name) for name in ("one", "two")]
    monkeypatch.setattr(credentials, "MOST", 1)
    monkeypatch.setattr(mcp_servers, "MOST", 1)
    await put(made, OSCAR, "KEYED_API_KEY", "one")
    await put(made, OSCAR, "KEYED_API_KEY", "two")
    with pytest.raises(Conflict, match="1 credentials already"):
        await put(made, OSCAR, "KEYED_TOKEN", "x")
    assert not (await mcp_servers.change(made.house, OSCAR, ids[0], ChangeMcpServer(enabled=False))).enabled
    await put(made, MONA, "KEYED_TOKEN", "x")
    await add(made, MONA, "tools")


async def test_what_nothing_uses_any_more_is_listed_to_be_removed(made: TestHouse) -> None:
    server_id = await add(made, OSCAR, "tools", environment={"T": "${TEAM_TOKEN}"})
    await put(made, OSCAR, "TEAM_TOKEN", "x")
    await mcp_servers.delete(made.house, OSCAR, server_id)
    assert "TEAM_TOKEN" in {item.name for item in (await credentials.browse(made.house, OSCAR)).items}


async def test_a_server_asked_for_again_is_the_one_that_was_made(made: TestHouse) -> None:
    house = replace(made.house, new_id=lambda prefix: f"{prefix}_0000000000000001")
    wish = CreateMcpServer(name="tools", command=("tools",))
    first = await mcp_servers.create(house, OSCAR, wish)
    await mcp_servers.change(house, OSCAR, first.id, ChangeMcpServer(enabled=False))
    assert not (await mcp_servers.create(house, OSCAR, wish)).enabled, "what was changed since stays"
