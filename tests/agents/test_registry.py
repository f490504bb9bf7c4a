"""Kinds come from entry points; a broken one is listed with its reason and stops nobody."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from agor_jupyter.agents import registry
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    found: list[EntryPoint] = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: found)
    return found


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=registry.GROUP)


async def test_the_built_in_kinds_need_no_installation(points: list[EntryPoint]) -> None:
    kinds = {kind.kind for kind in registry.list_kinds()}
    assert kinds >= set(registry.BUILT_IN)
    probe = await registry.get("demo").probe({})
    assert probe.installed


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_package.agent:kind", "No module named"),
        ("agor_jupyter.agents.base:no_such_name", "no attribute"),
        ("tests.agents.broken_kind:kind", "ZeroDivisionError"),
    ],
)
async def test_a_broken_kind_is_not_installed_and_says_why(
    points: list[EntryPoint], value: str, reason: str
) -> None:
    points.append(point("third", value))
    kind = {kind.kind: kind for kind in registry.list_kinds()}["third"]
    probe = await kind.probe({})
    assert not probe.installed
    assert reason in probe.hint
    with pytest.raises(AgentUnavailable) as caught:
        kind.make()
    assert reason in caught.value.hint


def test_a_third_kind_is_found(points: list[EntryPoint]) -> None:
    points.append(point("third", "agor_jupyter.agents.demo:kind"))
    assert registry.get("third").make() is not None


def test_nobody_takes_a_built_in_name(points: list[EntryPoint]) -> None:
    points.append(point("demo", "no_such_package:kind"))
    assert registry.get("demo").title == "Demo agent"


def test_an_unknown_kind_names_the_known_ones(points: list[EntryPoint]) -> None:
    with pytest.raises(Unprocessable, match="no agent 'none'") as caught:
        registry.get("none")
    assert "demo" in caught.value.hint


def test_a_kind_is_loaded_when_it_is_asked_for(points: list[EntryPoint]) -> None:
    points.append(point("third", "tests.agents.broken_kind:kind"))
    assert registry.get("demo").kind == "demo"  # nothing of the broken one was imported


async def test_a_named_agent_is_known_by_its_kind_alone(points: list[EntryPoint]) -> None:
    """A runner gets its command line with the session; no package takes such a name."""
    points.append(point("acp.mine", "no_such_package.agent:kind"))
    kind = registry.get("acp.mine")
    assert (kind.kind, kind.title) == ("acp.mine", "mine")
    assert (await kind.probe({})).installed is False
    assert "acp.mine" not in {each.kind for each in registry.list_kinds()}
    assert registry.get("acp").kind == "acp"
