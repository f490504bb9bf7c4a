"""The reducers against their golden files, and what must hold for every order of events."""

from __future__ import annotations

import json

import pytest

from agor_jupyter.domain.content import Usage, add_usage
from agor_jupyter.domain.last_words import LAST_WORDS, last_line
from tests.domain.stories import GOLDEN, STORIES, tell


@pytest.mark.parametrize("name", STORIES)
def test_reducers_tell_the_golden_story(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert tell(STORIES[name]()) == golden


def test_statuses_of_the_stories() -> None:
    status = {name: tell(story())["after"]["session"]["status"] for name, story in STORIES.items()}  # type: ignore[index]  # plain JSON
    assert status == {
        "apart": "running",
        "asked_apart": "interrupted",
        "named_alike": "running",
        "working": "idle",
        "asking": "awaiting_permission",
        "terminal": "running",
        "queueing": "archived",
        "put_away": "archived",
        "waiting": "idle",
        "waiting_on": "queued",
        "held": "failed",
        "held_longer": "failed",
        "let_go": "queued",
        "steered": "running",
        "offered": "running",
        "replayed": "running",
        "lost": "lost",
    }


def test_last_line_keeps_one_line_of_bounded_length() -> None:
    assert last_line("", "a\nb") == "b"
    assert last_line("b", "c") == "bc"
    assert last_line("", "done.\n") == "done.\n"
    assert last_line("done.\n", "next") == "next"
    assert last_line("done.\n", "\n\n") == "done.\n"
    assert len(last_line("", "x" * 5000)) == LAST_WORDS


def test_a_cost_that_nobody_reports_stays_unknown() -> None:
    assert add_usage(Usage(), Usage(input_tokens=1)).cost_usd is None
    assert add_usage(Usage(cost_usd=0.5), Usage()).cost_usd == 0.5
