"""What the demo's story does when the agent or the server does not play along."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agor_jupyter.cli import headless
from agor_jupyter.cli.headless import Clock, StoryFailed
from agor_jupyter.client.api import Api
from agor_jupyter.client.http import Http, parse_url
from tests.client.fake import ASK, SES, TOKEN, World, ended, said, serving


@pytest.fixture
def world() -> Iterator[World]:
    with serving(World()) as world:
        yield world


def api_of(world: World) -> Api:
    return Api(Http(parse_url(world.url)[0], TOKEN))


def test_a_silent_agent_fails_the_story_in_time(world: World) -> None:
    """The server's pings come all the while: they are no events."""
    world.script = [said("Let me think. "), "…"]
    api = api_of(world)
    api.prompt(SES, "go")
    begun = time.monotonic()
    with pytest.raises(StoryFailed, match=r"did not end within 0\.5 s"):
        headless._follow(api, SES, Clock(), seconds=0.5)
    assert time.monotonic() - begun < 10
    world.interrupted.set()


def test_what_cannot_be_allowed_once_fails_the_story(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [{"option_id": "a", "name": "Always", "kind": "allow_always"}]
    world.script = [{**ASK, "options": options}, ended()]
    api = api_of(world)
    api.prompt(SES, "go")
    with pytest.raises(StoryFailed, match=r"'Write parser\.py' cannot be allowed once: it offers allow_alw"):
        headless._follow(api, SES, Clock(), seconds=30)
    assert world.answers == []
    assert "asks: Write parser.py" in capsys.readouterr().out


def test_a_story_goes_on_over_a_broken_stream_and_allows_once(world: World) -> None:
    world.break_after = 2
    world.script = [ASK, said("Done. "), ended()]
    api = api_of(world)
    api.prompt(SES, "go")
    assert headless._follow(api, SES, Clock(), seconds=30)["stop_reason"] == "end_turn"
    assert [answer["option_id"] for answer in world.answers] == ["o1"]
