"""Every act of the panel is a command in the palette, and works from there on what is in front."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Desk
from tests.browser.palette import ITEMS, choose, find
from tests.browser.stage import Stage, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OURS = "() => window.jupyterapp.commands.listCommands().filter(id => id.startsWith('agor:')).sort()"
ASK = """Run it.

```demo
- run: ['{python}', '-c', 'print(1)']
- say: All done.
```"""


def all_shown(page: Page, ours: list[str]) -> list[str]:
    """Read our commands off the palette; again where a page that still settles has closed it meanwhile."""
    shown: list[str] = []
    for _ in range(5):
        find(page, "Agor", f"{ITEMS}[data-command='agor:open-board']")
        items = page.locator(f"{ITEMS}[data-command^='agor:']")
        shown = sorted(items.evaluate_all("items => items.map(item => item.dataset.command)"))
        if shown == ours:
            break
    return shown


def test_every_command_is_in_the_palette(desk: Desk, house: Stage) -> None:
    with desk.person("mona") as monas:
        page = desk.open(monas, house.board("Empty H"))
        page.get_by_test_id("agor-canvas").wait_for()
        ours = page.evaluate(OURS)
        assert {"agor:interrupt-session", "agor:set-mode", "agor:withdraw-prompt"} <= set(ours)
        assert all_shown(page, ours) == ours
        # With no session in front there is nothing to stop.
        item = page.locator(f"{ITEMS}[data-command='agor:interrupt-session']")
        expect(item).to_have_class("lm-CommandPalette-item lm-mod-disabled")


def test_a_session_is_worked_from_the_palette(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("from-the-palette", house.board("Team H"))
    session = house.session(worktree, ASK, "Worked from the palette")
    house.wait_status(session, "awaiting_permission")
    house.post(f"/sessions/{session}/tasks", {"prompt": "first in the queue"})
    house.post(f"/sessions/{session}/tasks", {"prompt": "second in the queue"})
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        queued = page.get_by_test_id("agor-queued")
        expect(queued).to_have_count(2)

        choose(page, "Change the Mode of the Session")
        page.locator(".jp-Dialog select, .jp-Dialog input").first.wait_for()
        page.locator(".jp-Dialog select").select_option(label="Plan")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(page.get_by_label("Mode", exact=True)).to_have_value("plan")

        choose(page, "Move a Prompt That Waits")
        page.locator(".jp-Dialog select").select_option(label="second in the queue")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        page.locator(".jp-Dialog input[type='number']").fill("1")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(queued.first).to_contain_text("second in the queue")

        choose(page, "Edit a Prompt That Waits")
        page.locator(".jp-Dialog select").select_option(label="first in the queue")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        page.get_by_test_id("agor-words").fill("edited in the queue")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(queued.last).to_contain_text("edited in the queue")

        choose(page, "Take Back a Prompt That Waits")
        page.locator(".jp-Dialog select").select_option(label="edited in the queue")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(queued).to_have_count(1)

        choose(page, "Answer What Is Asked")
        expect(page.get_by_test_id("agor-session").get_by_test_id("agor-approval")).to_be_focused()

        choose(page, "Stop the Session")
        house.wait_status(session, "interrupted")
        expect(page.get_by_test_id("agor-task-end").first).to_contain_text("Stopped by Mona Member")

        choose(page, "Send a Prompt")
        page.get_by_test_id("agor-words").fill("said from the palette")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(queued).to_have_count(2)
    tasks = house.get(f"/sessions/{session}/tasks")["items"]
    assert tasks[-1]["prompt"] == "said from the palette"


def test_a_card_is_enough(desk: Desk, house: Stage) -> None:
    """Where a board is in front, its selected card says what is meant."""
    board = house.board("Team H2")
    worktree = house.worktree("selected-card", board)
    session = house.session(worktree, ASK, "Of a card")
    house.wait_status(session, "awaiting_permission")
    with desk.person("mona") as monas:
        page = desk.open(monas, board)
        page.get_by_test_id("agor-card").locator(".jp-AgorCard-name").click()
        page.locator('[data-testid="agor-card"][data-selected="true"]').wait_for()
        choose(page, "Stop the Session")
        wait_for("it is stopped", lambda: house.get(f"/sessions/{session}")["status"] == "interrupted", 30)
        # A board that was closed opens again.
        page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
        page.get_by_test_id("agor-board").wait_for(state="detached")
        desk.board(page, board)
        page.get_by_test_id("agor-card").wait_for()
