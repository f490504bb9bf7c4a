"""The prompt box: drafts, earlier prompts, files, words for the running turn; and mathematics above it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import Desk
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MATHS = r"""Say it.

```demo
- say: 'The mean is $\bar{x} = \frac{1}{n}\sum_i x_i$, and it costs \$5.'
```"""
SLOW = """Take your time.

```demo
- say: I begin.
- wait: 60
```"""
DROP = """(box, files) => {
  const data = new DataTransfer();
  files.forEach(([name, type, text]) => data.items.add(new File([text], name, {type})));
  for (const kind of ['dragover', 'drop']) {
    box.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
  }
}"""
PASTE = """box => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array([137, 80, 78, 71])], 'image.png', {type: 'image/png'}));
  box.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def close_session(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    page.get_by_test_id("agor-session").wait_for(state="detached")


def test_drafts_and_earlier_prompts(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("drafts", house.board("Team J"))
    session = house.session(worktree, "", "With drafts", "full_auto")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        box = page.get_by_test_id("agor-prompt-box")
        expect(box).to_be_focused()
        for number, prompt in enumerate(("what did I ask earlier?", MATHS), start=1):
            box.fill(prompt)
            box.press("Enter")
            expect(page.get_by_test_id("agor-task-end")).to_have_count(number)
        # Mathematics are drawn by JupyterLab's own renderer, and a price is none.
        panel = page.get_by_test_id("agor-session")
        expect(panel.locator(".jp-AgorMarkdown mjx-container")).to_have_count(1)
        expect(panel).to_contain_text("$5")

        box.fill("half a thought")
        box.press("Home")
        box.press("ArrowUp")
        expect(box).to_have_value(MATHS)
        box.press("Control+Home")
        box.press("ArrowUp")
        expect(box).to_have_value("what did I ask earlier?")
        box.press("ArrowDown")
        expect(box).to_have_value(MATHS)
        box.press("ArrowDown")
        expect(box).to_have_value("half a thought")

        close_session(page)
        desk.session(page, session)
        expect(box).to_have_value("half a thought")
        box.press("End")
        page.keyboard.type(", and more")
        page.reload()  # at once: nothing may wait for a timer
        desk.settle(page)
        desk.session(page, session)
        expect(box).to_have_value("half a thought, and more")
        box.fill("")
        box.press("ArrowUp")
        expect(box).to_have_value(MATHS)


def test_files_are_refused_with_the_reason(desk: Desk, house: Stage) -> None:
    """The demo agent takes none: the button is greyed and says so, and so does a drop."""
    worktree = house.worktree("no-files", house.board("Team J2"))
    session = house.session(worktree, "", "Without files")
    with desk.person("mona") as monas:
        page = desk.open(monas)
        desk.session(page, session)
        button = page.get_by_test_id("agor-attach")
        expect(button).to_have_attribute("aria-disabled", "true")
        assert "takes no files" in str(button.get_attribute("title"))
        page.get_by_test_id("agor-prompt-box").evaluate(DROP, [["n.txt", "text/plain", "hi"]])
        expect(page.get_by_test_id("agor-refused")).to_contain_text("Demo agent takes no files.")
        page.get_by_test_id("agor-prompt-box").evaluate(PASTE)
        expect(page.get_by_test_id("agor-refused")).to_contain_text("takes no pictures")
        expect(page.get_by_test_id("agor-attached")).to_have_count(0)


class Abler:
    """Lets the page believe that the demo agent takes files and words for its turn; hears what is sent."""

    def __init__(self, page: Page) -> None:
        self.sent: list[tuple[str, Any]] = []
        page.route("**/agor/api/v1/agents*", self._agents)
        page.route("**/agor/api/v1/sessions/*/steer*", self._steer)
        page.route("**/agor/api/v1/sessions/*/tasks*", self._prompt)

    def _agents(self, route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        for agent in body["items"]:
            agent["capabilities"].update(steer=True, images=True, files=True)
        route.fulfill(response=answer, json=body)

    def _steer(self, route: Route) -> None:
        self.sent.append(("steer", json.loads(route.request.post_data or "{}")))
        route.fulfill(status=202, json={"id": route.request.url.split("/")[-2]})

    def _prompt(self, route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        self.sent.append(("prompt", json.loads(route.request.post_data or "{}")))
        route.fulfill(status=202, json={})


def test_files_go_as_chips_and_words_steer(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("with-files", house.board("Team J3"))
    session = house.session(worktree, SLOW, "With files")
    house.wait_status(session, "running")
    with desk.person("mona") as monas:
        page = monas.new_page()
        desk.watch.follow(page)
        abler = Abler(page)
        page.goto(f"{house.url}lab/workspaces/with-files")
        desk.settle(page)
        desk.session(page, session)
        box, chips = page.get_by_test_id("agor-prompt-box"), page.get_by_test_id("agor-attached")
        expect(page.get_by_test_id("agor-enter")).to_have_text("Enter: queue · Ctrl+Enter: steer")
        box.evaluate(DROP, [["notes.md", "text/markdown", "# Mind the gap"], ["b.txt", "text/plain", "b"]])
        box.evaluate(PASTE)
        expect(chips).to_have_count(3)
        page.get_by_label("Take off b.txt").click()
        expect(chips).to_have_count(2)
        box.evaluate(DROP, [["big.txt", "text/plain", "x" * (7 * 2**20 + 1)]])
        expect(page.get_by_test_id("agor-refused")).to_contain_text("“big.txt” is too large")
        # Closing the panel loses none of them.
        close_session(page)
        desk.session(page, session)
        expect(chips).to_have_count(2)
        expect(page.get_by_test_id("agor-enter")).to_have_text("Enter: queue · Ctrl+Enter: steer")
        box.fill("mind this")
        box.press("Control+Enter")
        expect(box).to_have_value("")
        expect(chips).to_have_count(0)
        page.get_by_test_id("agor-files").set_input_files(
            {"name": "chosen.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
        )
        expect(chips).to_have_count(1)
        box.fill("then this")
        box.press("Enter")
        expect(chips).to_have_count(0)
        (how, steered), (then, queued) = abler.sent
        assert (how, then) == ("steer", "prompt")
        assert steered["prompt"] == "mind this"
        assert [item["name"] for item in steered["attachments"]] == ["notes.md", "image.png"]
        assert steered["attachments"][0]["data"] == "# Mind the gap"
        assert steered["attachments"][1]["data"] == "iVBORw=="
        assert queued["attachments"] == [
            {"name": "chosen.csv", "media_type": "text/csv", "data": "a,b\n1,2\n"}
        ]
        page.unroute_all(behavior="ignoreErrors")
    house.post(f"/sessions/{session}/interrupt", {})
