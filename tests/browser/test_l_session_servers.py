"""The tool servers of a session in its panel, and agents by command line in the Agents view."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for
from tests.browser.test_l_agents import accept, open_agents

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def picture(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look at it."""
    if folder := os.environ.get("AGOR_LOOK"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_one_is_added_for_a_session_by_keyboard_and_switched(desk: Desk, house: Stage) -> None:
    board = house.board("Session servers")
    worktree = house.worktree("session-servers", board)
    pytest.importorskip("claude_agent_sdk")  # the demo takes no tool servers
    session = house.post("/sessions", {"worktree_id": worktree, "agent": "claude", "title": "Tools"})["id"]
    path = f"/sessions/{session}/mcp-servers"
    with desk.person("mona") as monas:
        page = desk.open(monas, board)
        desk.run(page, "agor:open-session", session_id=session)
        # The prompt takes the keyboard when the panel has opened; only then is it somebody's to move.
        expect(page.locator(".jp-AgorPromptBox textarea")).to_be_focused()
        menu = page.get_by_test_id("agor-session-menu")
        menu.focus()
        page.keyboard.press("Enter")
        page.locator(".lm-Menu").wait_for()
        picture(page, "session-menu")
        for _ in range(10):
            page.keyboard.press("ArrowDown")
            if page.locator(".lm-Menu-item.lm-mod-active", has_text="Tool Servers").count():
                break
        page.keyboard.press("Enter")
        shown = page.get_by_test_id("agor-session-servers")
        expect(shown).to_contain_text("None yet")
        expect(shown).to_contain_text("The agent is not running")
        accept(page)
        expect(page.locator(".jp-AgorDialog")).to_contain_text("alone, from its agent’s next start")
        page.get_by_test_id("agor-server-name").fill("mine")
        page.get_by_test_id("agor-server-where").fill("my-tools --stdio")
        picture(page, "add-for-this-session")
        accept(page)
        row = page.locator("[data-testid=agor-session-server-row][data-agor-name=mine]")
        expect(row).to_contain_text("this session")
        picture(page, "session-servers")
        row.get_by_role("checkbox").click()
        wait_for("it is off", lambda: not house.get(path, "mona")["items"][0]["enabled"])
        expect(row.get_by_role("checkbox")).not_to_be_checked()
        found = check(page, ".jp-AgorDialog .jp-Dialog-content")
        assert found == [], "\n".join(found)
        clipped = "form => form.scrollWidth - form.clientWidth"
        assert page.locator(".jp-AgorDialog .jp-AgorForm").evaluate(clipped) == 0
        # It can be edited and removed here alone: the list of one's own servers leaves it out.
        row.get_by_role("button", name="Edit mine").click()
        page.get_by_test_id("agor-server-where").fill("my-tools --deep")
        accept(page)
        expect(row).to_contain_text("--deep")
        row.get_by_role("button", name="Remove mine").click()
        expect(shown).to_contain_text("None yet")
        page.locator(".Toastify__toast").get_by_role("button", name="Undo").dispatch_event("click")
        wait_for("it is back", lambda: house.get(path, "mona")["items"])
        page.keyboard.press("Escape")
        page.locator(".jp-Dialog").wait_for(state="detached")
    with desk.person("oscar") as oscars:
        page = desk.open(oscars, board)
        desk.run(page, "agor:show-servers", session_id=session)
        shown = page.get_by_test_id("agor-session-servers")
        expect(shown).to_contain_text("mine")
        expect(shown).to_contain_text("only their owner sees what they are")
        expect(shown.get_by_role("checkbox")).to_be_disabled()
        assert "my-tools" not in page.content()
        picture(page, "session-servers-of-another")


def test_an_admin_adds_an_agent_and_a_member_sees_why_not(desk: Desk, house: Stage) -> None:
    with desk.person("ada") as adas:
        page = desk.open(adas, house.board("Named agents"))
        open_agents(desk, page)
        page.get_by_test_id("agor-add-agent").click()
        page.get_by_test_id("agor-agent-preset").select_option("goose")
        expect(page.get_by_test_id("agor-agent-command")).to_have_value("goose acp")
        picture(page, "add-agent")
        found = check(page, ".jp-AgorDialog .jp-Dialog-content")
        assert found == [], "\n".join(found)
        page.get_by_test_id("agor-agent-pairs").fill("GOOSE_TOKEN=abcdefgh0123456789")
        accept(page)
        expect(page.locator(".jp-AgorForm-problem")).to_contain_text("looks like a secret")
        page.get_by_test_id("agor-agent-pairs").fill("GOOSE_TOKEN=${GOOSE_KEY}")
        page.get_by_test_id("agor-agent-command").fill("no-goose-is-here acp")
        accept(page)
        card = page.locator("[data-testid=agor-agent][data-agor-kind='acp.goose']")
        expect(card).to_have_attribute("data-agor-state", "absent")
        expect(card).to_contain_text("no-goose-is-here")
        expect(card.locator("[data-agor-name=GOOSE_KEY]")).to_have_count(1)
        card.scroll_into_view_if_needed()
        picture(page, "named-agent")
    with desk.person("mona") as monas:
        page = desk.open(monas, house.board("Named agents, too"))
        open_agents(desk, page)
        expect(page.get_by_test_id("agor-add-agent")).to_be_disabled()
        expect(page.locator(".jp-AgorAgents-add")).to_contain_text("Only an admin of this server")
        card = page.locator("[data-testid=agor-agent][data-agor-kind='acp.goose']")
        expect(card.get_by_role("button", name="Remove Goose")).to_have_count(0)
        page.get_by_test_id("agor-add-agent").scroll_into_view_if_needed()
        picture(page, "named-agents-of-a-member")
    with desk.person("ada") as adas:
        page = desk.open(adas, house.board("Named agents, gone"))
        open_agents(desk, page)
        card = page.locator("[data-testid=agor-agent][data-agor-kind='acp.goose']")
        card.get_by_role("button", name="Remove Goose").click()
        expect(page.locator(".jp-Dialog")).to_contain_text("No session was begun with it.")
        accept(page)
        expect(card).to_have_count(0)
