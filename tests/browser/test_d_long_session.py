"""A session of 5,000 messages: it opens at its end, stays small in the page, and scrolls to both ends."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.browser.pages import Desk
from tests.browser.seeding import EACH, LONG_SESSION, TASKS

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
        scroller.focus()
        while time.monotonic() - begun < 60:  # a loaded machine loads its hundred pages slowly
            page.keyboard.press("Home")
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
