"""The whole path without a mouse: palette, cards, dialog, prompt, approvals."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.palette import ITEMS, find, press_until
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_the_whole_path_by_keyboard(desk: Desk, house: Stage) -> None:
    boards = sorted(house.get("/boards")["items"], key=lambda each: each["created_ms"])
    board = str(boards[0]["id"]) if boards else house.board("First")
    # Far to the right of whatever lies there: the arrow must lead over the one to the other.
    house.worktree("keys-left", board, (6000, 0))
    right = house.worktree("keys-right", board, (6400, 0))
    with desk.person("mona") as monas:
        page = desk.open(monas)
        # JupyterLab's shortcuts come with its settings, a moment after the page is ready.
        find(page, "Open Board", f'{ITEMS}.lm-mod-active:has-text("Open Board")')
        page.keyboard.press("Enter")
        page.get_by_test_id("agor-card").filter(has_text="keys-right").wait_for()
        # The board has the keyboard as soon as it is in front: no Tab leads to it first.
        expect(page.get_by_test_id("agor-canvas")).to_be_focused()
        press_until(page, "Tab", ".jp-AgorCanvas")
        press_until(page, "ArrowRight", f'[data-id="{right}"]')
        page.keyboard.press("Enter")
        prompt = page.get_by_test_id("agor-session-prompt")
        expect(prompt).to_be_focused()
        page.keyboard.type("Mend the failing test")
        press_until(page, "Tab", '[data-testid="agor-session-agent"]', 5)
        page.keyboard.type("Demo")
        press_until(page, "Tab", ".jp-Dialog .jp-mod-accept")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("agor-prompt-box")).to_be_focused()
        panel = page.get_by_test_id("agor-session")
        for title in ("Edit stats", "Run the tests"):
            expect(panel.get_by_test_id("agor-approval")).to_contain_text(title)
            # What is asked never takes the keyboard from someone who is typing.
            expect(page.get_by_test_id("agor-prompt-box")).to_be_focused()
            press_until(page, "Shift+Tab", '.jp-AgorSession [data-agor-option="allow_once"]', 12)
            page.keyboard.press("Enter")
        expect(panel).to_contain_text("All tests pass")
        page.keyboard.type("And thank you")
        expect(page.get_by_test_id("agor-prompt-box")).to_have_value("And thank you")
