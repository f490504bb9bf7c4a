"""A session is saved as a script from its menu: it opens as a file, and what was taken out is said."""

from __future__ import annotations

import pytest
import yaml
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TOKEN = "ghp_" + "a1B2" * 9
ASK = f"""Look, and keep {TOKEN} to yourself.

```demo
- think: 'I look at what is there.'
- run: {{argv: ['{{python}}', '-c', 'print("{TOKEN}")'], title: Print it}}
- tool: {{title: 'Agent: look closer', kind: think, steps: [{{say: 'Looked.'}}], text: Done}}
- say: 'It ends with {TOKEN}.'
```"""


def test_a_session_is_saved_from_its_menu(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("to-be-saved", house.board("Team O"))
    session = house.session(worktree, ASK, "Keep it to yourself", "full_auto")
    house.wait_status(session, "idle")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        page.get_by_test_id("agor-session-menu").click()
        menu = page.locator(".lm-Menu")
        expect(menu).to_contain_text("Save as Demo Script")
        menu.get_by_text("Save as Demo Script").click()
        name = page.locator(".jp-Dialog input")
        expect(name).to_have_value("keep-it-to-yourself.demo.yml")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(page.locator(".jp-FileEditor .cm-content")).to_contain_text("recorded: true")
        expect(page.locator(".jp-toast-message, .Toastify__toast").last).to_contain_text("GitHub token (")
    path = house.root / "keep-it-to-yourself.demo.yml"
    text = wait_for("the file is there", lambda: path.read_text("utf-8") if path.exists() else "")
    assert TOKEN not in text
    steps = yaml.safe_load(text)["turns"][0]["steps"]
    assert [next(iter(step)) for step in steps if "wait" not in step] == [
        "think",
        "tool",
        "if",
        "tool",
        "say",
        "usage",
    ]
