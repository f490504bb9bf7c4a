"""A person's extra variables for their agents: free names, no secrets, their own sessions."""

from __future__ import annotations

import pytest

from agor_jupyter.domain.errors import Forbidden, Unprocessable
from agor_jupyter.service import people, variables
from agor_jupyter.testing.house import StandInKind, TestHouse, actor

OSCAR, MONA = actor("oscar"), actor("mona")


async def put(made: TestHouse, text: str, kind: str = "keyed") -> None:
    await people.change_settings(made.house, OSCAR, {f"environment.{kind}": text})


async def test_they_are_a_persons_own_for_one_kind(made: TestHouse) -> None:
    await put(made, "MY_MODE=fast\n\n EMPTY= \nMY_MODE = slow=1")
    assert await variables.of_person(made.house, OSCAR.id, "keyed") == {"MY_MODE": "slow=1", "EMPTY": ""}
    assert await variables.of_person(made.house, OSCAR.id, "demo") == {}
    assert await variables.of_person(made.house, MONA.id, "keyed") == {}
    await put(made, "")
    assert await variables.of_person(made.house, OSCAR.id, "keyed") == {}


@pytest.mark.parametrize(
    "text",
    [
        "PATH=/evil",
        "http_proxy=http://evil",
        "LD_PRELOAD=x.so",
        "PYTHONPATH=/evil",
        "GIT_SSH_COMMAND=x",
        "AGOR_SESSION=x",
        "JUPYTER_TOKEN=x",
        "KEYED_API_KEY=x",
        "no name=1",
        "=1",
        "MY_TOKEN=0123456789abc",
        "PLAIN=sk-ant-api03-abcdefghijklmnop",
    ],
)
async def test_what_is_not_theirs_to_set_is_refused(made: TestHouse, text: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        await put(made, f"FINE=1\n{text}")
    assert "0123456789abc" not in str(refused.value.problem())
    assert await people.settings(made.house, OSCAR) == {}
    # What stands there from before the rule is not handed on either.
    await made.house.records.keep_setting(OSCAR.id, "own:environment.keyed", text)
    if "SECRET" not in text and not text.startswith(("MY_TOKEN", "PLAIN")):
        assert await variables.of_person(made.house, OSCAR.id, "keyed") == {}


async def test_what_a_kind_knows_is_not_theirs(made: TestHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (StandInKind(kind="other", variables=("OTHER_BASE_URL",)),)
    monkeypatch.setattr(made.house.agents, "kinds", lambda: kinds)
    with pytest.raises(Unprocessable):
        await put(made, "OTHER_BASE_URL=https://evil")


async def test_an_agent_that_is_none_and_a_token_are_refused(made: TestHouse) -> None:
    with pytest.raises(Unprocessable):
        await put(made, "A=1", kind="nobody")
    kernel = OSCAR.model_copy(update={"via": "magic"})
    with pytest.raises(Forbidden):
        await people.change_settings(made.house, kernel, {"environment.keyed": "A=1"})
    await people.change_settings(made.house, kernel, {"panel.width": "3"})
