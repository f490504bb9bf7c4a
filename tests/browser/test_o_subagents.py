"""What sub-agents say and do stands behind their calls, closed until somebody opens it."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ASK = """Look at both.

```demo
- say: 'I send two to look.'
- tool:
    title: 'Agent: read the tests'
    kind: think
    text: 'All tests are there.'
    steps:
      - say: 'I begin with the list.'
      - tool: {title: 'List tests', kind: search, text: 'a, b'}
      - tool:
          title: 'Agent: count them'
          kind: think
          text: 'Two.'
          steps:
            - say: 'One, two.'
- tool:
    title: 'Agent: read the docs'
    kind: think
    text: 'They are short.'
    steps:
      - say: 'Short indeed.'
- say: 'Both are done.'
```"""


def test_a_sub_agents_work_stands_behind_its_call(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("many-hands", house.board("Team S"))
    session = house.session(worktree, ASK, "Many hands", "full_auto")
    house.wait_status(session, "idle")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        panel = page.get_by_test_id("agor-session")
        words = panel.locator(".jp-AgorMarkdown")  # the prompt holds them all, as its script
        agents = panel.get_by_test_id("agor-subagent")
        expect(words).to_have_text(["I send two to look.", "Both are done."])
        expect(agents).to_have_count(2)
        first = agents.first.get_by_role("button", name="Sub-agent")
        expect(first).to_have_attribute("aria-expanded", "false")
        first.press("Enter")
        expect(words).to_have_text(["I send two to look.", "I begin with the list.", "Both are done."])
        expect(agents.nth(1)).to_contain_text(
            "Agent: count them"
        )  # the first one's: it stands before the second
        agents.nth(1).get_by_role("button", name="Sub-agent").press("Enter")
        expect(words).to_have_text(
            ["I send two to look.", "I begin with the list.", "One, two.", "Both are done."]
        )
        boxes = [words.nth(number).bounding_box() or {"x": 0.0} for number in range(3)]
        assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
        if folder := os.environ.get("AGOR_LOOK"):
            page.screenshot(path=f"{folder}/subagents.png")
        first.press("Enter")
        expect(words).to_have_text(["I send two to look.", "Both are done."])
