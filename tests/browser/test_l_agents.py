"""The Agents view: what can be used, keys, MCP servers and tokens; and what a session is begun with."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import check
from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SECRET = "canary-in-the-panel-0123456789"


def accept(page: Page) -> None:
    page.locator(".jp-Dialog .jp-mod-accept, .jp-Dialog .jp-mod-warn").click()


def open_agents(desk: Desk, page: Page) -> None:
    desk.run(page, "agor:show-agents")
    page.get_by_test_id("agor-agents").get_by_test_id("agor-agent").first.wait_for()


def test_a_key_is_set_and_never_shown(desk: Desk, house: Stage) -> None:
    with desk.person("mona") as monas:
        page = desk.open(monas, house.board("Keys"))
        desk.run(page, "agor:show-panel")
        page.get_by_test_id("agor-show-agents").click()
        demo = page.locator("[data-testid=agor-agent][data-agor-kind=demo]")
        expect(demo).to_have_attribute("data-agor-state", "ready")
        claude = page.locator("[data-testid=agor-agent][data-agor-kind=claude]")
        row = claude.locator("[data-testid=agor-credential][data-agor-name=ANTHROPIC_API_KEY]")
        expect(row).to_have_attribute("data-agor-set", "false")
        row.get_by_role("button", name="Set ANTHROPIC_API_KEY").click()
        field = page.get_by_test_id("agor-credential-value")
        expect(field).to_have_attribute("type", "password")
        field.fill(SECRET)
        accept(page)
        expect(row).to_have_attribute("data-agor-set", "true")
        if house.get("/agents", "mona")["items"][0]["installed"]:
            expect(claude).not_to_have_attribute("data-agor-state", "logged-out")
        assert SECRET not in page.content()
        assert SECRET not in str(house.get("/me/credentials", "mona"))
        theirs = {item["name"]: item["set_ms"] for item in house.get("/me/credentials", "oscar")["items"]}
        assert theirs["ANTHROPIC_API_KEY"] is None
        row.get_by_role("button", name="Remove ANTHROPIC_API_KEY").click()
        accept(page)
        expect(row).to_have_attribute("data-agor-set", "false")
        # What it cannot do is said with the reason.
        demo.get_by_role("button", name=re.compile(r"What it can do: \d+ of \d+ features")).click()
        expect(demo).to_contain_text("A script calls the house's own tools only.")


def test_a_server_is_added_switched_off_and_removed(desk: Desk, house: Stage) -> None:
    with desk.person("mona") as monas:
        page = desk.open(monas, house.board("Servers"))
        open_agents(desk, page)
        page.get_by_test_id("agor-add-server").click()
        page.get_by_test_id("agor-server-name").fill("tools")
        page.get_by_test_id("agor-server-transport").select_option("http")
        page.get_by_test_id("agor-server-where").fill("https://tools.example.org/mcp")
        page.get_by_test_id("agor-server-pairs").fill("Authorization: Bearer abcdefgh0123456789")
        accept(page)
        expect(page.locator(".jp-AgorForm-problem")).to_contain_text("looks like a secret")
        page.get_by_test_id("agor-server-pairs").fill("Authorization: Bearer ${TOOLS_TOKEN}")
        accept(page)
        server = page.locator("[data-testid=agor-server][data-agor-name=tools]")
        expect(server).to_contain_text("https://tools.example.org/mcp")
        needed = page.locator("[data-testid=agor-credential][data-agor-name=TOOLS_TOKEN]")
        expect(needed).to_have_attribute("data-agor-set", "false")
        server.get_by_role("checkbox").click()
        wait_for("it is off", lambda: not house.get("/mcp-servers", "mona")["items"][0]["enabled"])
        expect(server.get_by_role("checkbox")).not_to_be_checked()
        server.get_by_role("button", name="Edit tools").click()
        expect(page.get_by_test_id("agor-server-pairs")).to_have_value("Authorization: Bearer ${TOOLS_TOKEN}")
        page.keyboard.press("Escape")
        server.get_by_role("button", name="Remove tools").click()
        expect(server).to_have_count(0)
        assert house.get("/mcp-servers", "mona")["items"] == []


def test_a_token_is_shown_once(desk: Desk, house: Stage) -> None:
    with desk.person("mona") as monas:
        page = desk.open(monas, house.board("Tokens"))
        open_agents(desk, page)
        page.get_by_test_id("agor-make-token").click()
        token = page.get_by_test_id("agor-token").input_value()
        assert token.startswith("agor_")
        accept(page)
        page.locator(".jp-Dialog").wait_for(state="detached")
        assert token not in page.content()
        page.get_by_test_id("agor-end-tokens").click()
        accept(page)
        page.get_by_text("Your tokens for outside clients are ended.").wait_for()


def test_a_new_session_remembers_what_was_chosen(desk: Desk, house: Stage) -> None:
    board = house.board("Choices")
    worktree = house.worktree("choices", board)
    with desk.person("oscar") as oscars:
        page = desk.open(oscars, board)
        desk.run(page, "agor:create-session", worktree_id=worktree)
        page.get_by_test_id("agor-session-agent").select_option("demo")
        page.get_by_test_id("agor-session-mode").select_option("plan")
        page.get_by_test_id("agor-session-model").fill("demo-slow")
        accept(page)
        page.get_by_test_id("agor-session").wait_for()
        session = house.get("/sessions")["items"][0]
        assert (session["agent"], session["mode"], session["model"]) == ("demo", "plan", "demo-slow")
        wait_for("it is kept", lambda: "new-session" in house.get("/me/settings", "oscar"))
        page.reload()
        desk.settle(page)
        desk.run(page, "agor:create-session", worktree_id=worktree)
        expect(page.get_by_test_id("agor-session-mode")).to_have_value("plan")
        expect(page.get_by_test_id("agor-session-model")).to_have_value("demo-slow")
        page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_serious_violation(desk: Desk, house: Stage, theme: str) -> None:
    found: list[str] = []
    with desk.person("ada") as adas:
        page = desk.open(adas, house.board(f"Agents {theme[-5:].strip()}"))
        desk.theme(page, theme)
        open_agents(desk, page)
        page.get_by_role("button", name="What it can do").first.click()
        found += check(page, ".jp-AgorAgents")
        page.get_by_test_id("agor-add-server").click()
        page.get_by_test_id("agor-server-name").wait_for()
        found += check(page, ".jp-AgorDialog .jp-Dialog-content")
        page.keyboard.press("Escape")
    assert found == [], "\n".join(found)
