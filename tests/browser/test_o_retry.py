"""A task that failed is sent again at a press: whole, as a prompt of who pressed, and once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.stage import Json, Stage, wait_for
from tests.making import make_repo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FAILS = f"Look at the notes.\nSTEPS: {json.dumps([{'fail': [-32603, 'The model is overloaded.']}])}"
AGENT = [sys.executable, "-m", "agor_jupyter.testing.acp_agent"]
NOTES = {"name": "notes.txt", "media_type": "text/plain", "data": "Mind the gap."}


def ended(house: Stage, session: str, count: int) -> list[Json]:
    def found() -> list[Json] | None:
        tasks: list[Json] = house.get(f"/sessions/{session}/tasks")["items"]
        return tasks if [task["status"] for task in tasks] == ["ended"] * count else None

    tasks: list[Json] = wait_for(f"{count} tasks have ended", found, 60)
    return tasks


@pytest.fixture
def session(house: Stage) -> Iterator[str]:
    """Begin a session of mona with an agent that takes files, in a repository of its own."""
    pytest.importorskip("acp")
    repo = house.post("/repos", {"path": str(make_repo(house.root, "again"))})["id"]
    digest = house.get(f"/repos/{repo}/trust")["digest"]
    house.post(f"/repos/{repo}/trust", {"trusted": True, "digest": digest})
    house.post("/named-agents", {"name": "again", "label": "Scripted", "command": AGENT}, "ada")
    wish = {"repo_id": repo, "name": "again", "board_id": house.board("Again")}
    tree = house.post("/worktrees", wish)["id"]
    begun = {"worktree_id": tree, "agent": "acp.again", "title": "Reads the notes"}
    yield str(house.post("/sessions", begun)["id"])
    assert house.ask("ada", "DELETE", "/named-agents/again")[0] in (200, 204)


def test_a_failed_prompt_is_sent_again_by_button_and_by_menu(desk: Desk, house: Stage, session: str) -> None:
    house.post(f"/sessions/{session}/tasks", {"prompt": FAILS, "attachments": [NOTES]})
    ended(house, session, 1)
    with desk.person("oscar") as oscars:
        page = desk.open(oscars)
        desk.session(page, session)
        trouble = page.get_by_test_id("agor-trouble")
        expect(trouble).to_contain_text("The model is overloaded.")
        trouble.get_by_test_id("agor-retry").dblclick()
        first, second = ended(house, session, 2)
        assert (first["by_name"], second["by_name"]) == ("Mona Member", "Oscar Owner")
        assert (second["prompt"], second["attached"]) == (first["prompt"], ["notes.txt"])
        queued = [
            event["update"]["attachments"]
            for event in house.get(f"/sessions/{session}/events")["items"]
            if event["update"]["type"] == "task_queued"
        ]
        assert queued == [[NOTES], [NOTES]]

        page.get_by_test_id("agor-session-menu").click()
        page.locator(".lm-Menu-item:not(.lm-mod-disabled)").filter(has_text="Try Again").click()
        ended(house, session, 3)
        house.post(f"/sessions/{session}/resume", {})
        expect(trouble).to_have_count(0)
        page.get_by_test_id("agor-session-menu").click()
        expect(page.locator(".lm-Menu-item.lm-mod-disabled").filter(has_text="Try Again")).to_be_visible()
    # One who may only watch is offered nothing.
    house.post(f"/sessions/{session}/tasks", {"prompt": FAILS})
    ended(house, session, 4)
    with desk.person("vera") as veras:
        page = desk.open(veras)
        desk.session(page, session)
        expect(page.get_by_test_id("agor-trouble")).to_be_visible()
        expect(page.get_by_test_id("agor-retry")).to_have_count(0)
