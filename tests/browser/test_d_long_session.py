"""A session of 5,000 messages: it opens at its end, stays small in the page, and scrolls to both ends.

A short one keeps to its end too, when what is asked below takes room from it.
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.seeding import EACH, LONG_SESSION, TASKS
from tests.browser.stage import Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOST_ROWS = 200


def test_five_thousand_messages(desk: Desk) -> None:
    assert TASKS * EACH == 5000
    with desk.person("mona") as monas:
        page = desk.open(monas)
        rows = page.locator(".jp-AgorSession-column")
        begun = time.monotonic()
        desk.session(page, LONG_SESSION)
        panel = page.get_by_test_id("agor-session")
        expect(panel).to_contain_text(f"message {TASKS - 1}-{EACH - 1}")
        opened = time.monotonic() - begun
        counts = [rows.count()]
        scroller = page.locator('[data-virtuoso-scroller="true"]')
        begun = time.monotonic()
        # What is scrolled over is loaded on the way, which moves the top: go on until it is reached.
        while time.monotonic() - begun < 60:  # a loaded machine loads its hundred pages slowly
            scroller.press("Home")  # focus first: a session that was just opened gave it to the prompt box
            page.wait_for_timeout(150)
            counts.append(rows.count())
            if panel.get_by_text("message 0-0", exact=True).count():
                break
        expect(panel.get_by_text("message 0-0", exact=True)).to_be_visible()
        to_top = time.monotonic() - begun
        begun = time.monotonic()
        page.locator(".jp-AgorPill").click()
        expect(panel.get_by_text(f"message {TASKS - 1}-{EACH - 1}", exact=True)).to_be_visible()
        to_end = time.monotonic() - begun
        counts.append(rows.count())
        print(f"opened in {opened:.1f} s, to the top {to_top:.1f} s, to the end {to_end:.1f} s")
        print(f"most rows in the page: {max(counts)}")
        assert max(counts) < MOST_ROWS


ASKS = """Ask.

```demo
- say: "{words}"
- wait: 1
- edit: {{path: docs/long.md, write: "{lines}"}}
```"""
AT_END = """() => [...document.querySelectorAll('[data-virtuoso-scroller="true"]')].every(
  list => list.scrollHeight > list.clientHeight && list.scrollHeight - list.clientHeight - list.scrollTop < 8
)"""


def test_the_end_stays_in_view_when_something_is_asked(desk: Desk, house: Stage) -> None:
    worktree = house.worktree("keeps-to-its-end", house.board("Team D"))
    with desk.person("mona") as monas:
        page = desk.open(monas)
        for count in (2, 3, 4):  # with one of them all fits, until the request takes its room
            session = house.session(worktree, "", f"Says {count} lines", "ask")
            desk.session(page, session)
            prompt = ASKS.format(words="a line\\n\\n" * count, lines="a line\\n" * 20)
            page.get_by_test_id("agor-prompt-box").fill(prompt)
            page.get_by_test_id("agor-prompt-box").press("Enter")
            expect(page.get_by_test_id("agor-approval")).to_be_visible(timeout=40_000)
            page.wait_for_function(AT_END, timeout=20_000)
            expect(page.locator(".jp-AgorPill")).to_have_count(0)
            page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
            page.get_by_test_id("agor-session").wait_for(state="detached")
