"""A viewer watches everything and changes nothing: neither by what the page offers nor past it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SEND = """async ([method, path, body]) => {
  const xsrf = /_xsrf=([^;]+)/.exec(document.cookie)?.[1] ?? '';
  const answer = await fetch('/agor/api/v1' + path, {
    method,
    headers: {
      'Content-Type': 'application/json',
      'X-XSRFToken': xsrf,
      'Idempotency-Key': crypto.randomUUID()
    },
    body: JSON.stringify(body)
  });
  return [answer.status, (await answer.json()).type ?? ''];
}"""


def test_a_viewer_watches_and_changes_nothing(desk: Desk, house: Stage) -> None:
    board = house.board("Team B")
    worktree = house.worktree("viewers-tree", board)
    session = house.session(worktree, "Mend the failing test", "To be watched")
    request = house.wait_status(session, "awaiting_permission")["pending"][0]
    with desk.person("vera") as veras:
        page = desk.open(veras, board)
        card = page.get_by_test_id("agor-card")
        expect(card).to_contain_text("viewers-tree")
        expect(page.get_by_test_id("agor-board")).to_contain_text("View only")
        _cannot_move(page)
        for command in ("agor:create-worktree", "agor:add-zone", "agor:add-note"):
            expect(
                page.get_by_test_id("agor-board").locator(f'[data-agor-command="{command}"]')
            ).to_be_disabled()
        for button in card.locator("[data-agor-option]").all():
            expect(button).to_be_disabled()
        desk.session(page, session)
        panel = page.get_by_test_id("agor-session")
        expect(panel).to_contain_text("The median of an even number of values")
        expect(page.get_by_test_id("agor-prompt-box")).not_to_be_editable()
        expect(panel.locator("[data-agor-option]")).to_have_count(3)
        for button in panel.locator("[data-agor-option]").all():
            expect(button).to_be_disabled()
        expect(page.get_by_test_id("agor-stop")).to_be_disabled()
        _is_refused(page, board, worktree, session, str(request))
    assert house.get(f"/sessions/{session}")["status"] == "awaiting_permission"


def _cannot_move(page: Page) -> None:
    """No node can be dragged; who tries moves the board, not the card."""
    page.locator(".react-flow__node").first.wait_for()
    assert page.locator(".react-flow__node.draggable").count() == 0


def _is_refused(page: Page, board: str, worktree: str, session: str, request: str) -> None:
    attempts = [
        ("POST", "/boards", {"name": "Mine"}),
        ("POST", f"/boards/{board}/drops", {"card_id": worktree, "pos": [9, 9], "drop_id": "d"}),
        ("POST", f"/sessions/{session}/tasks", {"prompt": "fail"}),
        ("POST", f"/sessions/{session}/interrupt", {}),
        ("PATCH", f"/sessions/{session}", {"title": "Mine"}),
        ("POST", f"/permissions/{request}", {"option_id": "allow_once"}),
    ]
    for attempt in attempts:
        status, _ = page.evaluate(SEND, list(attempt))
        assert status == 403, (attempt, status)
