"""Real browsers at a board: how often the page changes while agents stream.

What is counted are the batches that a MutationObserver on the board's canvas hands over: one for
each time that anything below it was redrawn. Without Playwright or Chromium there is nothing to count.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.stream_house import House

if TYPE_CHECKING:
    from playwright.async_api import Page

READY = "() => window.jupyterapp && window.jupyterapp.restored.then(() => true)"
RUN = "([command, args]) => { void window.jupyterapp.commands.execute(command, args).catch(() => {}); }"
OBSERVE = """() => {
    window.agorBatches = 0;
    const options = {subtree: true, childList: true, characterData: true, attributes: true};
    new MutationObserver(() => { window.agorBatches += 1; })
        .observe(document.querySelector('[data-testid="agor-canvas"]'), options);
}"""
# A session opens as a tab over the board: put it beside, and the board is seen again.
SPLIT = """() => {
    const shell = window.jupyterapp.shell;
    const all = Array.from(shell.widgets('main'));
    const holds = name => all.find(widget => widget.node.querySelector(`[data-testid="${name}"]`));
    shell.add(holds('agor-session'), 'main', {mode: 'split-right', ref: holds('agor-canvas').id});
    shell.activateById(holds('agor-canvas').id);
}"""
TAKE = "() => { const found = window.agorBatches; window.agorBatches = 0; return found; }"


@dataclass
class Watch:
    pages: list[Page]

    async def batches(self) -> list[int]:
        """Give how often each page's board changed since this was asked last."""
        return [int(await page.evaluate(TAKE)) for page in self.pages]


@asynccontextmanager
async def watch_boards(house: House, board: str, session: str, count: int) -> AsyncIterator[Watch | None]:
    """Open the board, and one session beside it, in browsers of their own; None where there is none."""
    path = os.environ.get("AGOR_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        path = None
    if path is None:
        yield None
        return
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            pages = []
            for number in range(count):
                context = await browser.new_context(viewport={"width": 1440, "height": 900})
                page = await context.new_page()
                page.set_default_timeout(60_000)
                await page.goto(f"{house.lab.url}lab/workspaces/bench{number}?token={house.lab.token}")
                await page.wait_for_function(READY)
                await page.evaluate(RUN, ["agor:open-board", {"board_id": board}])
                await page.get_by_test_id("agor-canvas").wait_for()
                await page.evaluate(RUN, ["agor:open-session", {"session_id": session}])
                await page.get_by_test_id("agor-session").wait_for()
                await page.evaluate(SPLIT)
                await page.get_by_test_id("agor-canvas").wait_for()
                await page.evaluate(OBSERVE)
                pages.append(page)
            yield Watch(pages)
        finally:
            await browser.close()
