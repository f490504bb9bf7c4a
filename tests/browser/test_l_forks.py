"""A fork from a task's menu: its panel says of what, its card stands beside, and a line joins both."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_fork_from_a_task_into_a_new_worktree(desk: Desk, house: Stage) -> None:
    board = house.board("Team L")
    tree = house.worktree("to-branch", board)
    session = house.session(tree, "stream 5 tokens at 100/s", "The first one", "full_auto")
    house.wait_status(session, "idle")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.board(page, board)
        expect(page.get_by_test_id("agor-card")).to_have_count(1)
        desk.session(page, session)
        page.get_by_test_id("agor-fork").last.click()
        menu = page.locator(".lm-Menu")
        expect(menu).to_contain_text("Fork before this prompt")
        menu.get_by_text("Fork from here, files too: a new worktree").click()
        origin = page.get_by_test_id("agor-origin")
        expect(origin).to_have_text("Fork of The first one")
        expect(menu).to_have_count(0)
        desk.board(page, board)
        expect(page.get_by_test_id("agor-card")).to_have_count(2)
        expect(page.locator(".jp-AgorEdge-mod-fork")).to_have_count(1)
    forks = [item for item in house.get("/sessions")["items"] if item["parent_id"] == session]
    assert [item["genealogy"] for item in forks] == ["fork"]
    assert house.get(f"/worktrees/{forks[0]['worktree_id']}")["name"] == "to-branch-fork"
