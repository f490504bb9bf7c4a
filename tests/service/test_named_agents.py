"""Agents by command line: an admin's to name, kept in the records, each a kind of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agor_jupyter.agents import named, registry
from agor_jupyter.agents.base import credentials_of
from agor_jupyter.domain.errors import AgentUnavailable, Conflict, Forbidden, NotFound, Unprocessable
from agor_jupyter.domain.user import LOCAL_USER, Actor
from agor_jupyter.service import agents, events, named_agents, repos, sessions, tasks, worktrees
from agor_jupyter.service.catalogue import Catalogue
from agor_jupyter.service.house import House
from agor_jupyter.service.requests import (
    AddNamedAgent,
    AddRepo,
    ChangeNamedAgent,
    CreateSession,
    CreateWorktree,
    SendPrompt,
)
from agor_jupyter.testing.house import TestHouse, actor
from tests.making import make_repo

ADA, MONA, VERA = actor("ada", "admin"), actor("mona"), actor("vera", "viewer")


def wish(name: str = "mine", **more: Any) -> AddNamedAgent:
    fields = {"name": name, "label": name.title(), "command": (sys.executable, "--acp"), **more}
    return AddNamedAgent.model_validate(fields)


async def listed(house: House, who: Actor = MONA) -> dict[str, Any]:
    return {item.kind: item for item in (await agents.probe(house, who)).items}


def restarted(house: House) -> House:
    """Give the house as the next server finds it: the same records, nothing in memory."""
    return replace(house, agents=Catalogue({}, {}, house.clock), named_agents={})


async def test_each_is_a_kind_of_its_own_and_survives_the_server(made: TestHouse) -> None:
    await named_agents.create(made.house, ADA, wish("one"))
    await named_agents.create(made.house, ADA, wish("two", command=("no-such-program-here", "acp")))
    found = await listed(made.house)
    assert (found["acp.one"].title, found["acp.one"].named) == ("One", "panel")
    assert found["acp.one"].installed and not found["acp.two"].installed
    assert "no-such-program-here" in found["acp.two"].hint and "Install" in found["acp.two"].hint
    assert found["demo"].named is None
    later = restarted(made.house)
    assert await named_agents.load(later, {}) == []
    assert set(await listed(later)) == {"acp.one", "acp.two"}
    assert (named_agents.options_of(later, "acp.one") or {})["command"] == [sys.executable, "--acp"]


@pytest.mark.parametrize("who", [MONA, VERA, ADA.model_copy(update={"via": "magic"})])
async def test_nobody_but_an_admin_at_the_panel_names_what_the_server_runs(
    made: TestHouse, who: Actor
) -> None:
    await named_agents.create(made.house, ADA, wish("one"))
    with pytest.raises(Forbidden):
        await named_agents.create(made.house, who, wish("two"))
    with pytest.raises(Forbidden):
        await named_agents.change(made.house, who, "one", ChangeNamedAgent(command=("evil",)))
    with pytest.raises(Forbidden):
        await named_agents.remove(made.house, who, "one")
    assert set(made.house.named_agents) == {"acp.one"}
    assert made.house.named_agents["acp.one"].command == (sys.executable, "--acp")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"command": (" ",)}, "no command"),
        ({"environment": {"AGOR_TOKEN": "x"}}, "cannot be set"),
        ({"environment": {"MY_TOKEN": "abcdefgh0123456789"}}, "looks like a secret"),
        ({"command": ("x", "--key=sk-ant-api03-abcdefghijklmnop")}, "looks like a secret"),
        ({"credentials": ("PATH",)}, "cannot be a credential"),
        ({"label": "a\nb"}, "cannot be shown .label"),
        ({"label": "\u202edne"}, "cannot be shown .label"),
        ({"modes": {"ask": "\x1b[2J"}}, "cannot be shown .ask"),
        ({"login": "a\rb"}, "cannot be shown .login"),
        ({"command": ("x", "a\0b")}, "NUL"),
    ],
)
async def test_what_could_not_work_or_holds_a_secret_is_refused(
    made: TestHouse, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unprocessable, match=said):
        await named_agents.create(made.house, ADA, wish(**given))
    assert made.house.named_agents == {}


async def test_secrets_are_named_and_each_person_sets_their_own(made: TestHouse) -> None:
    await named_agents.create(
        made.house, ADA, wish(environment={"KEY": "Bearer ${MY_KEY}"}, credentials=("OTHER_KEY",))
    )
    assert credentials_of(made.house.agents.kind("acp.mine")) == ("OTHER_KEY", "MY_KEY")


async def test_a_name_is_there_once_and_a_retry_is_no_second(made: TestHouse) -> None:
    first = await named_agents.create(made.house, ADA, wish())
    assert await named_agents.create(made.house, ADA, wish()) == first
    with pytest.raises(Conflict):
        await named_agents.create(made.house, ADA, wish(label="Another"))
    with pytest.raises(NotFound):
        await named_agents.change(made.house, ADA, "none", ChangeNamedAgent(label="x"))
    changed = await named_agents.change(made.house, ADA, "mine", ChangeNamedAgent(label="Mine, mended"))
    assert changed.command == first.command
    assert (await listed(made.house))["acp.mine"].title == "Mine, mended"


async def test_there_are_only_so_many_and_each_may_be_changed(
    made: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_agents, "MOST", 1)
    await named_agents.create(made.house, ADA, wish("one"))
    with pytest.raises(Conflict, match="1 such agents already"):
        await named_agents.create(made.house, ADA, wish("two"))
    assert set(made.house.named_agents) == {"acp.one"}
    await named_agents.change(made.house, ADA, "one", ChangeNamedAgent(label="Mended"))


async def test_those_of_the_setting_are_not_the_panels_to_change(made: TestHouse) -> None:
    await named_agents.create(made.house, ADA, wish("kept", label="Of the panel"))
    later = restarted(made.house)
    settings = {
        "kept": {"label": "Of the setting", "command": ["x"]},
        "Bad Name": {"command": ["x"]},
        "empty": {},
        "typo": {"command": ["x"], "comand": ["y"]},
    }
    wrong = await named_agents.load(later, settings)
    assert len(wrong) == 3 and all(line.startswith("acp_agents: ") for line in wrong)
    assert later.named_agents["acp.kept"].label == "Of the setting"
    for attempt in (
        named_agents.change(later, ADA, "kept", ChangeNamedAgent(label="x")),
        named_agents.remove(later, ADA, "kept"),
    ):
        with pytest.raises(Conflict, match="setting of this server"):
            await attempt


async def test_a_removed_one_leaves_what_was_said_and_refuses_prompts(
    made: TestHouse, tmp_path: Path
) -> None:
    house = made.house
    await named_agents.create(house, ADA, wish())
    repo = await repos.add(house, MONA, AddRepo(path=str(make_repo(tmp_path))))
    tree = await worktrees.create(house, MONA, CreateWorktree(repo_id=repo.id, name="one"))
    begin = CreateSession(worktree_id=tree.id, agent="acp.mine", prompt="go")
    session = await sessions.create(house, MONA, begin)
    await named_agents.remove(house, ADA, "mine")
    assert "acp.mine" not in await listed(house)
    assert (await sessions.show(house, MONA, session.id)).title == "go"
    assert (await events.page(house, MONA, session.id)).items
    with pytest.raises(AgentUnavailable, match="not here any more") as refused:
        await tasks.prompt(house, MONA, session.id, SendPrompt(prompt="more"))
    assert "add it again as 'mine'" in refused.value.hint
    with pytest.raises(Unprocessable, match="no agent"):
        await sessions.create(house, MONA, begin)
    await named_agents.create(house, ADA, wish())
    await tasks.prompt(house, MONA, session.id, SendPrompt(prompt="more"))


async def test_the_presets_are_command_lines_that_can_be_added(made: TestHouse) -> None:
    found = (await named_agents.presets(made.house, VERA)).items
    assert {item.label for item in found} >= {"Goose", "OpenCode", "Qwen Code"}
    for item in found:
        await named_agents.create(
            made.house, ADA, AddNamedAgent(name=item.name, label=item.label, command=item.command)
        )
        assert registry.get(named.kind_name(item.name)).capabilities.mcp
        assert item.source.startswith("https://")


BROKEN = [
    {"name": "no-command", "label": "x"},
    {"name": "long", "label": "x" * 201, "command": ["x"]},
    {"name": "lines", "label": "x", "command": ["x"], "modes": {"ask": "a\nb"}},
    {"name": "Bad Name", "label": "x", "command": ["x"]},
    {"name": "other", "label": "x", "command": ["x"], "newer": 1},
    3,
]


async def test_a_kept_one_that_is_broken_is_named_and_stops_no_server(made: TestHouse) -> None:
    await named_agents.create(made.house, ADA, wish("whole"))
    kept = json.loads(await made.house.records.setting(LOCAL_USER, named_agents.KEPT) or "")
    await made.house.records.keep_setting(LOCAL_USER, named_agents.KEPT, json.dumps([*BROKEN, *kept]))
    later = restarted(made.house)
    wrong = await named_agents.load(later, {})
    assert set(later.named_agents) == {"acp.whole"}
    for item, line in zip(BROKEN, wrong, strict=True):
        assert repr(item["name"] if isinstance(item, dict) else "3") in line
    # What cannot be read is no reason to lose it, until one of its name takes its place.
    await named_agents.create(later, ADA, wish("long"))
    await named_agents.remove(later, ADA, "whole")
    after = json.loads(await made.house.records.setting(LOCAL_USER, named_agents.KEPT) or "")
    assert [item for item in after if item in BROKEN] == [item for item in BROKEN if item != BROKEN[1]]
    again = restarted(made.house)
    assert len(await named_agents.load(again, {})) == len(BROKEN) - 1
    assert set(again.named_agents) == {"acp.long"}


async def test_a_list_that_cannot_be_read_at_all_stops_no_server(made: TestHouse) -> None:
    await made.house.records.keep_setting(LOCAL_USER, named_agents.KEPT, "[{")
    (wrong,) = await named_agents.load(made.house, {})
    assert "not JSON" in wrong
    await named_agents.create(made.house, ADA, wish("mine"))
    later = restarted(made.house)
    assert len(await named_agents.load(later, {})) == 1 and set(later.named_agents) == {"acp.mine"}
