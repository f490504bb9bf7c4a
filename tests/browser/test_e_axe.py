"""axe-core on every view, in light and dark: nothing serious inside what is ours."""

from __future__ import annotations

import pytest

from tests.browser.axe import AXE, check
from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_serious_violation(desk: Desk, house: Stage, theme: str) -> None:
    assert AXE.exists(), "the front end's packages are not installed"
    board = house.board(f"Axe {theme[-5:].strip()}")
    worktree = house.worktree(f"axe-{theme[-5:].strip().lower()}", board)
    house.worktree(f"axe-empty-{theme[-5:].strip().lower()}", board, (400, 0))
    session = house.session(worktree, "Mend the failing test", "Looked at by axe")
    house.post(f"/sessions/{session}/tasks", {"prompt": "and a follow-up"})
    house.wait_status(session, "awaiting_permission")
    found: list[str] = []
    with desk.person("mona") as monas, desk.person("oscar") as oscars:
        page = desk.open(monas, board)
        desk.theme(page, theme)
        desk.open(oscars, board).get_by_test_id("agor-card").first.wait_for()
        page.get_by_test_id("agor-card").first.wait_for()
        desk.run(page, "agor:add-zone", name="Zone of axe")
        desk.run(page, "agor:add-note", text="A note")
        page.get_by_test_id("agor-note").wait_for()
        desk.run(page, "agor:show-panel")
        page.get_by_test_id("agor-panel-session").first.wait_for()
        found += check(page, ".jp-AgorPanel")
        found += check(page, ".jp-AgorBoard")
        for command, field in (
            ("agor:add-repository", "agor-repo-path"),
            ("agor:create-worktree", "agor-worktree-name"),
            ("agor:create-session", "agor-session-prompt"),
        ):
            desk.run(page, command, worktree_id=worktree)
            page.get_by_test_id(field).wait_for()
            found += check(page, ".jp-AgorDialog .jp-Dialog-content")
            page.keyboard.press("Escape")
            page.locator(".jp-Dialog").wait_for(state="detached")
        desk.session(page, session)
        page.get_by_test_id("agor-session").get_by_test_id("agor-approval").wait_for()
        found += check(page, ".jp-AgorSession")
    assert found == [], "\n".join(found)
