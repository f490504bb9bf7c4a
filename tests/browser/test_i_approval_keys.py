"""What is asked is answered by keyboard, from the bar and from its buttons; who types is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for
from tests.browser.test_c_keyboard import press_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FOUR = """Run them.

```demo
- run: ['{python}', '-c', 'print(1)']
- run: ['{python}', '-c', 'print(2)']
- run: ['{python}', '-c', 'print(2)']
- run: ['{python}', '-c', 'print(3)']
- say: All four were asked for or allowed.
```"""


def answers(house: Stage, session: str) -> list[Any]:
    events = house.get(f"/sessions/{session}/events")["items"]
    updates = [event["update"] for event in events]
    return [update for update in updates if update["type"] == "permission_resolved"]


def wait_answers(house: Stage, session: str, count: int) -> list[Any]:
    def enough() -> list[Any]:
        found = answers(house, session)
        return found if len(found) >= count else []

    found: list[Any] = wait_for(f"{count} answers", enough, 40)
    return found


def asked(page: Page, words: str) -> Locator:
    bar = page.get_by_test_id("agor-session").get_by_test_id("agor-approval")
    expect(bar).to_contain_text(words)
    return bar


def test_keys_answer_from_the_bar_and_its_buttons(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("approval-keys", house.board("Team I"))
    session = house.session(worktree, FOUR, "Answered by keyboard")
    house.wait_status(session, "awaiting_permission")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        asked(page, "print(1)")
        # The panel's own keyboard is the prompt's: what is typed there answers nothing.
        box = page.get_by_test_id("agor-prompt-box")
        expect(box).to_be_focused()
        page.keyboard.type("half a thought")
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Escape")
        assert answers(house, session) == []
        expect(page.locator(".jp-AgorAsk-reason")).to_have_count(0)

        # Enter on the bar itself.
        press_until(page, "Shift+Tab", '.jp-AgorSession [data-testid="agor-approval"]:focus', 20)
        page.keyboard.press("Enter")
        (first,) = wait_answers(house, session, 1)
        assert (first["option_id"], first["by"]) == ("allow_once", "mona")

        # Shift+Enter on the focused *Allow once* is *Always*, as the tooltips say: the same command is
        # not asked for again.
        asked(page, "print(2)")
        expect(box).to_be_focused()
        press_until(page, "Shift+Tab", '.jp-AgorSession [data-agor-option="allow_once"]', 20)
        page.keyboard.press("Shift+Enter")
        found = wait_answers(house, session, 3)
        assert [(each["option_id"], each["by"]) for each in found[1:]] == [
            ("allow_always", "mona"),
            ("allow_once", "policy"),
        ]

        # Escape on a button asks why; Escape there goes back to the bar; the second time it is said.
        asked(page, "print(3)")
        press_until(page, "Shift+Tab", '.jp-AgorSession [data-agor-option="allow_always"]', 20)
        page.keyboard.press("Escape")
        reason = page.locator(".jp-AgorAsk-reason input")
        expect(reason).to_be_focused()
        page.keyboard.press("Escape")
        bar = asked(page, "print(3)")
        expect(bar).to_be_focused()
        page.keyboard.press("Escape")
        expect(reason).to_be_focused()
        page.keyboard.type("not now")
        page.keyboard.press("Enter")
        last = wait_answers(house, session, 4)[-1]
        assert (last["option_id"], last["message"], last["by_name"]) == (
            "reject_once",
            "not now",
            "Mona Member",
        )
        expect(page.get_by_test_id("agor-session")).to_contain_text("Mona Member rejected")
        expect(box).to_have_value("half a thought\n")


def test_enter_on_reject_never_allows(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("reject-key", house.board("Team I2"))
    session = house.session(worktree, FOUR, "Rejected by keyboard")
    house.wait_status(session, "awaiting_permission")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        asked(page, "print(1)")
        for key in ("Enter", "Shift+Enter"):
            press_until(page, "Shift+Tab", '.jp-AgorSession [data-agor-option="reject_once"]', 20)
            page.keyboard.press(key)
            expect(page.locator(".jp-AgorAsk-reason input")).to_be_focused()
            page.keyboard.press("Escape")
            page.keyboard.press("Tab")
            page.get_by_test_id("agor-prompt-box").focus()
        assert answers(house, session) == []
    house.post(f"/sessions/{session}/interrupt", {})
