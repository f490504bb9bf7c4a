"""Trust in the panel: a quiet line, a list to read, a decision; and what others see of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.stage import Stage
from tests.making import make_repo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HELD = "Not trusted: project instructions and settings are not read."


def row(page: Page) -> Locator:
    return page.get_by_test_id("agor-panel-repo").filter(has_text="instructed")


def test_a_person_looks_decides_and_is_asked_again(desk: Desk, house: Stage) -> None:
    path = make_repo(house.root, "instructed")
    (path / ".claude").mkdir()
    (path / ".claude" / "settings.json").write_text("{}\n")
    (path / "CLAUDE.md").write_text("Be kind.\n")
    (path / ".mcp.json").write_text("{}\n")
    repo = house.post("/repos", {"path": str(path)})["id"]
    house.worktree("beside-it", house.board("Team M"))

    def state() -> str:
        return str(house.get(f"/repos/{repo}/trust")["state"])

    with desk.person("mona") as monas, desk.person("oscar") as oscars:
        page, other = desk.open(monas), desk.open(oscars)
        for each in (page, other):
            desk.run(each, "agor:show-panel")
            expect(row(each)).to_contain_text(HELD)
        row(page).get_by_test_id("agor-see-trust").click()
        listed = page.get_by_test_id("agor-trust")
        expect(listed).to_contain_text("Trust switches on")
        expect(listed.locator("section li")).to_have_count(3)
        expect(listed.locator("section li").first).to_contain_text("can run programs")
        expect(listed.locator("details")).to_contain_text("never switched on by trust (1)")
        assert check(page, ".jp-AgorDialog .jp-Dialog-content") == []
        page.keyboard.press("Enter")  # the first button is the one that does nothing
        page.locator(".jp-Dialog").wait_for(state="detached")
        assert state() == "untrusted"

        # It is hers: he may look.
        row(other).get_by_test_id("agor-see-trust").click()
        expect(other.get_by_test_id("agor-trust")).to_contain_text("Only mona or an admin")
        expect(other.locator(".jp-Dialog button.jp-mod-accept")).to_have_count(0)
        # What JupyterLab shows can be read there, by keyboard too; what is hidden is a name alone.
        theirs = other.get_by_test_id("agor-trust")
        expect(theirs.locator("section li button")).to_have_text(["CLAUDE.md"])
        theirs.get_by_role("button", name="CLAUDE.md").press("Enter")
        expect(theirs.get_by_test_id("agor-trusted-file").locator("pre")).to_have_text("Be kind.\n")
        assert check(other, ".jp-AgorDialog .jp-Dialog-content") == []
        other.keyboard.press("Escape")

        row(page).get_by_test_id("agor-see-trust").click()
        page.get_by_test_id("agor-trust").wait_for()
        (path / "CLAUDE.md").write_text("Be wicked.\n")
        page.get_by_role("button", name="Trust instructed").click()
        expect(page.get_by_test_id("agor-trust")).to_contain_text("is not what was shown")
        assert state() == "untrusted"
        page.get_by_role("button", name="Trust instructed").click()
        for each in (page, other):
            expect(row(each)).not_to_contain_text("project instructions")
        assert state() == "trusted"

        desk.run(page, "agor:distrust-repository", repo_id=repo)
        for each in (page, other):
            expect(row(each)).to_contain_text(HELD)
    assert state() == "untrusted"
