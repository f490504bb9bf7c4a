"""What an agent asks calls who it concerns, and is answered where it is seen, by name."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from agor_jupyter.testing.people import headers_of
from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for
from tests.browser.test_c_keyboard import press_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RUN = """Run it.

```demo
- run: {{argv: [echo, {word}], title: Say {word}}}
- say: It was said.
```"""
EDIT = """Write it.

```demo
- edit: {path: docs/asked.md, write: "one\\ntwo\\n"}
```"""

QUESTION = """Ask it.

```demo
- ask:
    question: Which median?
    choices: [lower, mean of both]
    descriptions:
      - "The smaller of the two in the middle: a value that was really measured, as the paper says."
      - Halfway between them.
    own: true
- say: "It is: {answer}"
```"""

CLOSE = """id => {
  for (const widget of window.jupyterapp.shell.widgets('main')) {
    if (widget.id === id) widget.close();
  }
}"""


def begin(house: Stage, worktree: str, owner: str, word: str, prompt: str = "") -> str:
    """Let a session of `owner` ask whether it may say `word`; give its id."""
    wish = {"worktree_id": worktree, "agent": "demo", "title": f"Says {word}", "mode": "ask"}
    prompt = prompt or RUN.format(word=word)
    session = str(house.post("/sessions", {**wish, "prompt": prompt}, owner)["id"])
    house.wait_status(session, "awaiting_permission")
    return session


def toasts(page: Page, words: str = "") -> Locator:
    return page.locator(".Toastify__toast").filter(has_text=words)


def kept(page: Page, count: int) -> None:
    """Expect so many notifications behind the bell: one that is only out of sight still counts."""
    expect(page.locator(".jp-Notification-Status")).to_contain_text(str(count))


def answer(house: Stage, session: str) -> dict[str, Any]:
    """Wait until the session's request is answered; give what the log says of it."""

    def found() -> dict[str, Any] | None:
        updates = [event["update"] for event in house.get(f"/sessions/{session}/events")["items"]]
        return next((update for update in updates if update["type"] == "permission_resolved"), None)

    answered: dict[str, Any] = wait_for("the log has the answer", found, 40)
    return answered


def request_of(house: Stage, session: str) -> dict[str, Any]:
    waiting = house.get("/permissions?state=pending")["items"]
    return next(item for item in waiting if item["session_id"] == session)


def test_a_notification_is_answered_where_it_is_shown(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("asks-a", house.board("Team O"))
    with desk.person("ada") as adas, desk.person("oscar") as oscars:
        page, other = desk.open(adas), desk.open(oscars)
        session = begin(house, worktree, "ada", "hello")
        toast = toasts(page, "Says hello")
        expect(toast).to_have_count(1)
        expect(toast).to_contain_text("Say hello")
        expect(toast).to_contain_text("echo hello")
        toast.get_by_role("button", name="Allow once").click()
        said = answer(house, session)
        assert (said["option_id"], said["by"], said["by_name"]) == ("allow_once", "ada", "Ada Admin")
        expect(toasts(page, "Says hello")).to_have_count(0)
        kept(page, 0)
        house.wait_status(session, "idle")

        # An answer given anywhere takes it away; the second one hears by name who was first.
        session = begin(house, worktree, "ada", "again")
        expect(toasts(page, "Says again")).to_have_count(1)
        kept(page, 1)
        asked = request_of(house, session)
        house.post(f"/permissions/{asked['id']}", {"option_id": "reject_once", "message": "no"}, "oscar")
        kept(page, 0)
        expect(toasts(page, "Says again")).to_have_count(0)
        digest = asked["request"]["digest"]
        desk.run(
            page, "agor:answer-permission", request_id=asked["id"], digest=digest, option_id="allow_once"
        )
        expect(toasts(page, "Oscar Owner")).to_have_count(1)
        # Whom it does not concern was never called.
        expect(toasts(other)).to_have_count(0)


def test_a_change_is_looked_at_before_it_is_allowed(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("asks-b", house.board("Team O2"))
    with desk.person("ada") as adas, desk.person("oscar") as oscars:
        page, second = desk.open(adas), desk.open(oscars)
        session = begin(house, worktree, "ada", "edit", EDIT)
        toast = toasts(page, "Says edit")
        expect(toast).to_contain_text("Edit docs/asked.md")
        expect(toast).to_contain_text("+2 −0")
        expect(toast.get_by_role("button", name="Allow once")).to_have_count(0)
        toast.get_by_role("button", name="Answer…").click()
        bar = page.get_by_test_id("agor-session").get_by_test_id("agor-approval")
        expect(bar).to_be_focused()
        expect(toasts(page, "Says edit")).to_have_count(0)

        # Who has prompted it is called too, though it is not theirs.
        expect(toasts(second)).to_have_count(0)
        house.post(f"/sessions/{session}/tasks", {"prompt": RUN.format(word="more")}, "oscar")
        toast = toasts(second, "Says edit")
        expect(toast).to_have_count(1)
        toast.get_by_role("button", name="Reject").click()
        said = answer(house, session)
        assert (said["option_id"], said["by_name"]) == ("reject_once", "Oscar Owner")
        expect(bar).to_contain_text("Say more")
        expect(toasts(second, "Say more")).to_have_count(1)
    house.post(f"/sessions/{session}/interrupt", {})


def test_many_requests_are_three_notifications_and_a_line(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("asks-c", house.board("Team O3"))
    with desk.person("ada") as adas:
        page = desk.open(adas)
        sessions = [begin(house, worktree, "ada", f"word{number}") for number in range(5)]
        rest = toasts(page, "more requests wait")
        expect(rest).to_contain_text("2 more requests wait for an answer.")
        kept(page, 4)
        rest.get_by_role("button", name="Show all").click()
        expect(page.get_by_test_id("agor-panel")).to_be_visible()
        expect(rest).to_have_count(0)
        house.post(f"/sessions/{sessions[0]}/interrupt", {})
        expect(toasts(page, "Says word3")).to_have_count(1)
        kept(page, 3)
        # Who comes in later is not met by a heap of them: they wait behind the bell.
        later = desk.open(adas)
        kept(later, 4)
        expect(toasts(later)).to_have_count(0)
    for session in sessions:
        house.post(f"/sessions/{session}/interrupt", {})


def set_notifications(house: Stage, wish: dict[str, bool]) -> None:
    """Keep ada's settings as JupyterLab's editor does."""
    headers = {**headers_of("ada"), "Content-Type": "application/json"}
    body = json.dumps({"raw": json.dumps(wish)}).encode()
    where = f"{house.url}lab/api/settings/agor-jupyter:notifications"
    with urllib.request.urlopen(urllib.request.Request(where, body, headers, method="PUT"), timeout=30):
        pass


def test_the_settings_switch_them_off(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("asks-e", house.board("Team O5"))
    session = begin(house, worktree, "ada", "quietly")
    set_notifications(house, {"enabled": False})
    try:
        with desk.person("ada") as adas:
            page = desk.open(adas)
            desk.run(page, "agor:show-panel")
            expect(page.get_by_test_id("agor-panel")).to_contain_text("Says quietly")
            # A notification would have come by the time a whole session has been opened and left again.
            desk.session(page, session)
            expect(page.get_by_test_id("agor-approval")).to_contain_text("Say quietly")
            page.evaluate(CLOSE, f"agor-session-{session}")
            expect(page.get_by_test_id("agor-session")).to_have_count(0)
            kept(page, 0)
    finally:
        set_notifications(house, {})
    with desk.person("ada") as adas:
        page = desk.open(adas)
        kept(page, 1)
        # Behind the bell it can be answered as well.
        page.locator(".jp-Notification-Status").click()
        page.locator(".jp-Notification-List").get_by_role("button", name="Allow once").click()
        assert answer(house, session)["by"] == "ada"
        kept(page, 0)


def test_a_card_answers_each_request_for_everybody(desk: Desk, house: Stage) -> None:
    board = house.board("Team O4")
    worktree = house.worktree("asks-d", board, (80, 80))
    first, second = (begin(house, worktree, "ada", word) for word in ("one", "two"))
    with desk.person("mona") as monas, desk.person("oscar") as oscars:
        pages = desk.open(monas, board), desk.open(oscars, board)
        cards = [page.get_by_test_id("agor-card").filter(has_text="asks-d") for page in pages]
        for page, card in zip(pages, cards, strict=True):
            page.get_by_test_id("agor-canvas").wait_for()
            expect(card.get_by_test_id("agor-approval")).to_contain_text("Say one")
            expect(card.get_by_test_id("agor-ask-pager")).to_contain_text("1 of 2 wait")
        cards[0].get_by_role("button", name="The next one").click()
        expect(cards[0].get_by_test_id("agor-approval")).to_contain_text("echo two")
        cards[0].locator('[data-agor-option="allow_once"]').click()
        said = answer(house, second)
        assert (said["option_id"], said["by"], said["by_name"]) == ("allow_once", "mona", "Mona Member")
        # While it works its row has a line more: what is below moves, and a click may miss.
        row = cards[1].locator(f'[data-agor-session="{second}"]')
        expect(row.locator('[data-agor-status="idle"]')).to_have_count(1)
        # What the other one looks at stays where it was; there is nothing left to step through.
        expect(cards[1].get_by_test_id("agor-ask-pager")).to_have_count(0)
        expect(cards[1].get_by_test_id("agor-approval")).to_contain_text("Say one")
        cards[1].locator('[data-agor-option="reject_once"]').click()
        cards[1].locator(".jp-AgorAsk-reason input").fill("not one")
        cards[1].get_by_role("button", name="Reject", exact=True).click()
        said = answer(house, first)
        assert (said["option_id"], said["by_name"], said["message"]) == (
            "reject_once",
            "Oscar Owner",
            "not one",
        )
        for card in cards:
            expect(card.get_by_test_id("agor-approval")).to_have_count(0)


def test_a_question_says_what_its_choices_mean_and_takes_own_words(desk: Desk, house: Stage) -> None:
    board = house.board("Team O6")
    worktree = house.worktree("asks-f", board, (80, 80))
    first, second = (begin(house, worktree, "ada", word, QUESTION) for word in ("eins", "zwei"))
    with desk.person("mona") as monas:
        page = desk.open(monas, board)
        bar = page.get_by_test_id("agor-card").filter(has_text="asks-f").get_by_test_id("agor-approval")
        expect(bar.get_by_role("radio", name="lower", exact=True)).to_have_accessible_description(
            "The smaller of the two in the middle: a value that was really measured, as the paper says."
        )
        # Nothing hides behind the card's edge.
        assert bar.evaluate("node => node.scrollWidth <= node.clientWidth")
        bar.get_by_text("Something else…").click()
        own = bar.get_by_role("textbox", name="Your own answer: Which median?")
        expect(own).to_be_focused()
        expect(bar.get_by_role("button", name="Answer")).to_be_disabled()
        own.fill("the upper one")
        assert check(page, ".jp-AgorQuestions") == []
        own.press("Enter")
        said = answer(house, first)
        assert (said["answers"], said["by"]) == ({"Which median?": "the upper one"}, "mona")

        # The panel, by keyboard alone: arrows pass the choices, and Tab enters the field.
        desk.session(page, second)
        bar = page.get_by_test_id("agor-session").get_by_test_id("agor-approval")
        expect(bar).to_contain_text("Halfway between them.")
        expect(page.get_by_test_id("agor-prompt-box")).to_be_focused()
        press_until(page, "Shift+Tab", '.jp-AgorSession [type="radio"]', 20)
        page.keyboard.press("Space")
        expect(bar.get_by_role("radio", checked=True)).to_have_count(1)
        other = bar.get_by_role("radio", name="Something else…")
        for _ in range(2):
            if not other.is_checked():
                page.keyboard.press("ArrowUp")
        expect(other).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.type("none of them")
        page.keyboard.press("Enter")
        assert answer(house, second)["answers"] == {"Which median?": "none of them"}
        expect(page.get_by_test_id("agor-session")).to_contain_text("It is: none of them")
