"""Another agent goes on from the header: in a fork, in the same worktree, told what was said."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.pictures import fold_panel
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_the_header_offers_the_others_and_says_what_they_lack(desk: Desk, house: Stage) -> None:
    board = house.board("Team L2")
    session = house.session(
        house.worktree("to-change", board), "stream 5 tokens at 100/s", "Mend it", "full_auto"
    )
    house.wait_status(session, "idle")
    agents = [item for item in house.get("/agents")["items"] if item["kind"] != "demo"]
    absent = next(item for item in agents if not item["installed"])
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        expect(page.get_by_test_id("agor-owner")).to_contain_text("Owner: ")
        # The prompt takes the keyboard when the panel has opened; only then is it somebody's to move.
        expect(page.get_by_test_id("agor-prompt-box")).to_be_focused()
        button = page.get_by_test_id("agor-agent")
        button.focus()
        page.keyboard.press("Enter")
        menu = page.locator(".jp-AgorAgentMenu")
        expect(menu.locator(".lm-Menu-item")).to_have_count(len(agents))
        item = menu.locator(".lm-Menu-item", has_text=absent["title"])
        expect(item).to_have_class("lm-Menu-item lm-mod-disabled")
        expect(item).to_contain_text("not installed")
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        page.get_by_label("Session mode", exact=True).select_option("plan")
        expect(page.get_by_label("Mode", exact=True)).to_have_value("plan")
    assert house.get(f"/sessions/{session}")["mode"] == "plan"


def test_on_a_phone_what_is_asked_leaves_room_for_the_prompt(desk: Desk, house: Stage) -> None:
    prompt = "The test of the summary fails. Find out why, mend it, and show me that it passes."
    session = house.session(house.worktree("on-a-phone", house.board("Team L3")), prompt, "On a phone")
    house.wait_status(session, "awaiting_permission")
    with desk.person("mona", width=390, height=844) as monas:
        page = desk.open(monas)
        fold_panel(page)
        desk.session(page, session)
        panel = page.get_by_test_id("agor-session")
        expect(panel.get_by_test_id("agor-approval")).to_be_visible()
        for part in (page.get_by_test_id("agor-stop"), page.get_by_test_id("agor-send")):
            expect(part).to_be_in_viewport(ratio=1)
        for name in ("Mode", "Model"):
            expect(panel.get_by_label(name, exact=True)).to_be_in_viewport(ratio=1)
        expect(page.get_by_test_id("agor-agent")).to_be_in_viewport(ratio=1)
