"""The issue's own story: one works, the other watches, both see the same at once."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from agor_jupyter.agents.demo.repository import write_demo_repo
from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PROMPT = "The test of the summary fails. Find out why and mend it."
STREAM = "stream 200 tokens at 40/s"


def add_repository(page: Page, name: str) -> None:
    """Add the folder that is offered, from the side bar."""
    page.locator('.jp-SideBar [data-id="agor-panel"]').click()
    page.get_by_test_id("agor-panel").get_by_test_id("agor-add-repo").click()
    page.locator(".jp-AgorOffers").get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_test_id("agor-repo-path")).to_have_value(re.compile(f"{name}$"))
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.get_by_test_id("agor-repo-path")).to_have_count(0)
    # The very first repository leads on to its first worktree; here that is made from the board.
    page.wait_for_timeout(300)
    cancel = page.locator(".jp-Dialog .jp-mod-reject")
    if cancel.count():
        cancel.click()


def make_worktree(page: Page, repo: str, name: str) -> None:
    page.get_by_test_id("agor-board").locator('[data-agor-command="agor:create-worktree"]').click()
    page.get_by_test_id("agor-worktree-repo").select_option(label=repo)
    page.get_by_test_id("agor-worktree-name").fill(name)
    page.locator(".jp-Dialog .jp-mod-accept").click()


def start_session(page: Page, card: Locator, prompt: str) -> None:
    card.get_by_test_id("agor-card-start").click()
    page.get_by_test_id("agor-session-agent").select_option("demo")
    page.get_by_test_id("agor-session-prompt").fill(prompt)
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.get_by_test_id("agor-session").wait_for()


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def tokens(page: Page) -> list[str]:
    return re.findall(r"tok\d+", page.get_by_test_id("agor-session").inner_text())


def has_tokens(page: Page) -> bool:
    return len(tokens(page)) >= 200


def asked(page: Page) -> Locator:
    return page.get_by_test_id("agor-session").get_by_test_id("agor-approval")


def allow(page: Page) -> None:
    page.get_by_test_id("agor-session").locator('[data-agor-option="allow_once"]').click()


def test_two_people_do_one_piece_of_work(desk: Desk, house: Stage) -> None:
    write_demo_repo(house.root / "springs")
    board = house.board("Team A")
    with desk.person("mona") as monas, desk.person("oscar") as oscars:
        a, b = desk.open(monas, board), desk.open(oscars, board)
        b.get_by_test_id("agor-canvas").wait_for()
        add_repository(a, "springs")
        make_worktree(a, "springs", "mend-springs")
        cards = [page.get_by_test_id("agor-card").filter(has_text="mend-springs") for page in (a, b)]
        expect(cards[1]).to_be_visible()
        expect(cards[0]).to_be_visible()
        a.wait_for_timeout(600)  # the canvas comes to rest around the new card

        _sees_the_drag(a, b, cards)
        start_session(a, cards[0], PROMPT)
        cards[1].get_by_test_id("agor-session-row").dblclick()
        b.get_by_test_id("agor-session").wait_for()
        _sees_the_approvals(a, b)
        _sees_the_stream(a, b, desk)
        _sees_note_and_zone(a, b, board, desk)


def _sees_the_drag(a: Page, b: Page, cards: list[Locator]) -> None:
    """B sees A's cursor, and the card moving while A still holds it."""
    head = cards[0].locator(".jp-AgorCard-name")
    x, y = middle(head)
    a.mouse.move(x - 40, y - 60)
    a.mouse.move(x, y, steps=5)
    expect(b.locator('[data-testid="agor-cursor"][data-agor-user="mona"]')).to_be_visible()
    before = middle(cards[1])
    a.mouse.down()
    a.mouse.move(x + 120, y + 60, steps=8)
    wait_for("the card moves for B before the drop", lambda: middle(cards[1])[0] - before[0] > 40, 10)
    a.mouse.up()
    held = middle(cards[1])
    b.wait_for_timeout(700)
    after = middle(cards[1])
    assert abs(after[0] - held[0]) < 80, "the card stays where it was put"
    assert after[0] - before[0] > 40


def _sees_the_approvals(a: Page, b: Page) -> None:
    """Both see what is asked; A queues a follow-up meanwhile and answers; it is gone for both."""
    for page in (a, b):
        expect(page.get_by_test_id("agor-session").get_by_test_id("agor-approval")).to_contain_text(
            "Edit stats"
        )
    box = a.get_by_test_id("agor-prompt-box")
    box.fill(STREAM)
    box.press("Enter")
    for page in (a, b):
        expect(page.get_by_test_id("agor-queued")).to_contain_text(STREAM)
    allow(a)
    for page in (a, b):
        expect(page.get_by_test_id("agor-session").get_by_test_id("agor-approval")).to_contain_text(
            "Run the tests"
        )
    allow(a)
    for page in (a, b):
        expect(page.get_by_test_id("agor-session")).to_contain_text("All tests pass")
        expect(page.get_by_test_id("agor-task-end").first).to_contain_text("Done")


def _sees_the_stream(a: Page, b: Page, desk: Desk) -> None:
    """B sees the words come; A reloads in the middle, and has each of them exactly once."""
    first = len(wait_for("B sees words", lambda: tokens(b)))
    more = wait_for("B sees more words", lambda: [t for t in (tokens(b),) if len(t) > first + 5])
    assert len(more[0]) < 200, "it was seen while it came"
    a.reload()
    desk.settle(a)
    a.get_by_test_id("agor-session").wait_for()
    everything = [f"tok{number}" for number in range(200)]
    for page in (a, b):
        wait_for("all tokens are there", partial(has_tokens, page), 30)
        assert tokens(page) == everything
        expect(page.get_by_test_id("agor-status")).to_have_text(re.compile("idle|finished", re.I))


def _sees_note_and_zone(a: Page, b: Page, board: str, desk: Desk) -> None:
    for page in (a, b):
        desk.board(page, board)
    for kind in ("zone", "note"):
        a.get_by_test_id("agor-board").locator(f'[data-agor-command="agor:add-{kind}"]').click()
        expect(a.get_by_test_id(f"agor-{kind}")).to_have_count(1)
        expect(b.get_by_test_id(f"agor-{kind}")).to_have_count(1)
