"""Slash commands, models and efforts of a real ACP agent, in the prompt box and in the dialog before it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from agor_jupyter.testing.harnesses.acp import COMMAND
from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.pictures import THEMES, fold_panel
from tests.browser.stage import Stage, stage

pytest.importorskip("acp")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PICTURES = os.environ.get("AGOR_PICTURES", "")
"""A folder: the list is drawn there, in light and dark."""

MANY = [
    {"name": "notes", "description": "Show the notes."},
    {"name": "compact", "description": "Sum up what was said.", "input": {"hint": "[what to keep]"}},
    {
        "name": "review",
        "description": "Read the changes and say what is wrong with them.",
        "input": {"hint": "[path]"},
    },
    *(
        {"name": f"team:recipe-{number}", "description": "One of the team's own recipes."}
        for number in range(20)
    ),
]
CHANGE = "STEPS: " + json.dumps(
    [{"say": "Ready."}, {"update": {"sessionUpdate": "available_commands_update", "availableCommands": MANY}}]
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A house whose ACP agent is the scripted one, with a repository that mona trusts."""
    folder = tmp_path_factory.mktemp("slash")
    options = {"acp": {"command": [*COMMAND, "--store", str(folder / "store")], "title": "Scripted"}}
    (folder / "store").mkdir()
    with stage(folder, agent_options=options) as running:
        repo = running.repo()
        digest = running.get(f"/repos/{repo}/trust", "mona")["digest"]
        running.post(f"/repos/{repo}/trust", {"trusted": True, "digest": digest})
        yield running


@pytest.fixture(scope="module")
def its_desk(one_browser: Desk, told: Stage) -> Desk:
    return Desk(one_browser.browser, told)


def draw(desk: Desk, page: Page, name: str) -> None:
    if PICTURES:
        for theme, full in THEMES.items():
            desk.theme(page, full)
            page.wait_for_timeout(600)
            page.screenshot(path=Path(PICTURES) / f"slash-{name}-{theme}.png")
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(600)
        page.screenshot(path=Path(PICTURES) / f"slash-{name}-390.png")
        page.set_viewport_size({"width": 1280, "height": 800})


def option(page: Page, name: str) -> Locator:
    return page.get_by_test_id("agor-slash").get_by_role("option").filter(has_text=f"/{name}")


def values(menu: Locator) -> list[str]:
    return [str(each.get_attribute("value")) for each in menu.locator("option").all()]


def see_the_list(desk: Desk, page: Page, box: Locator) -> None:
    """Look at the open list: where it stands, what it says of a command, what a reader is told, its ends."""
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    chosen = option(page, "compact")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(chosen).to_contain_text("[what to keep]")
    expect(chosen).to_contain_text("Sum up what was said.")
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    for theme in THEMES.values():
        desk.theme(page, theme)
        # JupyterLab may take the keyboard while it changes its theme, and the list closes with that.
        box.fill("")
        box.press("/")
        box.press("ArrowDown")
        expect(chosen).to_have_attribute("aria-selected", "true")
        assert check(page, ".jp-AgorPromptBox") == []
    over, under = page.get_by_test_id("agor-slash").bounding_box(), box.bounding_box()
    assert over is not None and under is not None
    assert over["y"] + over["height"] <= under["y"], "it stands above what is typed"
    assert abs(over["x"] - under["x"]) < 2 and abs(over["width"] - under["width"]) < 2
    box.press("ArrowUp")
    box.press("ArrowUp")  # round to the last one, which the list turns to
    last = page.get_by_test_id("agor-slash").get_by_role("option").last
    expect(last).to_have_attribute("aria-selected", "true")
    expect(last).to_be_in_viewport()
    draw(desk, page, "list")


def test_commands_are_listed_completed_and_sent(its_desk: Desk, told: Stage) -> None:
    desk = its_desk
    worktree = told.worktree("commanded", told.board("Team O"))
    wish = {"worktree_id": worktree, "agent": "acp", "title": "With commands", "mode": "full_auto"}
    session = told.post("/sessions", wish)["id"]
    with desk.person("mona") as monas:
        page = desk.open(monas)
        fold_panel(page)
        desk.session(page, session)
        box = page.get_by_test_id("agor-prompt-box")
        box.press("/")
        expect(page.get_by_test_id("agor-slash-empty")).to_contain_text("once the agent has started")
        draw(desk, page, "before")
        box.fill(CHANGE)
        expect(page.get_by_test_id("agor-slash-empty")).to_have_count(0)
        box.press("Enter")
        expect(page.get_by_test_id("agor-task-end")).to_have_count(1)

        # What came in mid-session is there, in the place of what was told at the start.
        box.press("/")
        options = page.get_by_test_id("agor-slash").get_by_role("option")
        expect(options).to_have_count(len(MANY))
        see_the_list(desk, page, box)
        box.press("Escape")
        expect(options).to_have_count(0)
        expect(box).to_have_value("/")

        page.keyboard.type("REV")
        expect(options).to_have_count(1)
        box.press("Tab")
        expect(box).to_have_value("/review ")
        expect(box).to_be_focused()
        page.keyboard.type("a.py")
        expect(options).to_have_count(0)
        box.press("Home")
        box.press("ArrowUp")
        expect(box).to_have_value(CHANGE)
        box.press("ArrowDown")
        expect(box).to_have_value("/review a.py")
        expect(options).to_have_count(0)
        box.press("Enter")
        expect(page.get_by_test_id("agor-task-end")).to_have_count(2)
        assert told.get(f"/sessions/{session}/tasks")["items"][-1]["prompt"] == "/review a.py"
        # An earlier prompt that is looked at again opens nothing, wherever the caret goes.
        for key in ("ArrowUp", "Home", "ArrowRight", "ArrowRight"):
            box.press(key)
        expect(box).to_have_value("/review a.py")
        expect(options).to_have_count(0)
        box.fill("/")
        option(page, "notes").click()
        expect(box).to_have_value("/notes ")
        expect(box).to_be_focused()
    assert desk.watch.said == []


def test_models_and_efforts_are_those_that_the_agent_told(its_desk: Desk, told: Stage) -> None:
    desk = its_desk
    worktree = told.worktree("dialled", told.board("Team O2"))
    wish = {"worktree_id": worktree, "agent": "acp", "title": "With dials", "prompt": "STEPS: []"}
    session = told.post("/sessions", wish)["id"]
    told.wait_status(session, "idle")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        fold_panel(page)
        desk.session(page, session)
        model, effort = page.get_by_label("Model", exact=True), page.get_by_label("Effort", exact=True)
        expect(model).to_have_value("small")
        assert values(model) == ["small", "large"]
        model.select_option("large")
        expect(model).to_have_value("large")
        assert values(effort)[-2:] == ["low", "high"]
        effort.select_option("high")
        expect(effort).to_have_value("high")
        record = told.get(f"/sessions/{session}")
        assert (record["model"], record["effort"]) == ("large", "high")

        # The palette lists the same, of a session that it knows by its outline alone.
        desk.run(page, "agor:set-model", session_id=session)
        listed = page.locator(".jp-Dialog select option")
        expect(listed).to_have_count(2)
        page.keyboard.press("Escape")

        desk.run(page, "agor:create-session", worktree_id=worktree)
        page.get_by_test_id("agor-session-agent").select_option("acp")
        assert values(page.get_by_test_id("agor-session-effort")) == ["", "low", "high"]
        assert values(page.locator("#jp-AgorModels")) == ["small", "large"]
        page.get_by_test_id("agor-session-agent").select_option("demo")
        expect(page.get_by_test_id("agor-session-effort")).to_be_disabled()
        expect(page.get_by_text("A script thinks as it is written.")).to_be_visible()
    assert desk.watch.said == []
