"""One server and one browser for all stories of this folder; a complaint of ours fails its story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.pages import Desk, chromium
from tests.browser.seeding import seed_long_session
from tests.browser.stage import Stage, stage


# Package scope: Playwright's loop counts as running while it lives, which the async tests of other
# folders could not bear.
@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("stage"), seed_long_session) as running:
        yield running


@pytest.fixture(scope="package")
def one_browser(house: Stage) -> Iterator[Desk]:
    expect.set_options(timeout=20_000)  # the machines of a run in the cloud are slow
    with sync_playwright() as play:
        browser = chromium(play)
        try:
            yield Desk(browser, house)
        finally:
            browser.close()


@pytest.fixture
def desk(one_browser: Desk) -> Iterator[Desk]:
    one_browser.watch.said.clear()
    yield one_browser
    assert one_browser.watch.said == []
